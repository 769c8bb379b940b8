import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { FetchPartition, FetchedPartition } from './fetch-protocol.js';
import { FetchSession } from './fetch-session.js';
import { type Fetched, type TopicPartition, nameOf } from './group-member.js';
import type { LogLine } from './kafka-client.js';
import { type Cluster, clusterOf } from './kafkajs-cluster.js';
import { decodeRecords } from './record-batches.js';
import { Rounds } from './rounds.js';
import type { TopicDirectory } from './topic-directory.js';

export interface FetcherSettings {
  /** For the log. */
  name: string;
  topics: readonly string[];
  /** Called whenever the partitions may have changed; places them by `seek` before it returns or later. */
  onPartitions(partitions: readonly TopicPartition[]): void;
  /** Must return at once: while it runs, nothing is fetched. */
  onFetched(fetched: Fetched): void;
  log: LogLine;
}

/**
 * Under load, fetches of a broker begin so many milliseconds apart: each costs the broker and the client as much as
 * dozens of records. The load is known by the records that the last one brought; few of them never wait.
 */
const PACE = { ms: 5, fromRecords: 8, upToBytes: 256 * 1024 } as const;
const METADATA_CHECK_MS = 5000;
const TOPIC_CHECK_MS = 1000;
const OFFSET_OUT_OF_RANGE = 1;

interface Place extends FetchPartition {
  isPaused: boolean;
}

/**
 * Reads partitions without a group: a position for each, one fetch session per broker that leads some of them. It goes
 * on by itself when a broker is lost, a leader moves, or topics and partitions appear. Positions survive all of it.
 */
export class PartitionFetcher {
  readonly #places = new Map<string, Place>();
  readonly #rounds: Rounds;
  #cluster: Cluster | undefined;
  #change = Promise.withResolvers<void>();

  constructor(
    private readonly kafka: Kafka,
    private readonly directory: TopicDirectory,
    private readonly settings: FetcherSettings,
  ) {
    const { name: reader, log } = settings;
    this.#rounds = new Rounds({
      round: () => this.#round(),
      onFailure: (message, failures) => log('warn', 'reader.restart', { reader, message, failures }),
      goodMs: METADATA_CHECK_MS,
    });
  }

  start(): void {
    this.#rounds.start();
  }

  /** Reads a partition from an offset on. */
  seek(topic: string, partition: number, offset: number): void {
    const name = nameOf({ topic, partition });
    this.#places.set(name, { topic, partition, offset, isPaused: this.#places.get(name)?.isPaused ?? false });
    this.#changed();
  }

  pause(topic: string, partition: number): void {
    const place = this.#places.get(nameOf({ topic, partition }));
    if (place !== undefined) place.isPaused = true;
  }

  resume(topic: string, partition: number): void {
    const place = this.#places.get(nameOf({ topic, partition }));
    if (place?.isPaused !== true) return;
    place.isPaused = false;
    this.#changed();
  }

  async stop(): Promise<void> {
    const ended = this.#rounds.stop();
    this.#changed();
    // What the broker still waits for is of no interest any more.
    await this.#cluster?.disconnect().catch(() => undefined);
    await ended;
  }

  get #isStopped(): boolean {
    return this.#rounds.isStopped;
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  async #round(): Promise<void> {
    const topics = await this.#present();
    if (topics.length > 0) await this.#read(topics);
    else await this.#rounds.wait(TOPIC_CHECK_MS);
  }

  /** Reads until something is lost, or the partitions or their leaders are others than before. */
  async #read(topics: readonly string[]): Promise<void> {
    const cluster = clusterOf(this.kafka);
    this.#cluster = cluster;
    const round = new AbortController();
    try {
      await cluster.connect();
      await cluster.addMultipleTargetTopics(topics);
      const leaders = leadersOf(cluster, topics);
      this.settings.onPartitions([...leaders.values()].flat());
      await Promise.race([
        this.#watch(cluster, topics, leaders, round.signal),
        ...[...leaders].map(([nodeId, led]) => this.#fetchFrom(cluster, nodeId, led, round.signal)),
      ]);
    } finally {
      round.abort();
      this.#changed();
      this.#cluster = undefined;
      await cluster.disconnect().catch(() => undefined);
    }
  }

  async #fetchFrom(
    cluster: Cluster,
    nodeId: string,
    led: readonly TopicPartition[],
    signal: AbortSignal,
  ): Promise<void> {
    const session = new FetchSession(cluster, nodeId);
    const names = new Set(led.map(nameOf));
    while (!signal.aborted && !this.#isStopped) {
      const change = this.#change.promise;
      const wanted = new Map<string, FetchPartition>();
      for (const name of names) {
        const place = this.#places.get(name);
        if (place !== undefined && !place.isPaused) {
          wanted.set(name, { topic: place.topic, partition: place.partition, offset: place.offset });
        }
      }
      if (wanted.size === 0) {
        await change;
        continue;
      }
      const startedAt = performance.now();
      const { errorCode, partitions } = await session.fetch(wanted);
      if (errorCode !== 0) throw new Error(`the broker answered a fetch with error ${errorCode}`);
      let records = 0;
      let bytes = 0;
      for (const fetched of partitions) {
        if (signal.aborted || this.#isStopped) return;
        records += await this.#take(fetched, wanted.get(nameOf(fetched))?.offset);
        bytes += fetched.records.length;
      }
      if (records < PACE.fromRecords || bytes > PACE.upToBytes) continue;
      const restMs = startedAt + PACE.ms - performance.now();
      if (restMs > 1) await delay(restMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Returns how many records it has handed on. */
  async #take(fetched: FetchedPartition, from: number | undefined): Promise<number> {
    const { topic, partition, errorCode, highWatermark } = fetched;
    const place = this.#places.get(nameOf({ topic, partition }));
    // Placed elsewhere meanwhile: what came is of no interest.
    if (place === undefined || from === undefined || place.offset !== from) return 0;
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      const bounds = await this.directory.bounds(topic);
      if (place.offset === from) place.offset = bounds.find((at) => at.partition === partition)?.earliest ?? from;
      return 0;
    }
    if (errorCode !== 0) throw new Error(`error ${errorCode} in ${topic}/${partition}`);
    if (fetched.records.length === 0) return 0;
    const { messages, next } = await decodeRecords(fetched, from);
    if (next === from || place.offset !== from) return 0;
    place.offset = next;
    const first = messages[0];
    this.settings.onFetched({
      topic,
      partition,
      messages,
      first: first === undefined ? next : Number(first.offset),
      next,
      end: highWatermark,
    });
    return messages.length;
  }

  /** Returns when topics have appeared, or partitions, or a leader has moved. */
  async #watch(
    cluster: Cluster,
    topics: readonly string[],
    leaders: ReadonlyMap<string, readonly TopicPartition[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = JSON.stringify([...leaders]);
    let checkedAt = Date.now();
    while (!signal.aborted && !this.#isStopped) {
      await delay(TOPIC_CHECK_MS, undefined, { signal }).catch(() => undefined);
      if (topics.length < this.settings.topics.length && (await this.#present()).length > topics.length) return;
      if (Date.now() - checkedAt < METADATA_CHECK_MS || signal.aborted) continue;
      checkedAt = Date.now();
      await cluster.refreshMetadata();
      if (JSON.stringify([...leadersOf(cluster, topics)]) !== before) return;
    }
  }

  async #present(): Promise<string[]> {
    const present: string[] = [];
    for (const topic of this.settings.topics) {
      if ((await this.directory.find(topic)) !== undefined) present.push(topic);
    }
    return present;
  }
}

/** The partitions each broker leads. */
function leadersOf(cluster: Cluster, topics: readonly string[]): Map<string, TopicPartition[]> {
  const leaders = new Map<string, TopicPartition[]>();
  for (const topic of topics) {
    const partitions = [...cluster.findTopicPartitionMetadata(topic)].sort((a, b) => a.partitionId - b.partitionId);
    for (const { partitionId: partition, leader } of partitions) {
      const led = leaders.get(String(leader));
      if (led === undefined) leaders.set(String(leader), [{ topic, partition }]);
      else led.push({ topic, partition });
    }
  }
  return leaders;
}
