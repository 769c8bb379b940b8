import { type EventLog, type PartitionBounds, type ReadBatch, type Reader, isRawTopic, tenantOf } from '@heddle/event';
import { DispatchedEvent } from './represent.js';
import type { MovingPosition } from './streams/resume-token.js';
import type { StreamHub } from './streams/stream-hub.js';
import type { Tail } from './streams/tail.js';

/** A piece of one partition, as the shared reader comes to it: everything from `from` (inclusive) to `to` (exclusive). */
export interface Span {
  topic: string;
  partition: number;
  from: number;
  to: number;
  events: readonly DispatchedEvent[];
}

/** Durable receivers: they take what they want of each span, and read again by themselves what they missed. */
export interface SpanTaker {
  take(span: Span): void;
}

/** How many events of a partition are read again after a start, so that streams can resume without reading the log. */
const WARM_UP_EVENTS = 500;
/** A topic that came into being while this runs has as many at most in a partition, when it is first looked at. */
const NEW_TOPIC_EVENTS = 10_000;

/**
 * Neck two. Reads each partition of each topic once for everybody: appends what it reads to the tail, offers it to
 * the queues, and hands it to the live streams, unless it is a raw message.
 */
export class Dispatcher {
  #readers: Reader[] = [];
  #topics = new Set<string>();
  #count = 0;
  /** Per partition: below this offset events are old and no stream gets them as live ones. */
  #liveFrom = new Map<string, number>();
  #behind = new Map<string, PromiseWithResolvers<void>>();
  #isWarm = false;

  constructor(
    private readonly eventLog: EventLog,
    private readonly tail: Tail,
    private readonly position: MovingPosition,
    private readonly streams: StreamHub,
    private readonly queues: SpanTaker,
    private readonly baseUrl: string,
  ) {}

  /** Reads further topics; resolves when what they already held has been dispatched. */
  async add(topics: readonly string[]): Promise<void> {
    const fresh = topics.filter((topic) => !this.#topics.has(topic));
    if (fresh.length === 0) return;
    for (const topic of fresh) this.#topics.add(topic);
    try {
      this.#readers.push(await this.#read(fresh));
    } catch (error) {
      // Not read, and to be added again.
      for (const topic of fresh) this.#topics.delete(topic);
      throw error;
    }
    await Promise.all([...this.#behind.values()].map(({ promise }) => promise));
    this.#isWarm = true;
  }

  get topics(): readonly string[] {
    return [...this.#topics];
  }

  get dispatched(): number {
    return this.#count;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#readers.map((reader) => reader.stop()));
  }

  async #read(topics: readonly string[]): Promise<Reader> {
    for (const topic of topics) {
      for (const bounds of await this.eventLog.bounds(topic)) this.#begin(topic, bounds);
    }
    return this.eventLog.read({
      topics,
      from: (topic, bounds) => this.#begin(topic, bounds),
      onBatch: (batch) => this.#dispatch(batch),
      // Queues count on it: what lies below an event they took has been offered to them before.
      inOrder: true,
    });
  }

  /** Where reading of a partition begins. */
  #begin(topic: string, { partition, earliest, end }: PartitionBounds): number {
    const name = `${topic}/${partition}`;
    if (this.#liveFrom.has(name)) return this.position.next(topic, partition);
    // All of a topic that nobody had before is new to streams, also what came before it was found.
    const isNew = this.#isWarm && end - earliest <= NEW_TOPIC_EVENTS;
    const from = isNew ? earliest : Math.max(earliest, end - WARM_UP_EVENTS);
    this.#liveFrom.set(name, isNew ? from : end);
    this.position.moveTo(topic, partition, from);
    this.tail.begin(topic, partition, from);
    if (from < end) this.#behind.set(name, Promise.withResolvers());
    return from;
  }

  #dispatch(batch: ReadBatch): void {
    const { topic, partition, nextOffset } = batch;
    const name = `${topic}/${partition}`;
    const from = this.position.next(topic, partition);
    const liveFrom = this.#liveFrom.get(name) ?? 0;
    const tenant = tenantOf(topic);
    // What somebody published to an address is for queues and streams that ask for topics.
    const isRaw = isRawTopic(topic);
    const position = this.position.of(tenant);
    const events: DispatchedEvent[] = [];
    for (const stored of batch.events) {
      this.position.moveTo(topic, partition, Math.max(from, Math.min(stored.offset + 1, nextOffset)));
      this.#count += 1;
      const event = new DispatchedEvent(stored, this.#count, position.token, this.baseUrl);
      this.tail.add(event);
      events.push(event);
      if (stored.offset >= liveFrom) this.streams.publish(tenant, event, isRaw);
    }
    this.position.moveTo(topic, partition, Math.max(from, nextOffset));
    this.queues.take({ topic, partition, from, to: nextOffset, events });
    const behind = this.#behind.get(name);
    if (behind !== undefined && nextOffset >= liveFrom) {
      this.#behind.delete(name);
      behind.resolve();
    }
  }
}
