import type { LeaseReceiver } from '../queues/lease-book.js';

/** One attempt to hand an event to one receiver, as it is kept in `heddle.attempts` and shown. */
export interface AttemptRecord {
  tenant: string;
  queue: string;
  /** Of the creation of the queue. */
  uuid: string;
  /** The delivery cycle: empty for the first passage of an event, else the id of the replay or redrive. */
  cycle: string;
  /** Where the event stands in the log. */
  topic: string;
  partition: number;
  offset: number;
  eventId: string;
  source: string;
  type: string;
  key: string;
  /** The first is 1; 0 where something was decided without an attempt, as for an event whose time was over. */
  attempt: number;
  receiver: AttemptReceiver;
  /** When it began, in milliseconds since the epoch. */
  at: number;
  /** How long it took; kept to a tenth of a millisecond. */
  ms: number;
  redelivery: 'yes' | 'maybe' | 'no';
  outcome: AttemptOutcome;
  /** Set on the attempt that ended the delivery cycle of this event in this queue; there is one. */
  final?: FinalState;
  /** What the receiver answered, where it speaks HTTP. */
  status?: number;
  /** One line a person can act on; longer ones are cut. */
  error?: string;
  errorClass?: ErrorClass;
  phases?: AttemptPhases;
  /** The beginning of what was answered, at most 1 KiB; not kept of successes unless somebody asked for it. */
  excerpt?: string;
  request?: AttemptRequest;
  /** When the next attempt is due, in milliseconds since the epoch. */
  nextAt?: number;
}

export interface AttemptReceiver {
  kind: 'webhook' | LeaseReceiver['kind'];
  name: string;
}

/** How a lease ended, in the words of KIP-932. */
export type AttemptOutcome = 'accepted' | 'released' | 'rejected' | 'expired';

/** How the delivery cycle of an event in a queue ended; `dropped` is what the queue did not want to keep. */
export type FinalState = 'accepted' | 'dead' | 'dropped';

/** What stood in the way, by where it stood. */
export type ErrorClass =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'refused-status'
  | 'refused-address'
  | 'credentials'
  | 'response'
  | 'lease-expired'
  | 'refused-by-receiver'
  | 'internal';

/** Milliseconds of each part; what did not happen, as a connect on a connection that was open, is left out. */
export interface AttemptPhases {
  dnsMs?: number;
  connectMs?: number;
  tlsMs?: number;
  firstByteMs?: number;
  totalMs: number;
}

/** A request as it went out: its body is the event, in the form that the template names. */
export interface AttemptRequest {
  template: RequestTemplate;
  /** What only this request had (id, timestamp, signature): names and values in turn. */
  headers: readonly string[];
}

/**
 * What all requests to a receiver have in common: one object, shared by all its attempts. Values that are secrets are
 * masked by whoever makes it, for it is kept and shown.
 */
export interface RequestTemplate {
  method: string;
  url: string;
  /** Names and values in turn. */
  headers: readonly string[];
}

/** Attempts are told apart by these when they are counted, filtered and drawn. */
export const ATTEMPT_OUTCOMES = ['accepted', 'released', 'rejected', 'expired'] as const satisfies AttemptOutcome[];
export const FINAL_STATES = ['accepted', 'dead', 'dropped'] as const satisfies FinalState[];
export const REDELIVERIES = ['no', 'yes', 'maybe'] as const satisfies AttemptRecord['redelivery'][];
