import { HeddleError } from '@heddle/event';
import type { PartitionBounds, ReadBatch, ReadGap, StoredEvent } from '@heddle/event';
import type { KafkaMessage } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeRecord, type Decoder } from './event-decoder.js';
import type { Fetched } from './group-member.js';
import { HeldKeys } from './held-keys.js';
import type { LogLine } from './kafka-client.js';
import type { Foreign } from './record.js';

export interface IntakeSettings {
  topic: string;
  partition: number;
  /** The first offset wanted. */
  from: number;
  decoder: Decoder;
  /** Whether the whole partition waits for a schema that cannot be had. */
  inOrder?: boolean;
  /** Hands over events; a promise holds back the next batch. */
  hand(batch: ReadBatch): Promise<void> | void;
  setAside(message: KafkaMessage, foreign: Foreign): void;
  /** The bounds of this partition now. */
  bounds(): Promise<PartitionBounds | undefined>;
  onGap(gap: ReadGap): void;
  /** Asks for no more, or for more, of this partition. */
  flow(isWanted: boolean): void;
  log: LogLine;
}

/** Fetched ahead of what is handed over; beyond this the partition is paused. */
const INBOX_RECORDS = 2000;
/** Records held back for keys whose schema cannot be had; beyond this the whole partition waits. */
const HELD_RECORDS = 1000;
/** How long a schema seen for the first time may hold up its partition, before only its key waits. */
const SCHEMA_PATIENCE_MS = 200;
const RETRY_MS = 1000;

/**
 * Turns the records of one partition into events, in order. What is not an event is set aside. An event whose schema
 * cannot be had at the moment waits, and with it the later ones of its key; the others pass.
 */
export class PartitionIntake {
  private fetchedTo: number;
  private takenTo: number;
  /** The end of the partition as the log last said. */
  end: number;
  private inbox: Fetched[] = [];
  private inboxRecords = 0;
  private isPaused = false;
  private isRunning = false;
  private isStopped = false;
  private readonly held = new HeldKeys();
  private readonly waitingSchemas = new Set<number>();
  private isReleaseDue = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly settings: IntakeSettings) {
    this.fetchedTo = settings.from;
    this.takenTo = settings.from;
    this.end = settings.from;
  }

  /** The first offset not yet fetched: where to go on after a rejoin. */
  get position(): number {
    return this.fetchedTo;
  }

  push(fetched: Fetched): void {
    if (this.isStopped || fetched.next <= this.fetchedTo) return;
    const from = this.fetchedTo;
    this.fetchedTo = fetched.next;
    const messages =
      fetched.first < from ? fetched.messages.filter((message) => Number(message.offset) >= from) : fetched.messages;
    this.inbox.push({ ...fetched, messages, first: Math.max(fetched.first, from) });
    this.inboxRecords += messages.length;
    void this.run();
    if (this.inboxRecords > INBOX_RECORDS) {
      this.isPaused = true;
      this.settings.flow(false);
    }
  }

  stop(): void {
    this.isStopped = true;
    this.inbox = [];
    clearTimeout(this.retry);
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    while (!this.isStopped) {
      if (this.isReleaseDue) {
        this.isReleaseDue = false;
        const again = this.takeSlowly(this.held.takeAll(), [], 0);
        await this.handOver(await again);
        continue;
      }
      // Held records go only when their schema comes: until then nothing more fits.
      const fetched = this.held.size >= HELD_RECORDS ? undefined : this.inbox.shift();
      if (fetched === undefined) break;
      const events = this.take(fetched);
      const taken = events instanceof Promise ? await events : events;
      const handed = this.handOver(taken);
      if (handed !== undefined) await handed;
      this.inboxRecords -= fetched.messages.length;
      if (this.isPaused && this.inboxRecords <= INBOX_RECORDS / 2) {
        this.isPaused = false;
        this.settings.flow(true);
      }
    }
    this.isRunning = false;
  }

  /** The usual case, all schemas known and no offset missing, takes no further turn of the event loop. */
  private take(fetched: Fetched): StoredEvent[] | Promise<StoredEvent[]> {
    this.end = Math.max(this.end, fetched.end);
    const isGapPossible = fetched.first > this.takenTo;
    const expected = this.takenTo;
    this.takenTo = fetched.next;
    if (isGapPossible) {
      return this.checkGap(expected, fetched.first).then(() => this.takeSlowly(fetched.messages, [], 0));
    }
    const events: StoredEvent[] = [];
    for (let index = 0; index < fetched.messages.length; index += 1) {
      if (this.takeOne(fetched.messages[index] as KafkaMessage, events) !== undefined) {
        return this.takeSlowly(fetched.messages, events, index);
      }
    }
    return events;
  }

  private async takeSlowly(
    messages: readonly KafkaMessage[],
    events: StoredEvent[],
    from: number,
  ): Promise<StoredEvent[]> {
    for (let index = from; index < messages.length && !this.isStopped; index += 1) {
      const message = messages[index] as KafkaMessage;
      const missing = this.takeOne(message, events);
      if (missing === undefined) continue;
      const answer = await this.learn(missing);
      if (answer === 'unknown') {
        this.settings.setAside(message, { reason: 'schema-unknown', detail: `The registry has no schema ${missing}.` });
      } else {
        this.takeOne(message, events);
      }
    }
    return events;
  }

  /** Adds the event, or holds it, or sets the record aside; returns the schema that must be loaded before. */
  private takeOne(message: KafkaMessage, events: StoredEvent[]): number | undefined {
    const record = decodeRecord(this.settings.decoder, this.settings.topic, this.settings.partition, message);
    if ('reason' in record) {
      this.settings.setAside(message, record);
    } else if (this.held.has(record.key)) {
      this.held.hold(record.key, message);
    } else if (!('needs' in record)) {
      events.push(record);
    } else if (this.waitingSchemas.has(record.needs)) {
      this.held.hold(record.key, message);
    } else {
      return record.needs;
    }
    return undefined;
  }

  /** Asks for a schema; one that does not come in time is waited for beside the stream, unless all is to stay in order. */
  private async learn(schemaId: number): Promise<'loaded' | 'unknown' | 'waiting'> {
    if (this.settings.inOrder === true) return this.learnInOrder(schemaId);
    const patience = new AbortController();
    const answer = await Promise.race([
      this.load(schemaId),
      delay(SCHEMA_PATIENCE_MS, 'waiting' as const, { signal: patience.signal }),
    ]);
    patience.abort();
    if (answer === 'waiting') {
      this.waitingSchemas.add(schemaId);
      this.settings.log('warn', 'schema.waiting', { topic: this.settings.topic, schemaId });
      this.scheduleRetry();
    }
    return answer;
  }

  private async learnInOrder(schemaId: number): Promise<'loaded' | 'unknown'> {
    for (;;) {
      const answer = await this.load(schemaId);
      if (answer !== 'waiting') return answer;
      // What is stopped hands nothing over any more, whatever the answer is.
      if (this.isStopped) return 'loaded';
      this.settings.log('warn', 'schema.waiting', { topic: this.settings.topic, schemaId });
      await new Promise((resolve) => (this.retry = setTimeout(resolve, RETRY_MS)));
    }
  }

  private load(schemaId: number): Promise<'loaded' | 'unknown' | 'waiting'> {
    return this.settings.decoder.load(schemaId).then(
      () => 'loaded' as const,
      (error: unknown) => (error instanceof HeddleError && error.retryable ? 'waiting' : 'unknown'),
    );
  }

  private scheduleRetry(): void {
    if (this.isStopped) return;
    this.retry ??= setTimeout(() => void this.retrySchemas(), RETRY_MS);
  }

  private async retrySchemas(): Promise<void> {
    for (const schemaId of this.waitingSchemas) {
      if ((await this.load(schemaId)) === 'waiting') continue;
      this.waitingSchemas.delete(schemaId);
      this.isReleaseDue = true;
    }
    this.retry = undefined;
    if (this.waitingSchemas.size > 0) this.scheduleRetry();
    if (this.isReleaseDue) void this.run();
  }

  /** kafkajs goes on at the start of the log when an offset is gone, and says nothing: the log's start tells. */
  private async checkGap(expected: number, first: number): Promise<void> {
    while (!this.isStopped) {
      try {
        const bounds = await this.settings.bounds();
        if (bounds !== undefined && bounds.earliest > expected) {
          const { topic, partition } = this.settings;
          this.settings.onGap({ topic, partition, from: expected, to: Math.min(bounds.earliest, first) });
        }
        return;
      } catch {
        await delay(RETRY_MS);
      }
    }
  }

  private handOver(events: StoredEvent[]): Promise<void> | undefined {
    if (this.isStopped) return undefined;
    const { topic, partition } = this.settings;
    const nextOffset = this.held.oldest() ?? this.takenTo;
    const batch = { topic, partition, events, nextOffset, end: Math.max(this.end, this.takenTo) };
    try {
      return this.settings.hand(batch)?.catch((error: unknown) => this.handAgain(batch, error));
    } catch (error) {
      return this.handAgain(batch, error);
    }
  }

  /** A batch that was not taken is handed over again: dropping it would lose events. */
  private async handAgain(batch: ReadBatch, error: unknown): Promise<void> {
    const { topic, partition } = batch;
    while (!this.isStopped) {
      const message = error instanceof Error ? error.message : String(error);
      this.settings.log('error', 'read.batch-failed', { topic, partition, nextOffset: batch.nextOffset, message });
      await delay(RETRY_MS);
      if (this.isStopped) return;
      try {
        return await this.settings.hand(batch);
      } catch (again) {
        error = again;
      }
    }
  }
}
