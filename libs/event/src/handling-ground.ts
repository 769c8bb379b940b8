import type { BatchHandling, HandlingContext } from './consume.js';
import type { AttemptGround } from './handling.js';
import type { RetryRule } from './retry-schedule.js';
import type { Slots } from './slots.js';
import type { StoredEvent } from './stored-event.js';

/** An event that a group gives up on. */
export interface FailedEvent {
  event: StoredEvent;
  /** The last one. */
  error: unknown;
  attempts: number;
}

/** The handler is none for batches, or there is none. */
export const SINGLE = -1;
export const UNHANDLED = -2;

/** What the partitions of one consumer share. */
export interface HandlingGround extends AttemptGround {
  readonly slots: Slots;
  readonly retry: RetryRule;
  /** The first wait for something that is down. */
  readonly firstWaitMs: number;
  readonly batches: readonly Required<BatchHandling>[];
  /** Events that failed and wait to be handled again. */
  retrying: number;
  /** Which handler of batches an event is for, or {@link SINGLE}, or {@link UNHANDLED}. */
  handlerOf(event: StoredEvent): number;
  handle(event: StoredEvent, context: HandlingContext): Promise<void> | void;
  onHandled(events: number): void;
  onOverdue(event: StoredEvent): void;
  onFailure(event: StoredEvent, error: unknown, attempt: number, next: 'wait' | 'again' | 'give-up'): void;
  /** Writes the dead letter; false when it could not, and the event waits. */
  deadLetter(failed: FailedEvent): Promise<boolean>;
}
