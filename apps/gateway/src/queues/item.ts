import type { StoredEvent } from '@heddle/event';
import type { DispatchedEvent, ObjectState } from '../represent.js';
import type { Lease } from './lease.js';

/** A delivery that a queue holds until it is settled. */
export interface Item {
  /** Where its event is read: in its own topic, or, for one redriven, among the dead letters. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  /** Milliseconds since the epoch, when the log took its event. */
  readonly appendedAt: number;
  /** The topic its event was appended to, whatever it is read from now. */
  readonly origin: string;
  /** The delivery cycle; empty for the first passage. */
  readonly cycle: string;
  /** The event itself; one that is parked has to be read again before it can be leased. */
  event: DispatchedEvent | undefined;
  /** In a queue of shape `state`, what goes with the event; null where there is none, undefined until that is known. */
  state?: ObjectState | null | undefined;
  /** How often that could not be had, one time after the other. */
  failedFetches?: number;
  /** Attempts that have ended so far. */
  attempts: number;
  /** Where it stands among the parked ones, so that neither memory nor the offset waits for it. */
  parked: ParkedPlace | undefined;
}

/** Where an item stands among the parked ones. */
export interface ParkedPlace {
  chunk: Chunk;
  index: number;
}

/** A group of parked items that is stored as one record. */
export interface Chunk {
  readonly id: string;
  items: (Item | undefined)[];
  dues: number[];
  open: number;
  changed: Set<number>;
  isStored: boolean;
  oldestAppendedAt: number;
}

/** A delivery of an event that was just read. */
export function newItem(
  { topic, partition, offset, key }: StoredEvent,
  { appendedAt, cycle, attempts }: Pick<Item, 'appendedAt' | 'cycle' | 'attempts'>,
): Item {
  const origin = topic;
  return { topic, partition, offset, origin, key, appendedAt, cycle, event: undefined, attempts, parked: undefined };
}

/** Why what expired is given up, where it is not only counted. */
export const EXPIRED = { reason: 'its time to live was over' } as const;

/**
 * Whether the time to live of an event that is in memory has ended: that of the queue, or its own, which counts the first time
 * only, or nothing that expired could be redriven.
 */
export function isOver(
  { ttlMs, respectTtl }: { ttlMs?: number; respectTtl?: boolean },
  { appendedAt, event, cycle }: Item,
  now: number,
): boolean {
  if (ttlMs !== undefined && now > appendedAt + ttlMs) return true;
  if (respectTtl === false || cycle !== '') return false;
  const expiry = event!.stored.attributes['expirytime'];
  return expiry !== undefined && now > Date.parse(expiry);
}

/** What a receiver is told: `ends` is where the log ended when the queue was taken over, per `topic/partition`. */
export function redeliveryOf(
  { topic, partition, offset, attempts, cycle }: Item,
  ends: ReadonlyMap<string, number>,
): Lease['redelivery'] {
  if (attempts > 0 || cycle !== '') return 'yes';
  return offset < (ends.get(`${topic}/${partition}`) ?? 0) ? 'maybe' : 'no';
}
