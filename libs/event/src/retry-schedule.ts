import { HeddleError } from './errors.js';

/**
 * When a failed event is handled again, and how often. Either `delaysMs` lists the delay before each further attempt, or
 * they grow from `firstMs` by `factor` (2) up to `capMs` (30,000) until there have been `attempts` in all. Chance adds up
 * to the share `jitter` (0.2) to each, so that what failed together is not tried again together.
 */
export type RetrySchedule = { jitter?: number } & (
  { delaysMs: readonly number[] } | { attempts: number; firstMs: number; factor?: number; capMs?: number }
);

/** Five attempts within about 21 seconds. */
export const DEFAULT_RETRY: RetrySchedule = { delaysMs: [200, 1000, 5000, 15_000] };

/** A schedule made ready. */
export interface RetryRule {
  /** In all, the first one included. */
  attempts: number;
  /** Milliseconds to wait after the attempt with this number, 1 for the first. */
  delayAfter(attempt: number): number;
}

const MAX_ATTEMPTS = 1000;
const MAX_DELAY_MS = 86_400_000;
const LONGEST_WAIT_MS = 30_000;

/** @throws HeddleError `setting-invalid` for a schedule that is none. */
export function retryRule(schedule: RetrySchedule): RetryRule {
  const { jitter = 0.2 } = schedule;
  check(jitter >= 0 && jitter <= 1, 'jitter must be between 0 and 1');
  const spread = (ms: number): number => ms * (1 + Math.random() * jitter);
  if ('delaysMs' in schedule) {
    const { delaysMs } = schedule;
    check(delaysMs.length < MAX_ATTEMPTS, `delaysMs must be fewer than ${MAX_ATTEMPTS}`);
    check(delaysMs.every(isDelay), `delaysMs must be from 0 to ${MAX_DELAY_MS}`);
    return { attempts: delaysMs.length + 1, delayAfter: (attempt) => spread(delaysMs[attempt - 1] ?? 0) };
  }
  const { attempts, firstMs, factor = 2, capMs = 30_000 } = schedule;
  check(Number.isInteger(attempts) && attempts >= 1 && attempts <= MAX_ATTEMPTS, 'attempts must be from 1 to 1,000');
  check(isDelay(firstMs) && isDelay(capMs), `firstMs and capMs must be from 0 to ${MAX_DELAY_MS}`);
  check(factor >= 1, 'factor must be at least 1');
  return { attempts, delayAfter: (attempt) => spread(Math.min(firstMs * factor ** (attempt - 1), capMs)) };
}

/** How long to wait for something that is down: doubling from `firstMs`, 30 s at most, after so many waits before. */
export function waitFor(waits: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(waits, 20), LONGEST_WAIT_MS) * (0.8 + Math.random() / 5);
}

function isDelay(ms: number): boolean {
  return ms >= 0 && ms <= MAX_DELAY_MS;
}

function check(isRight: boolean, rule: string): void {
  if (!isRight) throw new HeddleError('setting-invalid', `In a retry schedule, ${rule}.`);
}
