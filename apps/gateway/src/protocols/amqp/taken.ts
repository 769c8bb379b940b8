import type { MessageMode } from '../../messages/message.js';
import type { Grant, SettleResult, Settlement } from '../../queues/lease-book.js';
import { priorityOf } from './message-header.js';
import { countBytes } from './message-sections.js';

/** A delivery that was leased, as its message. */
export interface Taken {
  token: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** How often it was delivered; stands in front of the rest. */
  prefix: Buffer;
  bare: Buffer;
}

export interface TakeWish {
  max: number;
  leaseMs: number;
  mode: MessageMode;
}

/** A queue, wherever it is at work, as a link takes deliveries from it. */
export interface QueueSource {
  /** Milliseconds that a lease lasts unless it asks for another time. */
  leaseMs(): number;
  /**
   * Takes deliveries: those that are ready, or with a signal the first ones that come to be, until it is aborted. None
   * then, and where the queue moves: it is to be opened again.
   *
   * @throws HeddleError `not-found` once it is deleted
   */
  take(wish: TakeWish, signal: AbortSignal | undefined): Promise<Taken[]>;
  /** Settles leases; resolves when that is durable. @throws HeddleError when nobody knows whether it is */
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]>;
  /** Takes back what was never written. */
  handBack(taken: readonly { token: string }[]): void;
  /** Calls back once, when the queue is not to be had here any more. Returns how to end that. */
  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void;
  /** Nothing more is taken; on a queue for one receiver at a time, the next one may. */
  close(): void;
}

export function takenOf({ token, expiresAt, lease }: Grant, bare: Buffer): Taken {
  const { attempt, redelivery, cycle, event } = lease;
  const prefix = countBytes({ attempt, redelivery, cycle, priority: priorityOf(event.stored.attributes) });
  return { token, expiresAt, prefix, bare };
}
