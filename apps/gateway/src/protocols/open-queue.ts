import type { LeaseBook } from '../queues/lease-book.js';

/** A queue at work at this instance, as the doors of its remote receivers see it. */
export interface OpenQueue {
  readonly name: string;
  /** Of the present owner. */
  readonly epoch: number;
  readonly book: LeaseBook;
  /** Milliseconds a lease lasts when nothing else is asked for. */
  leaseMs(): number;
  /** Resolves when everything settled so far is durable. */
  settled(): Promise<void>;
  /**
   * Calls back once, when this queue is no longer at work here: it was deleted, or another instance owns it. Returns
   * how to end that.
   */
  onClosed(callback: (reason: 'moved' | 'deleted') => void): () => void;
}

/** The queues that receivers of this instance may take deliveries from. */
export interface OpenQueues {
  /** @throws HeddleError `not-found`, also for a queue of another tenant */
  open(tenant: string, name: string): OpenQueue;
}
