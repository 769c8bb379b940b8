import type { ConsumeOptions, Consumer } from './consume.js';
import type { Event } from './event.js';
import type { HeddleError } from './errors.js';
import type { Position, StoredEvent } from './stored-event.js';
import type { TopicSpec } from './topic.js';

/** What is to be appended: the event, to which topic, under which business key (in canonical form). */
export interface Append {
  topic: string;
  key: string;
  event: Event;
  /** Record headers beside those of the event, as a dead letter has them; their names begin with `heddle-`. */
  notes?: Readonly<Record<string, string>>;
}

/** Where an event is, acknowledged by all in-sync replicas; or why it was not appended. */
export type AppendOutcome = { position: Position } | { error: HeddleError };

/** The readable range of a partition: the first offset kept, and the offset the next append will get. */
export interface PartitionBounds {
  partition: number;
  earliest: number;
  end: number;
}

/**
 * What a reader hands over: events of one partition, and how far the reader is through after them. They come in log
 * order, but for those of a key whose schema could not be had for a while: they come later, in their own order, and
 * `nextOffset` stays at the oldest of them until then, so that it is always safe to go on from.
 */
export interface ReadBatch {
  topic: string;
  partition: number;
  events: readonly StoredEvent[];
  /** The first offset that is not yet handed over; it rises past records that are no events, too. */
  nextOffset: number;
  /** The end of the partition as the log last said. */
  end: number;
}

/** What one fetch brought: `from` is where it really begins, later than asked when retention took what lay between. */
export interface FetchedBatch extends ReadBatch {
  from: number;
}

/** Offsets `from` (inclusive) to `to` (exclusive) were wanted, but the log no longer has them. */
export interface ReadGap {
  topic: string;
  partition: number;
  from: number;
  to: number;
}

/** What a reader wants: every record of its topics, partition by partition, without a group. */
export interface ReadOptions {
  topics: readonly string[];
  /**
   * The offset to begin at, for each partition; asked again for partitions that appear later. One that the log does not
   * have (below its start, or past its end, as after a topic was made anew) begins at the log's start.
   */
  from(topic: string, bounds: PartitionBounds): number;
  /** A promise holds back further batches of that partition until it resolves; a batch that fails is handed over again. */
  onBatch(batch: ReadBatch): Promise<void> | void;
  onGap?(gap: ReadGap): void;
  /**
   * Strictly in log order: where the schema of an event cannot be had for a while, the whole partition waits for it, and
   * not its key alone.
   */
  inOrder?: boolean;
}

/** Reads every partition of its topics for itself alone; it shares nothing and commits nothing. */
export interface Reader {
  stop(): Promise<void>;
}

/**
 * The event log. What it promises (each line is held by `test/src/contract/event-log.contract.ts`,
 * what a consumer promises by `consumer.contract.ts` beside it):
 *
 * - Order: events appended under one key of one topic are read in the order of their appends, by everyone.
 * - Acknowledgement: a position is returned only when every in-sync replica has the event. After a failed append, no
 *   later event of that key in the same call is appended: its outcome is `not-appended`.
 * - A crash leaves each event of an unanswered call either appended or not, and never a later one of a key without the
 *   earlier. Appending it again may store it twice, with the same id.
 * - A group's committed position never passes an event that was not acknowledged: after a crash, events handled but
 *   not committed come again.
 * - A record that is no event of ours never stops a partition: it is set aside and counted.
 */
export interface EventLog {
  append(appends: readonly Append[]): Promise<AppendOutcome[]>;
  consume(options: ConsumeOptions): Promise<Consumer>;
  read(options: ReadOptions): Promise<Reader>;
  /**
   * Events of one partition from an offset on, as many as one request brings (about `maxBytes`, 1 MiB when left out;
   * always at least one record where there is one). Answers at once: at the end of the partition with no events and
   * `nextOffset` as asked. An offset that the log does not have (below its start, or past its end) begins at the log's
   * start, which `from` says. For what lies behind the readers: single events, windows, queues that fell behind.
   *
   * @throws HeddleError `log-unavailable`, also for a partition that does not exist; `registry-unavailable` while the
   * schema of the first event cannot be had.
   */
  fetch(at: Position, options?: { maxBytes?: number }): Promise<FetchedBatch>;
  /** For each partition the first offset appended at or after a time (milliseconds since the epoch); its end if none. */
  offsetsAt(topic: string, time: number): Promise<number[]>;
  /** The bounds of each partition of a topic, in order of partition. */
  bounds(topic: string): Promise<PartitionBounds[]>;
  /** The names of all topics there are, also of those that nobody here made. @throws HeddleError `log-unavailable` */
  topics(): Promise<string[]>;
  /** Creates the topics that do not exist; never changes one that does. */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** Has topics that exist keep their records as long as the specs say; nothing else of them changes. */
  retain(specs: readonly TopicSpec[]): Promise<void>;
  /** Resolves when the log answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
