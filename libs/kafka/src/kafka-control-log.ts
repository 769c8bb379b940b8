import { HeddleError } from '@heddle/event';
import type { ControlLog, ControlPut, ControlRecord, TopicSpec } from '@heddle/event';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { Appender } from './appender.js';
import type { Fetched } from './group-member.js';
import { AdminClient, createKafka, silent, type KafkaConnection, type LogLine } from './kafka-client.js';
import { PartitionFetcher } from './partition-fetcher.js';
import { TopicDirectory } from './topic-directory.js';

export interface KafkaControlLogOptions extends KafkaConnection {
  /** Milliseconds until a put without confirmation is answered with `log-unavailable` (30,000). */
  putBoundMs?: number;
}

/** Two slots in three find a lane that is free while another waits for its acknowledgement. */
const LANES = 3;
const MAX_RECORD_BYTES = 900_000;
/** A load that gets nothing for so long ends with `log-unavailable`. */
const LOAD_PATIENCE_MS = 30_000;

/** Keyed state in compacted topics of Apache Kafka, values as JSON. */
export class KafkaControlLog implements ControlLog {
  private readonly kafka: Kafka;
  private readonly admin: AdminClient;
  private readonly directory: TopicDirectory;
  private readonly appender: Appender;
  private readonly log: LogLine;

  constructor(options: KafkaControlLogOptions) {
    const boundMs = options.putBoundMs ?? 30_000;
    this.log = options.log ?? silent;
    this.kafka = createKafka(options);
    this.admin = new AdminClient(this.kafka);
    this.directory = new TopicDirectory(this.admin, boundMs);
    const settings = { lanes: LANES, boundMs, maxRecordBytes: MAX_RECORD_BYTES, log: this.log };
    this.appender = new Appender(this.kafka, this.directory, settings);
  }

  /** @throws the error of the first put that failed; some of the others may be in the log nevertheless. */
  async put(topic: string, puts: readonly ControlPut[]): Promise<number[]> {
    const outcomes = await this.appender.append(
      puts.map(({ partition, key, value }) => ({
        topic,
        partition,
        key,
        value: value === null ? null : Buffer.from(JSON.stringify(value)),
        headers: {},
      })),
    );
    return outcomes.map((outcome) => {
      if ('error' in outcome) throw outcome.error;
      return outcome.position.offset;
    });
  }

  async load(topic: string, partitions: readonly number[], apply: (record: ControlRecord) => void): Promise<void> {
    const open = new Map<number, { next: number; end: number }>();
    for (const { partition, earliest, end } of await this.directory.bounds(topic)) {
      if (partitions.includes(partition) && end > earliest) open.set(partition, { next: earliest, end });
    }
    if (open.size === 0) return;
    const done = Promise.withResolvers<void>();
    let patience: NodeJS.Timeout | undefined;
    const beginWaiting = (): void => {
      clearTimeout(patience);
      patience = setTimeout(() => done.reject(loadStuck(topic)), LOAD_PATIENCE_MS);
    };
    const fetcher = new PartitionFetcher(this.kafka, this.directory, {
      name: `load of ${topic}`,
      topics: [topic],
      onPartitions: () => {
        for (const [partition, { next }] of open) fetcher.seek(topic, partition, next);
      },
      onFetched: (fetched) => {
        const at = open.get(fetched.partition);
        if (at === undefined) return;
        beginWaiting();
        try {
          this.applyNew(fetched, at, apply);
        } catch (error) {
          done.reject(error);
        }
        if (at.next >= at.end) open.delete(fetched.partition);
        if (open.size === 0) done.resolve();
      },
      log: this.log,
    });
    beginWaiting();
    fetcher.start();
    try {
      await done.promise;
    } finally {
      clearTimeout(patience);
      open.clear();
      await fetcher.stop();
    }
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.directory.ensure(specs);
  }

  async close(): Promise<void> {
    await this.appender.close();
    await this.admin.close();
  }

  private applyNew(fetched: Fetched, at: { next: number; end: number }, apply: (record: ControlRecord) => void): void {
    for (const message of fetched.messages) {
      const offset = Number(message.offset);
      // Fetched before the partition was placed, or appended after the load began.
      if (offset < at.next || offset >= at.end) continue;
      const record = this.recordOf(fetched, message);
      if (record !== undefined) apply(record);
    }
    at.next = Math.max(at.next, fetched.next);
  }

  private recordOf({ topic, partition }: Fetched, message: KafkaMessage): ControlRecord | undefined {
    const offset = Number(message.offset);
    try {
      if (message.key === null) throw new Error('no key');
      const value: unknown = message.value === null ? null : JSON.parse(message.value.toString());
      return { key: message.key.toString(), value, partition, offset };
    } catch {
      this.log('error', 'control.foreign-record', { topic, partition, offset });
      return undefined;
    }
  }
}

function loadStuck(topic: string): HeddleError {
  return new HeddleError('log-unavailable', `${topic} could not be read to its end.`, { retryAfterSeconds: 5 });
}
