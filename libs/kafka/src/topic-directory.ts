import { HeddleError } from '@heddle/event';
import type { PartitionBounds, TopicSpec } from '@heddle/event';
import type { Admin, ITopicConfig } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { AdminClient } from './kafka-client.js';
import { heddleErrorOf, kafkaErrorType } from './kafka-errors.js';
import { retainFor } from './topic-retention.js';

const RETRY_DELAY_MS = 200;
/** The election of leaders takes milliseconds on an idle cluster, seconds on a busy one. */
const BOUNDS_PATIENCE_MS = 10_000;
/** A topic that is not there is asked for again at most this often. */
const ASK_AGAIN_MS = 500;

/** Which topics exist, and how many partitions they have. */
export class TopicDirectory {
  private readonly partitions = new Map<string, number>();
  private readonly asking = new Map<string, Promise<number | undefined>>();
  private readonly missingSince = new Map<string, number>();

  constructor(
    private readonly admin: AdminClient,
    private readonly boundMs: number,
  ) {}

  /** Whether the topic is known to exist; asks nobody. */
  has(topic: string): boolean {
    return this.partitions.has(topic);
  }

  /** Partitions of the topic, or nothing when there is none of this name. @throws log-unavailable */
  find(topic: string): Promise<number | undefined> {
    const known = this.partitions.get(topic);
    if (known !== undefined) return Promise.resolve(known);
    const missing = this.missingSince.get(topic);
    if (missing !== undefined && Date.now() - missing < ASK_AGAIN_MS) return Promise.resolve(undefined);
    return this.ask(topic);
  }

  /** Asks the log itself, whatever is known. @throws log-unavailable */
  ask(topic: string): Promise<number | undefined> {
    let asking = this.asking.get(topic);
    if (asking === undefined) {
      asking = this.fetch(topic).finally(() => this.asking.delete(topic));
      this.asking.set(topic, asking);
    }
    return asking;
  }

  /** The errors of those topics that do not exist; a log that does not answer is no reason to call one missing. */
  async missing(topics: Iterable<string>): Promise<Map<string, HeddleError>> {
    const errors = new Map<string, HeddleError>();
    for (const topic of topics) {
      const found = await this.ask(topic).catch(() => -1);
      if (found === undefined) errors.set(topic, noSuchTopic(topic));
    }
    return errors;
  }

  /**
   * Asked again for a while where the log does not know: the leaders of a topic just made, or of a broker just started,
   * are elected a moment later. @throws HeddleError `log-unavailable`, also when there is no such topic.
   */
  async bounds(topic: string): Promise<PartitionBounds[]> {
    const offsets = await this.untilAnswered(topic, (admin) => admin.fetchTopicOffsets(topic));
    return offsets
      .map((at) => ({ partition: at.partition, earliest: Number(at.low), end: Number(at.high) }))
      .sort((one, other) => one.partition - other.partition);
  }

  /** For each partition the first offset with this time or a later one, or its end; asked as `bounds` is. */
  async offsetsAt(topic: string, time: number): Promise<number[]> {
    // Negative times have meanings of their own to Kafka, and it counts whole milliseconds.
    const from = Math.max(0, Math.ceil(time));
    const offsets = await this.untilAnswered(topic, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, from));
    return offsets.toSorted((one, other) => one.partition - other.partition).map(({ offset }) => Number(offset));
  }

  private async untilAnswered<T>(topic: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    if ((await this.find(topic)) === undefined) throw noSuchTopic(topic);
    const deadline = Date.now() + Math.min(this.boundMs, BOUNDS_PATIENCE_MS);
    for (;;) {
      try {
        return await this.admin.use(ask);
      } catch (error) {
        const known = heddleErrorOf(error);
        if (!known.retryable || Date.now() > deadline) throw known;
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  /** Of all topics there are, but for those of Kafka itself. @throws HeddleError `log-unavailable` */
  async names(): Promise<string[]> {
    try {
      const names = await this.admin.use((admin) => admin.listTopics());
      return names.filter((name) => !name.startsWith('__'));
    } catch (error) {
      throw heddleErrorOf(error);
    }
  }

  /** Creates what does not exist, with the broker's default replication; retried while the log does not answer. */
  async ensure(specs: readonly TopicSpec[]): Promise<void> {
    const deadline = Date.now() + this.boundMs;
    for (;;) {
      try {
        return await this.create(specs);
      } catch (error) {
        if (Date.now() > deadline) throw heddleErrorOf(error);
        await delay(RETRY_DELAY_MS);
      }
    }
  }

  /** Topics that exist keep their records as long as their specs say. @throws HeddleError `log-unavailable` */
  async retain(specs: readonly TopicSpec[]): Promise<void> {
    try {
      for (const { name, retentionMs } of specs) {
        if (retentionMs === undefined || (await this.ask(name)) === undefined) continue;
        await this.admin.use((admin) => retainFor(admin, name, retentionMs));
      }
    } catch (error) {
      throw heddleErrorOf(error);
    }
  }

  private async create(specs: readonly TopicSpec[]): Promise<void> {
    const absent: TopicSpec[] = [];
    for (const spec of specs) if ((await this.ask(spec.name)) === undefined) absent.push(spec);
    if (absent.length === 0) return;
    // One by one, for kafkajs answers a mixture of new and existing topics with one error for all.
    for (const spec of absent) {
      await this.admin.use((admin) => admin.createTopics({ topics: [topicConfig(spec)], waitForLeaders: true }));
      while ((await this.ask(spec.name)) === undefined) await delay(20);
    }
  }

  private async fetch(topic: string): Promise<number | undefined> {
    try {
      const { topics } = await this.admin.use((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
      const count = topics[0]?.partitions.length ?? 0;
      this.partitions.set(topic, count);
      this.missingSince.delete(topic);
      return count;
    } catch (error) {
      if (kafkaErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw heddleErrorOf(error);
      this.partitions.delete(topic);
      this.missingSince.set(topic, Date.now());
      return undefined;
    }
  }
}

export function noSuchTopic(topic: string): HeddleError {
  return new HeddleError('log-unavailable', `The topic ${topic} does not exist.`, { retryAfterSeconds: 5 });
}

function topicConfig(spec: TopicSpec): ITopicConfig {
  const configEntries: { name: string; value: string }[] = [{ name: 'cleanup.policy', value: spec.cleanup }];
  if (spec.retentionMs !== undefined) configEntries.push({ name: 'retention.ms', value: String(spec.retentionMs) });
  if (spec.segmentBytes !== undefined) configEntries.push({ name: 'segment.bytes', value: String(spec.segmentBytes) });
  return { topic: spec.name, numPartitions: spec.partitions, replicationFactor: -1, configEntries };
}
