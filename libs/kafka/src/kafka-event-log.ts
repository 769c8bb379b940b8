import type {
  Append,
  AppendOutcome,
  ConsumeOptions,
  Consumer,
  EnvelopeMode,
  EventLog,
  FetchedBatch,
  PartitionBounds,
  Position,
  ReadOptions,
  Reader,
  TopicSpec,
} from '@heddle/event';
import type { AvroCodec } from '@heddle/schema';
import { Appender } from './appender.js';
import { DeadLetters } from './dead-letters.js';
import { KafkaGroupConsumer, type ConsumerLimits } from './kafka-consumer.js';
import { AdminClient, createKafka, silent, type KafkaConnection } from './kafka-client.js';
import { EnvelopeWriter } from './envelope-writer.js';
import { heddleErrorOf } from './kafka-errors.js';
import { KafkaReader, type LogParts } from './kafka-reader.js';
import { eventsOf } from './fetched-events.js';
import { SetAside, type SetAsideRecord } from './set-aside.js';
import { SingleFetches } from './single-fetches.js';
import { TopicDirectory } from './topic-directory.js';

/** How events are appended to Kafka, and read from it. */
export interface KafkaEventLogOptions extends KafkaConnection {
  codec: Pick<AvroCodec, 'decode' | 'encode' | 'isLoaded' | 'load'>;
  /** In which envelope events of a type are appended; binary, unless it says otherwise. All are read, whatever it says. */
  envelopeOf?: (type: string) => EnvelopeMode | undefined;
  /** Called for each record that is no event of ours, for counting. */
  onSetAside?: (record: SetAsideRecord) => void;
  /** Producers side by side (3); a key always uses the same one. */
  appenders?: number;
  /** Milliseconds until an append without confirmation is answered with `log-unavailable` (30,000). */
  appendBoundMs?: number;
  /** Bytes of the largest event with key and headers (900,000); beyond it is `too-large`. */
  maxEventBytes?: number;
  /** Milliseconds that stopping a consumer waits for what is being handled (20,000). */
  stopPatienceMs?: number;
}

/** What a fetch brings when nothing else is said; about this much, for batches are not cut. */
const FETCH_BYTES = 1024 * 1024;
/** Who fetches by himself tries again by himself: he need not wait as long as an append. */
const FETCH_BOUND_MS = 10_000;

/** The event log on Apache Kafka: CloudEvents Kafka binding, over kafkajs. */
export class KafkaEventLog implements EventLog {
  private readonly admin: AdminClient;
  private readonly directory: TopicDirectory;
  private readonly appender: Appender;
  private readonly deadLetters: DeadLetters;
  private readonly parts: LogParts;
  private readonly readers = new Set<Reader>();
  private readonly consumerLimits: ConsumerLimits;
  private readonly fetches: SingleFetches;
  private readonly writer: EnvelopeWriter;

  constructor(options: KafkaEventLogOptions) {
    const log = options.log ?? silent;
    const boundMs = options.appendBoundMs ?? 30_000;
    const kafka = createKafka(options);
    this.admin = new AdminClient(kafka);
    this.directory = new TopicDirectory(this.admin, boundMs);
    this.appender = new Appender(kafka, this.directory, {
      lanes: options.appenders ?? 3,
      boundMs,
      maxRecordBytes: options.maxEventBytes ?? 900_000,
      log,
    });
    this.writer = new EnvelopeWriter(options.codec, options.envelopeOf ?? (() => undefined));
    this.deadLetters = new DeadLetters(this.appender, this.directory, log);
    const setAside = new SetAside(this.appender, this.directory, log, options.onSetAside ?? (() => undefined));
    this.parts = { kafka, admin: this.admin, directory: this.directory, decoder: options.codec, setAside, log };
    const fetchBoundMs = Math.min(boundMs, FETCH_BOUND_MS);
    this.fetches = new SingleFetches(kafka, this.directory, { boundMs: fetchBoundMs, log });
    this.consumerLimits = { stopPatienceMs: options.stopPatienceMs ?? 20_000 };
  }

  append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    return this.writer.write(appends, (records) => this.appender.append(records));
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    const consumer = new KafkaGroupConsumer(this.parts, options, this.deadLetters, this.consumerLimits);
    const { stop } = await this.begin(consumer);
    return { stop, status: () => consumer.status(), ping: () => consumer.ping() };
  }

  async read(options: ReadOptions): Promise<Reader> {
    return this.begin(new KafkaReader(this.parts, options));
  }

  /** @throws HeddleError `log-unavailable`; `registry-unavailable` when the first event's schema cannot be had. */
  async fetch(at: Position, { maxBytes = FETCH_BYTES }: { maxBytes?: number } = {}): Promise<FetchedBatch> {
    const fetched = await this.fetches.records(at, maxBytes);
    return eventsOf(this.parts, at, fetched, maxBytes);
  }

  offsetsAt(topic: string, time: number): Promise<number[]> {
    return this.directory.offsetsAt(topic, time);
  }

  bounds(topic: string): Promise<PartitionBounds[]> {
    return this.directory.bounds(topic);
  }

  topics(): Promise<string[]> {
    return this.directory.names();
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.directory.ensure(specs);
  }

  retain(specs: readonly TopicSpec[]): Promise<void> {
    return this.directory.retain(specs);
  }

  async ping(): Promise<void> {
    try {
      await this.admin.use((admin) => admin.describeCluster());
    } catch (error) {
      throw heddleErrorOf(error);
    }
  }

  /** Stops readers and consumers, answers every append accepted so far, disconnects. */
  async close(): Promise<void> {
    await Promise.all([...this.readers].map((reader) => reader.stop()));
    await this.appender.close();
    await this.fetches.close();
    await this.admin.close();
  }

  private async begin<T extends KafkaReader | KafkaGroupConsumer>(reader: T): Promise<Reader> {
    this.readers.add(reader);
    try {
      await reader.start();
    } catch (error) {
      this.readers.delete(reader);
      await reader.stop();
      throw error;
    }
    return {
      stop: () => {
        this.readers.delete(reader);
        return reader.stop();
      },
    };
  }
}
