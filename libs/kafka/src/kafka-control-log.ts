import type { ControlLog, ControlPut, ControlRecord, Follower, PartitionBounds, TopicSpec } from '@heddle/event';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { Appender } from './appender.js';
import { ControlFollower } from './control-follower.js';
import { AdminClient, createKafka, silent, type KafkaConnection, type LogLine } from './kafka-client.js';
import { SingleFetches } from './single-fetches.js';
import { TopicDirectory } from './topic-directory.js';

/** How compacted topics are written. */
export interface KafkaControlLogOptions extends KafkaConnection {
  /** Milliseconds until a put without confirmation is answered with `log-unavailable` (30,000). */
  putBoundMs?: number;
}

/** Two slots in three find a lane that is free while another waits for its acknowledgement. */
const LANES = 3;
const MAX_RECORD_BYTES = 900_000;
/** A load that gets nothing for so long ends with `log-unavailable`. */
const LOAD_PATIENCE_MS = 30_000;
const READ_BYTES = 1024 * 1024;

/** Keyed state in compacted topics of Apache Kafka, values as JSON. */
export class KafkaControlLog implements ControlLog {
  private readonly kafka: Kafka;
  private readonly admin: AdminClient;
  private readonly directory: TopicDirectory;
  private readonly appender: Appender;
  private readonly log: LogLine;
  private readonly fetches: SingleFetches;
  private readonly followers = new Set<ControlFollower>();

  constructor(options: KafkaControlLogOptions) {
    const boundMs = options.putBoundMs ?? 30_000;
    this.log = options.log ?? silent;
    this.kafka = createKafka(options);
    this.admin = new AdminClient(this.kafka);
    this.directory = new TopicDirectory(this.admin, boundMs);
    const settings = { lanes: LANES, boundMs, maxRecordBytes: MAX_RECORD_BYTES, log: this.log };
    this.appender = new Appender(this.kafka, this.directory, settings);
    this.fetches = new SingleFetches(this.kafka, this.directory, { boundMs: LOAD_PATIENCE_MS, log: this.log });
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
    await this.readToEnd(topic, partitions, apply);
  }

  /** An `apply` that throws is logged once the end has been reached, and its record passed over. */
  async follow(topic: string, apply: (record: ControlRecord) => void): Promise<Follower> {
    const follower = new ControlFollower({
      kafka: this.kafka,
      directory: this.directory,
      topic,
      positions: await this.readToEnd(topic, undefined, apply),
      apply: (partition, message) => this.applyQuietly(topic, partition, message, apply),
      log: this.log,
    });
    this.followers.add(follower);
    follower.start();
    return {
      reached: (partition, offset) => follower.reached(partition, offset),
      stop: () => {
        this.followers.delete(follower);
        return follower.stop();
      },
    };
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.directory.ensure(specs);
  }

  async close(): Promise<void> {
    await Promise.all([...this.followers].map((follower) => follower.stop()));
    await this.appender.close();
    await this.fetches.close();
    await this.admin.close();
  }

  /** Partitions (all, when none are named) side by side, each up to its end as it stands now: the offsets after that. */
  private async readToEnd(
    topic: string,
    partitions: readonly number[] | undefined,
    apply: (record: ControlRecord) => void,
  ): Promise<Map<number, number>> {
    const bounds = await this.directory.bounds(topic);
    const wanted = bounds.filter(({ partition }) => partitions?.includes(partition) ?? true);
    const positions = new Map<number, number>();
    const failed = new AbortController();
    const read = async ({ partition, earliest, end }: PartitionBounds): Promise<void> => {
      let offset = earliest;
      while (offset < end && !failed.signal.aborted) {
        const { messages, next } = await this.fetches.records({ topic, partition, offset }, READ_BYTES);
        // A log that ends before its end has been made anew.
        if (next <= offset || failed.signal.aborted) break;
        for (const message of messages) {
          if (Number(message.offset) >= end) continue;
          const record = this.recordOf(topic, partition, message);
          if (record !== undefined) apply(record);
        }
        offset = next;
      }
      // What was fetched beyond the end has not been applied: it comes again.
      positions.set(partition, Math.min(offset, end));
    };
    try {
      await Promise.all(wanted.map(read));
    } catch (error) {
      failed.abort();
      throw error;
    }
    return positions;
  }

  private applyQuietly(
    topic: string,
    partition: number,
    message: KafkaMessage,
    apply: (record: ControlRecord) => void,
  ): void {
    const record = this.recordOf(topic, partition, message);
    if (record === undefined) return;
    try {
      apply(record);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.log('error', 'control.apply-failed', { topic, partition, offset: record.offset, message: problem });
    }
  }

  private recordOf(topic: string, partition: number, message: KafkaMessage): ControlRecord | undefined {
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
