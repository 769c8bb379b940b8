import { HeddleError, murmur2 } from '@heddle/event';
import type { AppendOutcome } from '@heddle/event';
import type { IHeaders, Kafka } from 'kafkajs';
import { AppendLane, heldBackError, type Pending } from './append-lane.js';
import { silent, type LogLine } from './kafka-client.js';
import { noSuchTopic, type TopicDirectory } from './topic-directory.js';

/** A record to append. Without a partition, the key decides, as in the Java client. */
export interface RawRecord {
  topic: string;
  partition?: number;
  key: string | Buffer | null;
  value: Buffer | null;
  headers: IHeaders;
}

export interface AppenderSettings {
  /** Producers side by side; a key always uses the same one. */
  lanes: number;
  /** Milliseconds until an append that the log did not confirm is answered with `log-unavailable`. */
  boundMs: number;
  /** The largest record, with its key and headers. */
  maxRecordBytes: number;
  log?: LogLine;
}

/** A batch larger than the broker's usual limit (message.max.bytes, 1,048,588) would be refused as a whole. */
const REQUEST_BYTES = 900_000;
/** kafkajs copies a partition's messages for each further one of the request: beyond this it gets slower, not faster. */
const REQUEST_RECORDS = 500;
const EXPIRY_CHECK_MS = 250;
const RETRY_DELAY_MS = 200;
/** What a record takes besides its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 32;

/** Appends records of any kind, joined into few requests, in order per key, with an outcome for each. */
export class Appender {
  private readonly lanes: AppendLane[];
  private readonly log: LogLine;
  private readonly expiry: NodeJS.Timeout;
  /** Calls that wait until their topics are found; later calls stay behind them. */
  private finding: Promise<void> | undefined;
  private isClosed = false;

  constructor(
    kafka: Kafka,
    private readonly topics: TopicDirectory,
    private readonly settings: AppenderSettings,
  ) {
    this.log = settings.log ?? silent;
    const limits = { requestRecords: REQUEST_RECORDS, requestBytes: REQUEST_BYTES };
    const missing = (names: Iterable<string>) => topics.missing(names);
    this.lanes = Array.from({ length: settings.lanes }, () => new AppendLane(kafka, limits, this.log, missing));
    this.expiry = setInterval(() => {
      const now = Date.now();
      for (const lane of this.lanes) lane.expire(now);
    }, EXPIRY_CHECK_MS);
    this.expiry.unref();
  }

  append(records: readonly RawRecord[]): Promise<AppendOutcome[]> {
    if (this.isClosed) {
      const error = new HeddleError('stopping', 'The event log is closed.');
      return Promise.resolve(records.map(() => ({ error })));
    }
    if (records.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const call = new AppendCall(records.length, resolve);
      if (this.finding === undefined && records.every((record) => this.topics.has(record.topic))) {
        this.enqueue(records, call);
        return;
      }
      const before = this.finding ?? Promise.resolve();
      const turn: Promise<void> = before
        .then(() => this.findTopics(records))
        .then((errors) => this.enqueue(records, call, errors))
        .finally(() => {
          if (this.finding === turn) this.finding = undefined;
        });
      this.finding = turn;
    });
  }

  /** Answers everything accepted so far, then disconnects. */
  async close(): Promise<void> {
    this.isClosed = true;
    while (this.finding !== undefined) await this.finding;
    await Promise.all(this.lanes.map((lane) => lane.close()));
    clearInterval(this.expiry);
  }

  private enqueue(records: readonly RawRecord[], call: AppendCall, errors?: ReadonlyMap<string, HeddleError>): void {
    const deadline = Date.now() + this.settings.boundMs;
    let refused: Map<string, HeddleError> | undefined;
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as RawRecord;
      const name = `${record.topic}\n${String(record.key)}`;
      const earlier = refused?.get(name);
      const bytes = sizeOf(record);
      const error =
        errors?.get(record.topic) ??
        (earlier === undefined ? undefined : heldBackError(earlier)) ??
        (bytes > this.settings.maxRecordBytes ? tooLarge(bytes, this.settings.maxRecordBytes) : undefined);
      if (error !== undefined) {
        if (record.key !== null) (refused ??= new Map()).set(name, earlier ?? error);
        call.settle(index, { error });
        continue;
      }
      const entry = new CallRecord(record, bytes, deadline, call, index);
      // By the hash that the partition comes from: a lane then has part of the partitions, and more records for each.
      const lane = this.lanes[(entry.keyHash & 0x7fffffff) % this.lanes.length];
      lane?.add(entry);
    }
  }

  /** The errors of topics that are not to be had: missing, or the log did not answer within the bound. */
  private async findTopics(records: readonly RawRecord[]): Promise<Map<string, HeddleError>> {
    const errors = new Map<string, HeddleError>();
    const deadline = Date.now() + this.settings.boundMs;
    for (const topic of new Set(records.map((record) => record.topic))) {
      for (;;) {
        try {
          if ((await this.topics.find(topic)) === undefined) errors.set(topic, noSuchTopic(topic));
          break;
        } catch (error) {
          if (Date.now() > deadline || this.isClosed) {
            errors.set(topic, error as HeddleError);
            break;
          }
          await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
        }
      }
    }
    return errors;
  }
}

class AppendCall {
  private readonly outcomes: AppendOutcome[];
  private open: number;

  constructor(
    size: number,
    private readonly resolve: (outcomes: AppendOutcome[]) => void,
  ) {
    this.outcomes = new Array<AppendOutcome>(size);
    this.open = size;
  }

  settle(index: number, outcome: AppendOutcome): void {
    this.outcomes[index] = outcome;
    this.open -= 1;
    if (this.open === 0) this.resolve(this.outcomes);
  }
}

class CallRecord implements Pending {
  readonly topic: string;
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly keyHash: number;
  partition: number;
  isSettled = false;

  constructor(
    record: RawRecord,
    readonly bytes: number,
    readonly deadline: number,
    private readonly call: AppendCall,
    private readonly index: number,
  ) {
    this.topic = record.topic;
    this.key = record.key;
    this.value = record.value;
    this.headers = record.headers;
    this.partition = record.partition ?? -1;
    this.keyHash = record.partition ?? hashOf(record.key);
  }

  settle(outcome: AppendOutcome): void {
    this.call.settle(this.index, outcome);
  }
}

function hashOf(key: string | Buffer | null): number {
  return key === null ? 0 : murmur2(typeof key === 'string' ? Buffer.from(key) : key);
}

function sizeOf(record: RawRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.value?.length ?? 0) + (record.key?.length ?? 0);
  for (const name in record.headers) bytes += name.length + (record.headers[name]?.length ?? 0) + 2;
  return bytes;
}

function tooLarge(bytes: number, limit: number): HeddleError {
  return new HeddleError('too-large', `The event takes ${bytes} bytes in the log; at most ${limit} are allowed.`);
}
