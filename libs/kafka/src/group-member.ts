import type { Consumer as KafkaConsumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { CLIENT_RETRY, type LogLine } from './kafka-client.js';
import type { MemberSigns } from './member-signs.js';
import { Rounds } from './rounds.js';
import type { TopicDirectory } from './topic-directory.js';

/** Records of one partition, as fetched; `next` is the offset after the last of them. */
export interface Fetched {
  topic: string;
  partition: number;
  messages: readonly KafkaMessage[];
  first: number;
  next: number;
  end: number;
}

export interface TopicPartition {
  topic: string;
  partition: number;
}

/** A partition as a key of maps. */
export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export interface MemberSettings {
  group: string;
  topics: readonly string[];
  sessionTimeoutMs: number;
  heartbeatMs: number;
  /** Called with every new assignment; places the partitions by `seek` before it returns or later. */
  onJoin(assigned: readonly TopicPartition[]): void;
  onRebalance(): void;
  /** Must return at once: while it runs, nothing is fetched and no heartbeat goes out. */
  onFetched(fetched: Fetched): void;
  log: LogLine;
}

/** kafkajs sleeps this long when everything is paused, and heartbeats ride on that loop. */
const MAX_WAIT_MS = 250;
/** New partitions are noticed within this time. */
const METADATA_AGE_MS = 5000;
const TOPIC_CHECK_MS = 1000;
const GOOD_ROUND_MS = 60_000;

/**
 * A member of a consumer group that stays one: a consumer that crashed or lost its broker is replaced by a fresh one.
 * Offsets are the owner's business; after each join it places every partition again, for kafkajs forgets.
 */
export class GroupMember implements MemberSigns {
  fetchedAt = 0;
  heardAt = 0;
  private consumer: KafkaConsumer | undefined;
  private endRound: (() => void) | undefined;
  private readonly rounds: Rounds;

  constructor(
    private readonly kafka: Kafka,
    private readonly directory: TopicDirectory,
    private readonly settings: MemberSettings,
  ) {
    const { group, log } = settings;
    this.rounds = new Rounds({
      round: () => this.round(),
      onFailure: (message, failures) => log('warn', 'consumer.restart', { group, message, failures }),
      goodMs: GOOD_ROUND_MS,
    });
  }

  start(): void {
    this.rounds.start();
  }

  seek(topic: string, partition: number, offset: number): void {
    this.quietly((consumer) => consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause(topic: string, partition: number): void {
    this.quietly((consumer) => consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume(topic: string, partition: number): void {
    this.quietly((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
  }

  /** @throws when there is no consumer at the moment, or the group has moved on. */
  async commit(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void> {
    if (this.consumer === undefined) throw new Error('not joined');
    await this.consumer.commitOffsets(offsets.map((at) => ({ ...at, offset: String(at.offset) })));
  }

  async stop(): Promise<void> {
    const ended = this.rounds.stop();
    this.endRound?.();
    await ended;
  }

  private async round(): Promise<void> {
    const topics = await this.present();
    if (topics.length > 0) await this.consume(topics);
    else await this.rounds.wait(TOPIC_CHECK_MS);
  }

  /** One consumer's life: until it crashes, the topics that exist change, or this member is stopped. */
  private async consume(topics: readonly string[]): Promise<void> {
    const consumer = this.kafka.consumer({
      groupId: this.settings.group,
      sessionTimeout: this.settings.sessionTimeoutMs,
      heartbeatInterval: this.settings.heartbeatMs,
      maxWaitTimeInMs: MAX_WAIT_MS,
      minBytes: 1,
      metadataMaxAge: METADATA_AGE_MS,
      allowAutoTopicCreation: false,
      retry: { ...CLIENT_RETRY, restartOnFailure: async () => false },
    });
    const ended = Promise.withResolvers<void>();
    // It may end before anybody waits for it.
    ended.promise.catch(() => undefined);
    this.endRound = ended.resolve;
    consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error));
    consumer.on(consumer.events.REBALANCING, () => {
      this.heardAt = Date.now();
      this.settings.onRebalance();
    });
    consumer.on(consumer.events.HEARTBEAT, () => (this.heardAt = Date.now()));
    // Also where all is paused: it then says so after a while, and asks nobody.
    consumer.on(consumer.events.FETCH, () => (this.fetchedAt = Date.now()));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.heardAt = Date.now();
      this.fetchedAt = Date.now();
      const assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic, partition })),
      );
      this.settings.onJoin(assigned);
    });
    // Records that kafkajs keeps to itself (transaction markers, aborted ones) move the position as well.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { batchSize, ...at } }) => {
      if (batchSize > 0) return;
      const next = Number(at.lastOffset) + 1;
      const { topic, partition } = at;
      this.settings.onFetched({ topic, partition, messages: [], first: next, next, end: Number(at.highWatermark) });
    });
    const watch = setInterval(() => void this.watchTopics(topics, ended.resolve), TOPIC_CHECK_MS);
    try {
      await consumer.connect();
      // From the beginning, so that what is fetched before a partition is placed is never past its place.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      this.consumer = consumer;
      if (this.rounds.isStopped) return;
      await consumer.run({ autoCommit: false, eachBatch: (payload) => this.eachBatch(payload) });
      await ended.promise;
    } finally {
      clearInterval(watch);
      this.endRound = undefined;
      if (this.consumer === consumer) this.consumer = undefined;
      await consumer.disconnect().catch(() => undefined);
    }
  }

  private eachBatch({ batch }: EachBatchPayload): Promise<void> {
    const { topic, partition, messages } = batch;
    this.settings.onFetched({
      topic,
      partition,
      messages,
      first: Number(messages[0]?.offset ?? batch.lastOffset()),
      next: Number(batch.lastOffset()) + 1,
      end: Number(batch.highWatermark),
    });
    return Promise.resolve();
  }

  private async present(): Promise<string[]> {
    const present: string[] = [];
    for (const topic of this.settings.topics) {
      if ((await this.directory.find(topic)) !== undefined) present.push(topic);
    }
    return present;
  }

  private async watchTopics(topics: readonly string[], changed: () => void): Promise<void> {
    for (const topic of this.settings.topics) {
      if (topics.includes(topic)) continue;
      if ((await this.directory.find(topic).catch(() => undefined)) !== undefined) changed();
    }
  }

  /** Between two consumers there is nothing to seek or pause; the next join places everything again. */
  private quietly(act: (consumer: KafkaConsumer) => void): void {
    if (this.consumer === undefined) return;
    try {
      act(this.consumer);
    } catch {
      // The consumer is stopping: the same case.
    }
  }
}
