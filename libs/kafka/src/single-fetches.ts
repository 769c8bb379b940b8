import { setTimeout as delay } from 'node:timers/promises';
import { HeddleError } from '@heddle/event';
import type { Position } from '@heddle/event';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { FetchedPartition } from './fetch-protocol.js';
import type { LogLine } from './kafka-client.js';
import { type Cluster, clusterOf, sendFetch } from './kafkajs-cluster.js';
import { decodeRecords } from './record-batches.js';
import { noSuchTopic, type TopicDirectory } from './topic-directory.js';

/** Records of one partition: `from` is where they really begin, `next` the offset after them, be they kept or not. */
export interface FetchedRecords {
  from: number;
  messages: KafkaMessage[];
  next: number;
  end: number;
}

const RETRY_DELAY_MS = 50;
const MAX_RETRY_DELAY_MS = 500;
const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC_OR_PARTITION = 3;
/** The partition has another leader, or none yet: KIP-320 and the protocol's older codes. */
const STALE_METADATA = new Set([UNKNOWN_TOPIC_OR_PARTITION, 5, 6, 9, 74, 75, 76, 100]);
const NOT_ANSWERED = -1;
/** Not a part of any fetch session (KIP-227). */
const NO_SESSION = { sessionId: 0, epoch: -1 } as const;

/**
 * Fetches of one partition at a time, by any number of callers at once, over one connection to each broker. It is
 * replaced when it breaks; a fetch is tried again until its time is over.
 */
export class SingleFetches {
  readonly #boundMs: number;
  readonly #log: LogLine;
  #cluster: Promise<Cluster> | undefined;
  #isClosed = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly directory: TopicDirectory,
    /** Milliseconds until a fetch without an answer is given up. */
    { boundMs, log }: { boundMs: number; log: LogLine },
  ) {
    this.#boundMs = boundMs;
    this.#log = log;
  }

  /**
   * What stands at an offset and after it, about `maxBytes`, at least one batch; nothing at the end of the partition.
   * An offset that the log does not have begins at the log's start.
   *
   * @throws HeddleError `log-unavailable`, also when there is no such partition; `stopping` when closed.
   */
  async records(at: Position, maxBytes: number): Promise<FetchedRecords> {
    const call = { isOver: false };
    const expired = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      expired.reject(unanswered(at));
      // Whatever it hangs in, the next caller shall not.
      this.#discard(this.#cluster);
    }, this.#boundMs);
    try {
      return await Promise.race([this.#untilAnswered(at, maxBytes, call), expired.promise]);
    } finally {
      clearTimeout(timer);
      call.isOver = true;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const cluster = this.#cluster;
    this.#cluster = undefined;
    await cluster?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  async #untilAnswered(at: Position, maxBytes: number, call: { isOver: boolean }): Promise<FetchedRecords> {
    const wanted = { ...at };
    for (let attempt = 0; !call.isOver; attempt += 1) {
      if (this.#isClosed) throw new HeddleError('stopping', 'The event log is closed.');
      const connecting = (this.#cluster ??= this.#connect());
      try {
        const fetched = await this.#ask(await connecting, wanted, maxBytes);
        if (fetched !== undefined) return await recordsOf(fetched, wanted.offset);
      } catch (error) {
        if (error instanceof HeddleError || call.isOver) throw error;
        this.#discard(connecting);
        const message = error instanceof Error ? error.message : String(error);
        this.#log('debug', 'fetch.retry', { ...at, attempt, message });
      }
      await delay(Math.min(RETRY_DELAY_MS * 2 ** attempt, MAX_RETRY_DELAY_MS));
    }
    throw unanswered(at);
  }

  /** One request; nothing when it is to be made again: the leader has moved, the broker asks for patience. */
  async #ask(cluster: Cluster, wanted: Position, maxBytes: number): Promise<FetchedPartition | undefined> {
    const leader = leaderOf(cluster, wanted) ?? (await this.#findLeader(cluster, wanted));
    if (leader === undefined) return undefined;
    const request = { ...NO_SESSION, changed: [wanted], forgotten: [], maxWaitMs: 0, maxBytes };
    const answer = await sendFetch(cluster, String(leader), request, this.#boundMs);
    if (answer.errorCode !== 0) throw new Error(`the broker answered a fetch with error ${answer.errorCode}`);
    const [fetched] = answer.partitions;
    if (fetched === undefined) return undefined;
    if (fetched.errorCode === 0) return fetched;
    if (fetched.errorCode === OFFSET_OUT_OF_RANGE) {
      const bounds = await this.directory.bounds(wanted.topic);
      const earliest = bounds.find(({ partition }) => partition === wanted.partition)?.earliest;
      if (earliest === undefined || earliest === wanted.offset) return undefined;
      wanted.offset = earliest;
      return this.#ask(cluster, wanted, maxBytes);
    }
    if (!STALE_METADATA.has(fetched.errorCode)) {
      throw new Error(`error ${fetched.errorCode} in ${wanted.topic}/${wanted.partition}`);
    }
    await this.#findLeader(cluster, wanted);
    return undefined;
  }

  /** Asks the brokers who leads the partition. @throws log-unavailable when there is no such partition */
  async #findLeader(cluster: Cluster, { topic, partition }: Position): Promise<number | undefined> {
    const partitions = await this.directory.ask(topic).catch(() => NOT_ANSWERED);
    if (partitions === NOT_ANSWERED) return undefined;
    if (partitions === undefined) throw noSuchTopic(topic);
    if (partition < 0 || partition >= partitions) throw noSuchTopic(`${topic}/${partition}`);
    await cluster.addMultipleTargetTopics([topic]);
    await cluster.refreshMetadata();
    return leaderOf(cluster, { topic, partition });
  }

  async #connect(): Promise<Cluster> {
    const cluster = clusterOf(this.kafka);
    await cluster.connect();
    return cluster;
  }

  #discard(cluster: Promise<Cluster> | undefined): void {
    if (cluster === undefined || this.#cluster !== cluster) return;
    this.#cluster = undefined;
    cluster.then((connected) => connected.disconnect()).catch(() => undefined);
  }
}

async function recordsOf(fetched: FetchedPartition, from: number): Promise<FetchedRecords> {
  const { messages, next } = await decodeRecords(fetched, from);
  const { highWatermark, lastStableOffset, records } = fetched;
  // Nothing came, though the end is further on: what stood there has been compacted away.
  const after = records.length === 0 ? Math.max(next, lastStableOffset) : next;
  return { from, messages, next: after, end: Math.max(highWatermark, after) };
}

function leaderOf(cluster: Cluster, at: { topic: string; partition: number }): number | undefined {
  try {
    const found = cluster.findTopicPartitionMetadata(at.topic).find(({ partitionId }) => partitionId === at.partition);
    return found === undefined || found.leader < 0 ? undefined : found.leader;
  } catch {
    // A fresh connection knows no topic at all.
    return undefined;
  }
}

function unanswered({ topic, partition }: Position): HeddleError {
  return new HeddleError('log-unavailable', `${topic}/${partition} could not be read in time.`, {
    retryAfterSeconds: 1,
  });
}
