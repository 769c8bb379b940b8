import type { Item } from './item.js';
import type { Refusal } from './lease.js';
import { type QueueDefinition, attemptsOf, retryDelayMs } from './queue.js';

/**
 * What follows an attempt that failed, and was counted in `attempts` unless the work was handed back untouched: another
 * one at a time (milliseconds since the epoch), or none. Only a first passage can be too old: what is redriven or
 * replayed always is.
 */
export function nextAttempt(
  { retry, maxRedeliveryCount }: Pick<QueueDefinition, 'retry' | 'maxRedeliveryCount'>,
  { attempts, appendedAt, cycle }: Pick<Item, 'attempts' | 'appendedAt' | 'cycle'>,
  { delayMs, notBeforeMs = 0, countsAttempt = true }: Refusal,
  now: number,
): { dueAt: number } | { giveUp: 'exhausted' | 'too-old' } {
  if (countsAttempt && attempts >= attemptsOf(retry, maxRedeliveryCount)) return { giveUp: 'exhausted' };
  const delay = delayMs ?? (countsAttempt ? retryDelayMs(retry, attempts, Math.random()) : 0);
  const dueAt = now + Math.max(delay, notBeforeMs);
  return cycle === '' && dueAt > appendedAt + retry.maxAgeMs ? { giveUp: 'too-old' } : { dueAt };
}
