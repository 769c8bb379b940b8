import { HeddleError } from './errors.js';
import { type RetryRule, waitFor } from './retry-schedule.js';

/**
 * What a failure means. `wait`: something is down, and to wait for it uses no attempt. `again`: by the schedule.
 * `permanent`: no attempt would mend it. `exhausted`: that was the last attempt.
 */
export type Verdict = { is: 'wait' | 'again'; delayMs: number } | { is: 'permanent' | 'exhausted' };

export interface Tried {
  /** The number of the attempt that failed, 1 for the first. */
  attempt: number;
  /** How often something that was down has been waited for. */
  waits: number;
}

export function verdictOf(error: unknown, { attempt, waits }: Tried, retry: RetryRule, firstWaitMs: number): Verdict {
  if (error instanceof HeddleError) {
    return error.retryable ? { is: 'wait', delayMs: waitFor(waits, firstWaitMs) } : { is: 'permanent' };
  }
  if (attempt >= retry.attempts) return { is: 'exhausted' };
  return { is: 'again', delayMs: retry.delayAfter(attempt) };
}
