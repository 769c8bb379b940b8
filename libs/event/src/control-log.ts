import type { TopicSpec } from './topic.js';

/** A record of a control topic: JSON under a key, or a tombstone. */
export interface ControlRecord {
  key: string;
  value: unknown;
  partition: number;
  offset: number;
}

/** A record of a compacted topic, to be written. */
export interface ControlPut {
  /** The slot; see `slotOf`. */
  partition: number;
  key: string;
  /** JSON; `null` deletes the key. */
  value: unknown;
}

/**
 * Keyed state that lives in compacted topics: the last value of each key stays. Definitions of queues, their progress,
 * what is parked. One slot has one writer at a time; that is the business of the caller.
 */
export interface ControlLog {
  /** Resolves with the offsets of the records, in their order, when every in-sync replica has all of them. */
  put(topic: string, puts: readonly ControlPut[]): Promise<number[]>;
  /** Applies every record of the partitions, in order, up to the end as it stood when this was called. */
  load(topic: string, partitions: readonly number[], apply: (record: ControlRecord) => void): Promise<void>;
  /**
   * Applies every record of the topic, in order per partition, and goes on with those that come, until stopped. Resolves
   * when it has come to the end as it stood when this was called. From then on an `apply` that throws stops nothing: its
   * record is passed over.
   */
  follow(topic: string, apply: (record: ControlRecord) => void): Promise<Follower>;
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
}

/** A reader of a control topic that stays at its end. */
export interface Follower {
  /**
   * Resolves when the record at this offset, and all before it, have been applied.
   *
   * @throws HeddleError `stopping` when the follower is stopped before.
   */
  reached(partition: number, offset: number): Promise<void>;
  stop(): Promise<void>;
}
