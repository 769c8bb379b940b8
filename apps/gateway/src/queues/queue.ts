import type { Binding } from '../channels/binding.js';
import type { FilterExpression } from '../filters/filter.js';
import type { SessionOfQueue } from '../protocols/mqtt/stored-session.js';

/** A queue's definition, as it stands in `heddle.queues` under `queue/<tenant>/<name>`. */
export interface QueueDefinition {
  format: 1;
  tenant: string;
  name: string;
  /** Made anew at each creation, so that a queue of the same name inherits nothing. */
  uuid: string;
  /** Rises with every change; the ETag of the queue. */
  version: number;
  /** Event types, exact or with a trailing wildcard. */
  types: string[];
  /** Topics as SAP Event Mesh has them, with `+` and a trailing `*`: what is under one of these is wanted, too. */
  topicPatterns?: string[];
  /** Topics of its tenant that it reads; all when left out. */
  topics?: string[];
  /** All of them must match; none means every event of the types. */
  filter: FilterExpression[];
  order: QueueOrder;
  /** Milliseconds a lease lasts unless it asks for another time or is renewed. */
  leaseMs: number;
  retry: RetrySchedule;
  /** Whether what is given up is kept as a dead letter; without, it is only counted. */
  deadLetters: boolean;
  /** Milliseconds after its append at which an event is no longer wanted; it is dropped and counted. */
  ttlMs?: number;
  /** Whether an event's own `expirytime` counts, too; it does when left out. */
  respectTtl?: boolean;
  /** The queue of its tenant that gets what is given up, beside the dead letter, and what expires, which is given up then. */
  deadLetterQueue?: string;
  /** Attempts after the first one, in place of those of the schedule; 0 tries until the time to live, or the age, ends. */
  maxRedeliveryCount?: number;
  /** Whether one remote receiver at a time gets deliveries, the others standing by; all do when left out. */
  accessType?: AccessType;
  /** Leases that one remote receiver may have out. */
  maxUnacknowledged?: number;
  /** Messages, bytes of their data, and bytes of one of them: what is published when it holds so much is refused. */
  maxMessages?: number;
  maxBytes?: number;
  maxMessageBytes?: number;
  /** Whether events that clients publish are refused then, too; messages alone when left out. */
  whenFull?: 'refuse-all';
  /** Deliveries leased at the same time, at most. */
  maxInFlight: number;
  /** Whether receivers get the event alone, or the state of its object with it. */
  shape: 'notify' | 'state';
  /** Where it begins: for each topic, the offset per partition. What is not named begins at its first event. */
  start: Record<string, number[]>;
  /** Where it ends (exclusive), for a queue that was made for a window of the log. */
  end?: Record<string, number[]>;
  paused: boolean;
  /** What whoever made or changed it last may do with its events: permissions to `fetch` and to `unmask` types. */
  rights?: readonly string[];
  /** Whether it belongs to the webhook of the same name, and goes with it. */
  implicit: boolean;
  /** Of a channel: what its types and filter were made of. */
  bindings?: Binding[];
  /** Of one that a protocol has made for a client: what it keeps with it. */
  session?: SessionOfQueue;
  createdAt: string;
  updatedAt: string;
}

export type AccessType = 'NON_EXCLUSIVE' | 'EXCLUSIVE';

/** What is leased one at a time: nothing, the events of one business key, or the whole queue. */
export type QueueOrder = 'none' | 'key' | 'queue';

/**
 * When a failed delivery is tried again. Either `delaysMs` lists every delay, or they grow from `firstMs` by `factor` up
 * to `capMs`. `jitter` is the share that chance may add to each.
 */
export interface RetrySchedule {
  delaysMs?: number[];
  firstMs: number;
  factor: number;
  capMs: number;
  jitter: number;
  /** Attempts in all; after the last one the event is given up. */
  attempts: number;
  /** Milliseconds after the append at which no further attempt is made. */
  maxAgeMs: number;
}

/** Whether a queue may be full for those who publish. */
export function isBounded({ maxMessages, maxBytes, maxMessageBytes }: QueueDefinition): boolean {
  return maxMessages !== undefined || maxBytes !== undefined || maxMessageBytes !== undefined;
}

/** Milliseconds to wait after an attempt (the first is 1) has failed. `chance` is between 0 and 1. */
export function retryDelayMs(schedule: RetrySchedule, attempt: number, chance: number): number {
  const { delaysMs, firstMs, factor, capMs, jitter } = schedule;
  const listed = delaysMs?.[Math.min(attempt, delaysMs.length) - 1];
  const delay = listed ?? Math.min(capMs, firstMs * factor ** Math.max(0, attempt - 1));
  return Math.round(delay * (1 + jitter * chance));
}

/** Attempts in all: a list of delays says it by its length; where redeliveries are counted those decide, 0 being no limit. */
export function attemptsOf({ delaysMs, attempts }: RetrySchedule, maxRedeliveryCount?: number): number {
  if (maxRedeliveryCount !== undefined) return maxRedeliveryCount === 0 ? Infinity : maxRedeliveryCount + 1;
  return delaysMs === undefined ? attempts : delaysMs.length + 1;
}
