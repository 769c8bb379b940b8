import type { AttachedState, CloudEvent } from './cloud-event.js';

/** An event that was handed out under a lease, for as long as it is worked on. */
export interface Delivery {
  /** The first is 1. */
  readonly attempt: number;
  /** Whether a receiver had this event before; `maybe` follows a change of the queue's owner. */
  readonly redelivery: 'no' | 'yes' | 'maybe';
  /** The replay or redrive that it belongs to. */
  readonly cycle: string | undefined;
  /** From a queue of shape `state`: the object, never older than the event; null for an event that refers to none. */
  readonly state: AttachedState | null | undefined;
  /** Aborted when the lease is lost: the event comes again, and what is done about it now may be done twice. */
  readonly signal: AbortSignal;
}

/** What became of a delivery. */
export type Outcome =
  | { action: 'accept' }
  | { action: 'release'; delayMs?: number; reason?: string }
  | { action: 'reject'; reason?: string };

/**
 * Works on an event. Returning accepts it, unless {@link release} or {@link reject} is returned; failing releases it,
 * to be tried again as the queue's schedule says. May see an event twice, never with another id.
 */
export type Handle = (event: CloudEvent, delivery: Delivery) => Outcome | void | Promise<Outcome | void>;

/** The event is to be tried again: after `delayMs`, or as the queue's schedule says. Counts as an attempt. */
export function release(how: { delayMs?: number; reason?: string } = {}): Outcome {
  return { action: 'release', ...how };
}

/** No further attempt would help: a dead letter at once, with the reason. */
export function reject(reason?: string): Outcome {
  return { action: 'reject', ...(reason === undefined ? {} : { reason }) };
}

/** A delivery as the gateway writes it. */
export interface WireDelivery {
  lease: string;
  attempt: number;
  redelivery: 'no' | 'yes' | 'maybe';
  cycle?: string;
  event: CloudEvent;
  state?: AttachedState | null;
}

/** What is said about a lease. */
export interface Settlement {
  lease: string;
  action: 'accept' | 'release' | 'reject' | 'renew';
  delayMs?: number;
  reason?: string;
  leaseMs?: number;
}

/** What is answered to it: a state, or the code of why not. */
export interface SettleResult {
  lease: string;
  state?: 'accepted' | 'released' | 'rejected' | 'dead' | 'renewed';
  dueAt?: string;
  expiresAt?: string;
  reason?: string;
  code?: string;
}

const MAX_REASON_CHARS = 1024;
const MAX_DELAY_MS = 7 * 24 * 3_600_000;

/** The settlement for what a handler returned. */
export function settlementOf(lease: string, outcome: Outcome | void): Settlement {
  if (outcome === undefined || outcome === null || outcome.action === 'accept') return { lease, action: 'accept' };
  const reason = outcome.reason === undefined ? {} : { reason: outcome.reason.slice(0, MAX_REASON_CHARS) };
  if (outcome.action === 'reject') return { lease, action: 'reject', ...reason };
  const { delayMs } = outcome;
  const delay = delayMs === undefined ? {} : { delayMs: Math.min(MAX_DELAY_MS, Math.max(0, Math.round(delayMs))) };
  return { lease, action: 'release', ...delay, ...reason };
}

/** The settlement for a handler that failed. */
export function failureOf(lease: string, error: unknown): Settlement {
  return settlementOf(lease, release({ reason: String(error) }));
}
