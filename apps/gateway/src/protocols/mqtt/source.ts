import type { Grant, ReceiveWish, SettleResult, Settlement } from '../../queues/lease-book.js';

/**
 * A queue that a session takes deliveries from, here or at another instance: its own, one that it shares with a group,
 * or one that it named.
 */
export interface DeliverySource {
  readonly kind: 'own' | 'shared' | 'queue';
  /** The name of the queue. */
  readonly name: string;
  /** The filter of the subscription; empty for the session's own queue. */
  readonly filter: string;
  /**
   * Whether what was leased and cannot be written yet is held until it can be: handed back it would lose its place, or count as
   * an attempt. Of any other queue somebody else may have it.
   */
  readonly holdsOn: boolean;
  /** Waits for the first lease; none when the signal is aborted, or the queue is not at work there any more. */
  waitFor(wish: Omit<ReceiveWish, 'leaseMs'>, signal: AbortSignal): Promise<readonly Grant[]>;
  /** Settles leases. Of a queue that may go on without this session it says when that is durable, or that nobody is sure. */
  settle(settlements: readonly Settlement[]): readonly SettleResult[] | Promise<readonly SettleResult[]>;
  /** Leases that were never written to the client. */
  handBack(grants: readonly Grant[]): void;
  /** Calls back once when there is nothing to be had from it any more: it is at work elsewhere, or gone. */
  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void;
  /** This session takes nothing more from it. */
  close(): void;
}
