import type { PartitionBounds, ReadOptions, Reader } from '@heddle/event';
import type { Kafka } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Decoder } from './event-decoder.js';
import { type TopicPartition, nameOf } from './group-member.js';
import type { AdminClient, LogLine } from './kafka-client.js';
import { PartitionFetcher } from './partition-fetcher.js';
import { PartitionIntake } from './partition-intake.js';
import type { SetAside } from './set-aside.js';
import type { TopicDirectory } from './topic-directory.js';

export interface LogParts {
  kafka: Kafka;
  admin: AdminClient;
  directory: TopicDirectory;
  decoder: Decoder;
  setAside: SetAside;
  log: LogLine;
}

const RETRY_MS = 200;

/** Reads whole topics for one process: it shares nothing with others, and commits nothing. */
export class KafkaReader implements Reader {
  private readonly intakes = new Map<string, PartitionIntake>();
  private readonly fetcher: PartitionFetcher;
  private readonly placed = Promise.withResolvers<void>();
  private joins = 0;
  private isStopped = false;

  constructor(
    private readonly parts: LogParts,
    private readonly options: ReadOptions,
  ) {
    this.fetcher = new PartitionFetcher(parts.kafka, parts.directory, {
      name: `reader of ${options.topics.join(', ')}`,
      topics: options.topics,
      onPartitions: (assigned) => this.onJoin(assigned),
      onFetched: (fetched) => this.intakes.get(nameOf(fetched))?.push(fetched),
      log: parts.log,
    });
  }

  /** Resolves when every partition that exists has its place. */
  async start(): Promise<void> {
    const found = await Promise.all(this.options.topics.map((topic) => this.parts.directory.find(topic)));
    this.fetcher.start();
    if (found.some((partitions) => partitions !== undefined)) await this.placed.promise;
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    this.placed.resolve();
    for (const intake of this.intakes.values()) intake.stop();
    await this.fetcher.stop();
  }

  private onJoin(assigned: readonly TopicPartition[]): void {
    this.joins += 1;
    for (const at of assigned) {
      const intake = this.intakes.get(nameOf(at));
      if (intake !== undefined) this.fetcher.seek(at.topic, at.partition, intake.position);
    }
    void this.placeNew(assigned, this.joins);
  }

  private async placeNew(assigned: readonly TopicPartition[], join: number): Promise<void> {
    const topics = new Set(assigned.filter((at) => !this.intakes.has(nameOf(at))).map((at) => at.topic));
    for (const topic of topics) {
      const bounds = await this.boundsOf(topic, join);
      for (const { partition } of assigned.filter((at) => at.topic === topic)) {
        const own = bounds?.find((at) => at.partition === partition);
        if (this.isStopped || join !== this.joins) return;
        if (own === undefined || this.intakes.has(nameOf({ topic, partition }))) continue;
        this.place(topic, own);
      }
    }
    this.placed.resolve();
  }

  private place(topic: string, bounds: PartitionBounds): void {
    const { partition } = bounds;
    const wanted = this.options.from(topic, bounds);
    // An offset past the end is of another log than this one: a topic made anew, or cut off. Nothing may be missed.
    const from = wanted < bounds.earliest || wanted > bounds.end ? bounds.earliest : wanted;
    if (wanted < bounds.earliest) this.options.onGap?.({ topic, partition, from: wanted, to: bounds.earliest });
    if (wanted > bounds.end) this.parts.log('warn', 'read.offset-unknown', { topic, partition, wanted, from });
    const intake = new PartitionIntake({
      topic,
      partition,
      from,
      decoder: this.parts.decoder,
      inOrder: this.options.inOrder ?? false,
      hand: (batch) => this.options.onBatch(batch),
      setAside: (message, foreign) => this.parts.setAside.add(topic, partition, message, foreign),
      bounds: async () => (await this.parts.directory.bounds(topic)).find((at) => at.partition === partition),
      onGap: (gap) => this.options.onGap?.(gap),
      flow: (isWanted) => (isWanted ? this.fetcher.resume(topic, partition) : this.fetcher.pause(topic, partition)),
      log: this.parts.log,
    });
    this.intakes.set(nameOf({ topic, partition }), intake);
    this.fetcher.seek(topic, partition, from);
  }

  private async boundsOf(topic: string, join: number): Promise<PartitionBounds[] | undefined> {
    while (!this.isStopped && join === this.joins) {
      try {
        return await this.parts.directory.bounds(topic);
      } catch (error) {
        this.parts.log('warn', 'read.bounds', { topic, message: error instanceof Error ? error.message : '' });
        await delay(RETRY_MS);
      }
    }
    return undefined;
  }
}
