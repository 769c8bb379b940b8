import type { PassedStep } from '../pass.js';
import type { ReceiverAnswer } from '../message.js';

/**
 * Where a message is. The last four are final: `discarded` is what the queue did not want to keep, as after a purge or
 * beyond its time to live.
 */
export const MESSAGE_STATES = ['processing', 'retry', 'completed', 'failed', 'cancelled', 'discarded'] as const;

export type MessageState = (typeof MESSAGE_STATES)[number];

export const OPEN_STATES = ['processing', 'retry'] as const satisfies MessageState[];

export function isOpen(state: MessageState): boolean {
  return state === 'processing' || state === 'retry';
}

/** A message of a flow, as the monitor has it. Times are milliseconds since 1970. */
export interface MessageEntry {
  /** Of the entry. */
  id: string;
  flow: string;
  /** The id of the message itself, and where it comes from. */
  message: string;
  source: string;
  state: MessageState;
  /** The redrive that it came again by; empty for the first time through its queue. */
  cycle: string;
  receivedAt: number;
  changedAt: number;
  /** When it is tried again. */
  dueAt: number | undefined;
  attempts: number;
  /** Of the last attempt. */
  steps: PassedStep[];
  error: string | undefined;
  answer: ReceiverAnswer | undefined;
  /** Whether the receiver took it in this cycle: it is not handed over again, only accepted. */
  isTaken: boolean;
  /** The client that wants it cancelled; it is, when it comes again. */
  cancelledBy: string | undefined;
  /** How often it was retried by hand. */
  redrives: number;
}
