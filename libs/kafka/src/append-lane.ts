import { HeddleError } from '@heddle/event';
import type { AppendOutcome } from '@heddle/event';
import type { IHeaders, Kafka, Producer, RecordMetadata } from 'kafkajs';
import { CLIENT_RETRY, type LogLine } from './kafka-client.js';
import { heddleErrorOf } from './kafka-errors.js';

/** A record on its way into the log, and where its outcome goes. kafkajs reads key, value and headers. */
export interface Pending {
  readonly topic: string;
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly bytes: number;
  readonly deadline: number;
  /** The partition: given, or what kafkajs' partitioner found by `keyHash` among those the topic has. */
  partition: number;
  readonly keyHash: number;
  isSettled: boolean;
  settle(outcome: AppendOutcome): void;
}

export interface LaneLimits {
  /** Records and bytes that travel in one request; a partition's part of it is one batch for the broker. */
  requestRecords: number;
  requestBytes: number;
}

/**
 * Under load, requests begin so many milliseconds apart: each costs the broker and the client as much as dozens of
 * records. The load is known by the records of the last request; one that would travel alone never waits, and neither
 * do so many that they are worth a request of their own.
 */
const PACE = { ms: 4, fromRecords: 4, upToRecords: 64 } as const;
const RETRY_DELAY_MS = 100;
const MAX_RETRY_DELAY_MS = 1000;
const ACKNOWLEDGE_TIMEOUT_MS = 8000;

/**
 * One idempotent producer with one request in flight. What arrives while a request is under way travels in the next
 * one: batches grow with the load, and what comes alone waits for no linger time. A key always uses the same lane, so its records
 * keep their order through every retry.
 */
export class AppendLane {
  private queue: Pending[] = [];
  private sent: readonly Pending[] = [];
  private isBusy = false;
  private isScheduled = false;
  private producer: Promise<Producer> | undefined;
  private readonly acknowledged = new Map<string, number>();
  private idle: (() => void)[] = [];

  constructor(
    private readonly kafka: Kafka,
    private readonly limits: LaneLimits,
    private readonly log: LogLine,
    /** Errors by topic for those that do not exist (any more). */
    private readonly missingTopics: (topics: Iterable<string>) => Promise<Map<string, HeddleError>>,
  ) {}

  add(record: Pending): void {
    this.queue.push(record);
    if (this.isBusy || this.isScheduled) return;
    this.isScheduled = true;
    queueMicrotask(() => {
      this.isScheduled = false;
      void this.drain();
    });
  }

  /**
   * Answers what has waited past its deadline. A request under way may still succeed later: the lane stays with it, so
   * that nothing of the same key can overtake it.
   */
  expire(now: number): void {
    if (!this.isBusy) return;
    const late = (record: Pending): boolean => !record.isSettled && record.deadline <= now;
    if (!this.sent.some(late) && !this.queue.some(late)) return;
    const error = new HeddleError('log-unavailable', 'The event log did not confirm in time.', {
      retryAfterSeconds: 1,
    });
    for (const record of this.sent) if (late(record)) this.fail(record, error);
    for (const record of this.queue) if (late(record)) this.fail(record, error);
    this.queue = this.queue.filter((record) => !record.isSettled);
  }

  /** Waits until everything queued has its outcome, then disconnects. */
  async close(): Promise<void> {
    if (this.isBusy || this.isScheduled) await new Promise<void>((resolve) => this.idle.push(resolve));
    const producer = this.producer;
    this.producer = undefined;
    await producer?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  private async drain(): Promise<void> {
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.queue.length > 0) {
      const startedAt = performance.now();
      this.sent = this.take();
      await this.append(this.sent);
      const restMs = this.sent.length < PACE.fromRecords ? 0 : startedAt + PACE.ms - performance.now();
      // A lane that rests takes in what comes meanwhile, as one that is busy does.
      if (restMs > 1 && this.queue.length < PACE.upToRecords) await delay(restMs);
    }
    this.sent = [];
    this.isBusy = false;
    for (const resolve of this.idle.splice(0)) resolve();
  }

  private take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const record of this.queue) {
      bytes += record.bytes;
      if (count > 0 && (bytes > this.limits.requestBytes || count >= this.limits.requestRecords)) break;
      count += 1;
    }
    if (count === this.queue.length) {
      const all = this.queue;
      this.queue = [];
      return all;
    }
    return this.queue.splice(0, count);
  }

  /** Returns when every record has its outcome, or its deadline has passed and no request with it is under way. */
  private async append(records: readonly Pending[]): Promise<void> {
    let open = records;
    for (let attempt = 0; open.length > 0; attempt += 1) {
      const error = await this.attempt(open);
      // After an error it is unknown what the broker has of this producer's sequence: only a fresh one is safe.
      if (error !== undefined) this.discardProducer();
      open = open.filter((record) => !record.isSettled);
      if (error === undefined || open.length === 0) continue;
      const known = heddleErrorOf(error);
      this.log('warn', 'append.retry', { code: known.code, message: known.message, records: open.length, attempt });
      if (!known.retryable) {
        if (open.length === 1 && open[0] !== undefined) this.fail(open[0], known);
        else for (const record of open) if (!record.isSettled) await this.append([record]);
        return;
      }
      await this.failMissing(open);
      open = open.filter((record) => !record.isSettled && (record.deadline > Date.now() || this.fail(record, known)));
      const waitMs = Math.min(RETRY_DELAY_MS * 2 ** attempt, MAX_RETRY_DELAY_MS);
      if (open.length > 0) await delay(waitMs);
    }
  }

  /** One request; answers the records it got positions for, returns the error of the others. */
  private async attempt(records: readonly Pending[]): Promise<unknown> {
    const byTopic = new Map<string, Pending[]>();
    for (const record of records) {
      const same = byTopic.get(record.topic);
      if (same === undefined) byTopic.set(record.topic, [record]);
      else same.push(record);
    }
    const topicMessages = Array.from(byTopic, ([topic, messages]) => ({ topic, messages }));
    try {
      const producer = await this.connected();
      const answers = await producer.sendBatch({ topicMessages, acks: -1, timeout: ACKNOWLEDGE_TIMEOUT_MS });
      return this.acknowledge(byTopic, answers);
    } catch (error) {
      return error;
    }
  }

  private acknowledge(byTopic: ReadonlyMap<string, Pending[]>, answers: readonly RecordMetadata[]): unknown {
    let problem: HeddleError | undefined;
    for (const [topic, records] of byTopic) {
      const next = new Map<number, number>();
      for (const answer of answers) {
        if (answer.topicName !== topic) continue;
        const base = Number(answer.baseOffset ?? -1);
        if (base < 0 || answer.errorCode !== 0) continue;
        // A position already named means that the broker took new records for a repeat: they are not in the log.
        const name = `${topic}/${answer.partition}`;
        if (base <= (this.acknowledged.get(name) ?? -1)) {
          this.acknowledged.delete(name);
          this.log('error', 'append.position-named-twice', { topic, partition: answer.partition, offset: base });
          continue;
        }
        next.set(answer.partition, base);
      }
      for (const record of records) {
        const offset = next.get(record.partition);
        if (offset === undefined) {
          problem ??= new HeddleError('log-unavailable', `The event log gave no position in ${topic}.`);
          continue;
        }
        next.set(record.partition, offset + 1);
        if (!record.isSettled) {
          record.isSettled = true;
          record.settle({ position: { topic, partition: record.partition, offset } });
        }
      }
      for (const [partition, offset] of next) this.acknowledged.set(`${topic}/${partition}`, offset - 1);
    }
    return problem;
  }

  /** A topic that was deleted would fail every request it is in: its records are answered, the others go on. */
  private async failMissing(records: readonly Pending[]): Promise<void> {
    const missing = await this.missingTopics(new Set(records.map((record) => record.topic)));
    if (missing.size === 0) return;
    for (const record of records) {
      const error = missing.get(record.topic);
      if (error !== undefined && !record.isSettled) this.fail(record, error);
    }
  }

  /** Answers the record with its error, and all behind it that share its key with `not-appended`. */
  private fail(record: Pending, error: HeddleError): false {
    if (record.isSettled) return false;
    record.isSettled = true;
    record.settle({ error });
    const isLater = (other: Pending): boolean =>
      !other.isSettled && other.key !== null && other.topic === record.topic && sameKey(other.key, record.key);
    const heldBack = error.retryable
      ? // What travelled with it shares its fate, and may be in the log as well.
        this.queue.filter(isLater)
      : [...this.sent.slice(this.sent.indexOf(record) + 1), ...this.queue].filter(isLater);
    for (const other of heldBack) {
      other.isSettled = true;
      other.settle({ error: heldBackError(error) });
    }
    if (heldBack.length > 0) this.queue = this.queue.filter((other) => !other.isSettled);
    return false;
  }

  private connected(): Promise<Producer> {
    return (this.producer ??= this.open());
  }

  private async open(): Promise<Producer> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: CLIENT_RETRY,
      createPartitioner: () => place,
    });
    try {
      await producer.connect();
    } catch (error) {
      this.producer = undefined;
      producer.disconnect().catch(() => undefined);
      throw error;
    }
    return producer;
  }

  private discardProducer(): void {
    const producer = this.producer;
    this.producer = undefined;
    producer?.then((connected) => connected.disconnect()).catch(() => undefined);
  }
}

export function heldBackError(cause: HeddleError): HeddleError {
  return new HeddleError('not-appended', 'An earlier event of this key failed; this one was not appended.', { cause });
}

function place({ message, partitionMetadata }: { message: unknown; partitionMetadata: readonly unknown[] }): number {
  const record = message as Pending;
  if (record.partition < 0) record.partition = (record.keyHash & 0x7fffffff) % partitionMetadata.length;
  return record.partition;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function sameKey(one: string | Buffer, other: string | Buffer | null): boolean {
  if (other === null) return false;
  return typeof one === 'string' ? one === other : typeof other !== 'string' && one.equals(other);
}
