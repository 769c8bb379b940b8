import { randomUUID } from 'node:crypto';
import type { ConsumeOptions, Consumer, EventLog, Event, Position, StoredEvent } from '@heddle/event';
import { partitionOf } from '@heddle/event';
import { type KeptLetter, PARTITIONS, WAIT, positionOf } from './event-log-harness.js';
import { vi } from 'vitest';

/** What the consumer's contract needs of a log. Stopping a consumer of it is patient for 200 ms. */
export interface ConsumerHarness {
  log: EventLog;
  /** An event whose data is `{ n }`. */
  event(n: number, attributes?: Record<string, string>): Event;
  deadLetters(group: string): Promise<KeptLetter[]>;
  /** The names of the lines that consumers of the group have logged. */
  lines(group: string): string[];
  close(): Promise<void>;
}

/** A topic and a group of its own for one test, and whatever joined the group stopped after it. */
export class ConsumerGround {
  readonly group = `group-${randomUUID()}`;
  readonly #consumers: Consumer[] = [];

  private constructor(
    private readonly harness: ConsumerHarness,
    readonly topic: string,
  ) {}

  static async open(harness: ConsumerHarness): Promise<ConsumerGround> {
    const topic = `consumer-${randomUUID()}`;
    await harness.log.ensureTopics([{ name: topic, partitions: PARTITIONS, cleanup: 'delete', retentionMs: -1 }]);
    return new ConsumerGround(harness, topic);
  }

  async join(options: Partial<ConsumeOptions>): Promise<Consumer> {
    const { group, topic } = this;
    const consumer = await this.harness.log.consume({ group, topics: [topic], from: 'earliest', ...options });
    this.#consumers.push(consumer);
    return consumer;
  }

  /** Appends events with these numbers under a key; all must succeed. */
  async append(key: string, ...ns: readonly number[]): Promise<Position[]> {
    const { topic, harness } = this;
    return (await harness.log.append(ns.map((n) => ({ topic, key, event: harness.event(n) })))).map(positionOf);
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
  }

  /** Resolves when the members say that everything there is has been done with. */
  async done(...consumers: readonly Consumer[]): Promise<void> {
    await vi.waitFor(async () => {
      const ends = (await this.harness.log.bounds(this.topic)).map(({ end }) => end);
      const doneTo = ends.map(() => 0);
      for (const { partitions } of consumers.map((each) => each.status())) {
        for (const at of partitions) doneTo[at.partition] = at.doneTo;
      }
      if (doneTo.join() !== ends.join()) throw new Error(`done to ${doneTo.join()} of ${ends.join()}`);
    }, WAIT);
  }
}

/** `k3` for the event with number 3 under the key k. */
export function labelOf(event: StoredEvent): string {
  return `${event.key}${(event.data as { n: number }).n}`;
}

/** A key in each partition. */
export function keysOfAllPartitions(): string[] {
  const keys: string[] = [];
  for (let n = 0; keys.filter(Boolean).length < PARTITIONS; n += 1)
    keys[partitionOf(`p${n}-`, PARTITIONS)] ??= `p${n}-`;
  return keys;
}

/** So many keys of one partition. */
export function keysOfOnePartition(count: number): string[] {
  const keys: string[] = [];
  for (let n = 0; keys.length < count; n += 1) if (partitionOf(`s${n}-`, PARTITIONS) === 0) keys.push(`s${n}-`);
  return keys;
}
