import type { RetryRule } from './flow.shape.js';

/** What chance adds to a delay at most, so that what failed together does not come again together. */
const JITTER = 0.2;

/** Attempts in all: the first, and as many again as the rule says. */
export function attemptsOf({ times }: RetryRule): number {
  return times + 1;
}

/**
 * Milliseconds to wait after an attempt (the first is 1) has failed; longer where the receiver asks for it, a day at most.
 *
 * @param chance between 0 and 1
 */
export function retryDelayMs(rule: RetryRule, attempt: number, askedMs = 0, chance = Math.random()): number {
  const own = Math.min(rule.capMs, rule.firstMs * rule.factor ** Math.max(0, attempt - 1));
  return Math.round(Math.max(own * (1 + JITTER * chance), Math.min(askedMs, 86_400_000)));
}
