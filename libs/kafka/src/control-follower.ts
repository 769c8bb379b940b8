import { HeddleError } from '@heddle/event';
import type { Follower } from '@heddle/event';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { Fetched } from './group-member.js';
import type { LogLine } from './kafka-client.js';
import { PartitionFetcher } from './partition-fetcher.js';
import type { TopicDirectory } from './topic-directory.js';

export interface FollowerParts {
  kafka: Kafka;
  directory: TopicDirectory;
  topic: string;
  /** Where each partition goes on; one that is not among them begins at its start. */
  positions: ReadonlyMap<number, number>;
  apply(partition: number, message: KafkaMessage): void;
  log: LogLine;
}

interface Waiting {
  partition: number;
  offset: number;
  resolve(): void;
  reject(error: HeddleError): void;
}

/** Stays at the end of a control topic. Its positions outlive every broker, so that no record comes twice. */
export class ControlFollower implements Follower {
  readonly #positions: Map<number, number>;
  readonly #placed = new Set<number>();
  readonly #fetcher: PartitionFetcher;
  #waiting: Waiting[] = [];
  #isStopped = false;

  constructor(private readonly parts: FollowerParts) {
    const { topic } = parts;
    this.#positions = new Map(parts.positions);
    this.#fetcher = new PartitionFetcher(parts.kafka, parts.directory, {
      name: `follower of ${topic}`,
      topics: [topic],
      onPartitions: (partitions) => {
        for (const { partition } of partitions) {
          if (this.#placed.has(partition)) continue;
          this.#placed.add(partition);
          this.#fetcher.seek(topic, partition, this.#positions.get(partition) ?? 0);
        }
      },
      onFetched: (fetched) => this.#take(fetched),
      log: parts.log,
    });
  }

  start(): void {
    this.#fetcher.start();
  }

  /** @throws HeddleError `stopping` when the follower is stopped before. */
  reached(partition: number, offset: number): Promise<void> {
    if ((this.#positions.get(partition) ?? 0) > offset) return Promise.resolve();
    if (this.#isStopped) return Promise.reject(stopping());
    return new Promise((resolve, reject) => this.#waiting.push({ partition, offset, resolve, reject }));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { reject } of this.#waiting.splice(0)) reject(stopping());
    await this.#fetcher.stop();
  }

  #take({ partition, messages, next }: Fetched): void {
    const from = this.#positions.get(partition) ?? 0;
    for (const message of messages) {
      if (this.#isStopped) return;
      if (Number(message.offset) >= from) this.parts.apply(partition, message);
    }
    this.#positions.set(partition, Math.max(from, next));
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => {
      if (waiting.partition !== partition || waiting.offset >= next) return true;
      waiting.resolve();
      return false;
    });
  }
}

function stopping(): HeddleError {
  return new HeddleError('stopping', 'The control log is no longer followed.');
}
