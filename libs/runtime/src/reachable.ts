import { HeddleError, type ErrorCode } from '@heddle/event';
import type { Log } from './log.js';

const PATIENCE_MS = 60_000;
const PAUSE_MS = 250;
const SAY_AFTER_MS = 2000;

/**
 * Waits until something a process cannot start without answers, saying in the log what it waits for.
 *
 * @throws HeddleError with `code` after 60 s
 */
export async function reachable(log: Log, what: string, code: ErrorCode, ask: () => Promise<unknown>): Promise<void> {
  const started = Date.now();
  let said = false;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      const waited = Date.now() - started;
      const reason = error instanceof Error ? error.message : String(error);
      if (waited > PATIENCE_MS) {
        throw new HeddleError(code, `${what} did not answer within ${PATIENCE_MS / 1000} s: ${reason}`, {
          cause: error,
        });
      }
      if (!said && waited > SAY_AFTER_MS) {
        said = true;
        log.warn({ event: 'waiting', what, reason }, `waiting for ${what}`);
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
