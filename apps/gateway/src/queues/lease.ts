import type { DispatchedEvent, ObjectState } from '../represent.js';

/**
 * The right to work on one delivery. It ends in exactly one of accept, release and reject of its queue; the words are
 * those of KIP-932.
 */
export interface Lease {
  readonly event: DispatchedEvent;
  /** From a queue of shape `state`: that of the event's object; null where it refers to none that is served here. */
  readonly state?: ObjectState | null | undefined;
  /** What is held back while this lease lasts; depends on the order of the queue. */
  readonly lane: string;
  /** This attempt, the first is 1. */
  readonly attempt: number;
  /** Whether the receiver has had this event before: surely, perhaps (another owner may have tried it), or not. */
  readonly redelivery: 'yes' | 'maybe' | 'no';
  /** The delivery cycle: empty for the first passage of an event, else the id of the replay or redrive it belongs to. */
  readonly cycle: string;
}

/** Why a lease was released or rejected, as it is kept in the attempts and in a dead letter. */
export interface Refusal {
  /** One line a person can act on: `status 503`, `connect ECONNREFUSED`, or what the receiver gave as its reason. */
  reason: string;
  /** What the receiver answered, where it speaks HTTP: kept with the dead letter when this was the last attempt. */
  answer?: string;
  /** The next attempt is not made before so many milliseconds from now, whatever the schedule says. */
  notBeforeMs?: number;
  /** Exactly this delay instead of the schedule's, as the receiver asked for. */
  delayMs?: number;
  /** False for work handed back untouched (an open breaker, a pause, a connection lost before anything was written). */
  countsAttempt?: boolean;
}

/** What became of a released lease. */
export type Released = { state: 'waiting'; dueAt: number } | { state: 'dead'; reason: string };

/** Where a receiver takes its leases from, and gives each of them back to exactly once: a queue at work at its owner. */
export interface LeaseSource {
  /** The next delivery that is ready, first attempts before later ones; undefined when there is none now. */
  acquire(): Lease | undefined;
  /** The receiver has it. */
  accept(lease: Lease): void;
  /** To be tried again, as the schedule of the queue and the refusal say; given up when its attempts are used up. */
  release(lease: Lease, refusal: Refusal): Released;
  /** Given up at once. */
  reject(lease: Lease, refusal: Refusal): void;
}
