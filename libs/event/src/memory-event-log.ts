import { attributeProblem } from './event.js';
import type { Event } from './event.js';
import type { ConsumeOptions, Consumer } from './consume.js';
import type {
  Append,
  AppendOutcome,
  EventLog,
  FetchedBatch,
  PartitionBounds,
  ReadOptions,
  Reader,
} from './event-log.js';
import { HeddleError } from './errors.js';
import { MemoryGroup, type MemoryDeadLetter } from './memory-group.js';
import { MemoryReader } from './memory-reader.js';
import { partitionOf } from './murmur2.js';
import { isEventCopy, rawEvent } from './raw-message.js';
import type { Position, StoredEvent } from './stored-event.js';
import { type TopicSpec, isRawTopic } from './topic.js';

/** What stands in for a broker and a registry in memory. */
export interface MemoryEventLogOptions {
  /** The data of an event; one that throws makes the record foreign: it is set aside. */
  decode(event: Event): { data: unknown; schemaId?: number };
  /** Topics nobody created come into being with this many partitions, when it is given. */
  partitions?: number;
  /** The first delay before a failed event is handled again (5); it doubles, five attempts in all. */
  retryMs?: number;
  /** What consumers have to say: `handle.retry`, `handle.dead-letter`, `handle.overdue`. */
  log?(level: 'warn' | 'error', event: string, fields: Record<string, unknown>): void;
  /** Milliseconds that stopping a consumer waits for what is being handled (1,000). */
  stopPatienceMs?: number;
}

interface Partition {
  records: { key: string; event: Event; notes: Append['notes']; appendedAt: number }[];
  /** The offset of the first record that is kept. */
  earliest: number;
}

const BATCH_RECORDS = 500;
const FETCH_BYTES = 1024 * 1024;

/** The event log of one process, for tests: the same promises, nothing kept, nothing awaited that need not be. */
export class MemoryEventLog implements EventLog {
  readonly deadLetters: MemoryDeadLetter[] = [];
  readonly setAside: (Position & { reason: string })[] = [];
  /** Lets appends fail: the error that the log is to answer with. */
  failAppend: ((append: Append) => HeddleError | undefined) | undefined;
  /** Lets dead letters fail: what they are of waits. */
  isRefusingDeadLetters = false;
  /** Milliseconds that topics are to be kept for, where somebody said; nothing is ever taken here. */
  readonly retention = new Map<string, number>();
  private readonly partitions = new Map<string, Partition[]>();
  private readonly groups = new Map<string, MemoryGroup>();
  private readonly listeners = new Set<(topic: string) => void>();
  private isClosed = false;

  constructor(private readonly options: MemoryEventLogOptions) {}

  append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    const failed = new Set<string>();
    const touched = new Set<string>();
    const outcomes = appends.map((append): AppendOutcome => {
      const name = `${append.topic}\n${append.key}`;
      if (failed.has(name)) {
        return {
          error: new HeddleError('not-appended', 'An earlier event of this key failed; this one was not appended.'),
        };
      }
      const error = this.refusal(append);
      if (error !== undefined) {
        failed.add(name);
        return { error };
      }
      touched.add(append.topic);
      return { position: this.store(append) };
    });
    for (const topic of touched) this.tell(topic);
    return Promise.resolve(outcomes);
  }

  consume(options: ConsumeOptions): Promise<Consumer> {
    let group = this.groups.get(options.group);
    if (group === undefined) {
      group = new MemoryGroup({
        group: options.group,
        retryMs: this.options.retryMs ?? 5,
        stopPatienceMs: this.options.stopPatienceMs ?? 1000,
        read: (read) => this.read(read),
        partitionsOf: (topic) => this.partitionsNow(topic),
        log: (level, event, fields) => this.options.log?.(level, event, fields),
        deadLetter: (letter) => !this.isRefusingDeadLetters && this.deadLetters.push(letter) > 0,
      });
      this.groups.set(options.group, group);
    }
    return group.join(options);
  }

  read(options: ReadOptions): Promise<Reader> {
    const reader = new MemoryReader(this, options, this.options.retryMs ?? 5);
    this.listeners.add(reader.wake);
    for (const topic of options.topics) reader.wake(topic);
    return Promise.resolve({
      stop: () => {
        this.listeners.delete(reader.wake);
        return reader.stop();
      },
    });
  }

  fetch({ topic, partition, offset }: Position, options: { maxBytes?: number } = {}): Promise<FetchedBatch> {
    const own = this.partitions.get(topic)?.[partition];
    if (own === undefined) return Promise.reject(noSuchTopic(topic));
    const from = offset < own.earliest || offset > endOf(own) ? own.earliest : offset;
    const { events, next, end } = this.records(topic, partition, from);
    let bytes = 0;
    const full = events.findIndex(({ value }, index) => {
      if (index > 0 && bytes >= (options.maxBytes ?? FETCH_BYTES)) return true;
      bytes += value.length;
      return false;
    });
    const nextOffset = events[full]?.offset ?? next;
    return Promise.resolve({
      topic,
      partition,
      from,
      events: full < 0 ? events : events.slice(0, full),
      nextOffset,
      end,
    });
  }

  offsetsAt(topic: string, time: number): Promise<number[]> {
    const partitions = this.partitions.get(topic);
    if (partitions === undefined) return Promise.reject(noSuchTopic(topic));
    return Promise.resolve(
      partitions.map((own) => {
        const index = own.records.findIndex(({ appendedAt }) => appendedAt >= time);
        return index < 0 ? endOf(own) : own.earliest + index;
      }),
    );
  }

  bounds(topic: string): Promise<PartitionBounds[]> {
    const partitions = this.partitions.get(topic);
    if (partitions === undefined) return Promise.reject(noSuchTopic(topic));
    return Promise.resolve(
      partitions.map((own, partition) => ({ partition, earliest: own.earliest, end: endOf(own) })),
    );
  }

  topics(): Promise<string[]> {
    return Promise.resolve([...this.partitions.keys()]);
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      if (this.partitions.has(spec.name)) continue;
      this.create(spec.name, spec.partitions);
      void this.retain([spec]);
    }
    return Promise.resolve();
  }

  retain(specs: readonly TopicSpec[]): Promise<void> {
    for (const { name, retentionMs } of specs) {
      if (retentionMs !== undefined && this.partitions.has(name)) this.retention.set(name, retentionMs);
    }
    return Promise.resolve();
  }

  ping(): Promise<void> {
    return this.isClosed ? Promise.reject(new HeddleError('stopping', 'The event log is closed.')) : Promise.resolve();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.listeners.clear();
    await Promise.all([...this.groups.values()].map((group) => group.stop()));
  }

  /** Forgets what is below the offset, as retention does. */
  forget(topic: string, partition: number, below: number): void {
    const own = this.partitions.get(topic)?.[partition];
    if (own === undefined || below <= own.earliest) return;
    own.records.splice(0, below - own.earliest);
    own.earliest = below;
  }

  /** The bounds, or nothing for a topic that is not there; asked by readers, which wait for it. */
  partitionsNow(topic: string): PartitionBounds[] | undefined {
    return this.partitions
      .get(topic)
      ?.map((own, partition) => ({ partition, earliest: own.earliest, end: endOf(own) }));
  }

  /** Some events from an offset on, and how far they reach; what is no event is set aside on the way. */
  records(topic: string, partition: number, from: number): { events: StoredEvent[]; next: number; end: number } {
    const own = this.partitions.get(topic)?.[partition];
    if (own === undefined) return { events: [], next: from, end: from };
    const begin = Math.max(from, own.earliest);
    const next = Math.min(begin + BATCH_RECORDS, endOf(own));
    const events: StoredEvent[] = [];
    for (let offset = begin; offset < next; offset += 1) {
      const event = this.stored(own, { topic, partition, offset });
      if (event !== undefined) events.push(event);
    }
    return { events, next, end: endOf(own) };
  }

  private refusal(append: Append): HeddleError | undefined {
    if (this.isClosed) return new HeddleError('stopping', 'The event log is closed.');
    if (!this.partitions.has(append.topic)) {
      if (this.options.partitions === undefined) return noSuchTopic(append.topic);
      this.create(append.topic, this.options.partitions);
    }
    return this.failAppend?.(append);
  }

  private store({ topic, key, event, notes }: Append): Position {
    const partitions = this.partitions.get(topic) ?? [];
    const partition = partitionOf(key, partitions.length);
    const own = partitions[partition] as Partition;
    // A copy, as a log on disk would have: what the caller does with its object later changes nothing here.
    const copy = { attributes: { ...event.attributes }, value: Uint8Array.from(event.value) };
    own.records.push({ key, event: copy, notes, appendedAt: Date.now() });
    return { topic, partition, offset: endOf(own) - 1 };
  }

  private stored(own: Partition, position: Position): StoredEvent | undefined {
    const record = own.records[position.offset - own.earliest];
    if (record === undefined) return undefined;
    const { key, event, notes, appendedAt } = record;
    try {
      const problem = attributeProblem(event.attributes);
      if (problem !== undefined) throw new Error(`The attribute ${problem.attribute} ${problem.rule}.`);
      const read = { ...event, ...position, key, appendedAt, ...(notes === undefined ? {} : { notes }) };
      // A dead letter has the bytes of what was given up, raw messages too.
      const isRaw = isRawTopic(position.topic) || isRawTopic(notes?.['heddle-topic'] ?? '');
      if (!isRaw) return { ...read, ...this.options.decode(event) };
      return isEventCopy(event) ? withData(read, this.options.decode) : rawEvent(read);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const isKnown = this.setAside.some(
        (at) => at.topic === position.topic && at.partition === position.partition && at.offset === position.offset,
      );
      if (!isKnown) this.setAside.push({ ...position, reason });
      return undefined;
    }
  }

  private create(topic: string, partitions: number): void {
    this.partitions.set(
      topic,
      Array.from({ length: partitions }, () => ({ records: [], earliest: 0 })),
    );
    this.tell(topic);
  }

  private tell(topic: string): void {
    for (const wake of this.listeners) wake(topic);
  }
}

function withData(read: Omit<StoredEvent, 'data'>, decode: MemoryEventLogOptions['decode']): StoredEvent {
  try {
    return { ...read, ...decode(read) };
  } catch {
    return rawEvent(read);
  }
}

function endOf(partition: Partition): number {
  return partition.earliest + partition.records.length;
}

function noSuchTopic(topic: string): HeddleError {
  return new HeddleError('log-unavailable', `The topic ${topic} does not exist.`, { retryAfterSeconds: 5 });
}
