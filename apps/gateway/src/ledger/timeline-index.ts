import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SQLInputValue } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { CONTROL_TOPICS, type EventLog, type FetchedBatch, HeddleError, type StoredEvent } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { BrokenIndex, TimelineThread } from './timeline-thread.js';
import type { Taken, TakenRecord } from './timeline-worker.js';

export interface TimelineOptions {
  /** The topics of business objects there are now. */
  objectTopics(): readonly string[];
  /** Where its file is kept; a temporary one when left out. */
  directory?: string | undefined;
  /** Milliseconds that events and attempts are kept in the index; the log keeps them by its own rules. */
  keepMs: number;
  /** Events, and attempts, that it has at most. */
  maxRows: number;
  /** Milliseconds between two looks at what is new, while nobody asks (2,000). */
  lookMs?: number;
}

/** How far the index is: what the log took before `at` (milliseconds since the epoch) is in it. */
export interface IndexedUpTo {
  at: number;
  /** False when the end of the log, as it stood when it was asked for, was not reached in time. */
  isComplete: boolean;
}

interface Place {
  kind: Taken['kind'];
  topic: string;
  partition: number;
  next: number;
  end: number;
  /** When the log took the last record that was taken in. */
  at: number;
  /** One step at a time; whoever comes meanwhile waits for it. */
  step: Promise<void> | undefined;
}

/** A look-up waits so long at most for the index to come to the end of the log. */
const CATCH_UP_MS = 5000;
/** Partitions that a look-up reads side by side. */
const SIDE_BY_SIDE = 4;
const LOOK_MS = 2000;
/** In the background a twentieth of the time is spent at most: after each step so many times as long is rested. */
const REST = 19;
/** A record of attempts has many of them; that an index further behind than it may have rows passes over the oldest. */
const ATTEMPTS_OF_RECORD = 100;
const PRUNE_EVERY_MS = 60_000;

const KINDS = new Map<string, Taken['kind']>([
  [CONTROL_TOPICS.attempts, 'attempts'],
  [CONTROL_TOPICS.deadLetters, 'dead-letters'],
  [CONTROL_TOPICS.operations, 'operations'],
  [CONTROL_TOPICS.audit, 'audit'],
]);

/**
 * Finds what the log has no key for: by event, by business key, by queue, outcome and time. It is local and disposable:
 * all of it is read from the log, by and by, and at once when somebody asks.
 */
export class TimelineIndex {
  readonly #places = new Map<string, Place>();
  readonly #stopping = new AbortController();
  #thread: TimelineThread;
  #begun: Promise<void> | undefined;
  #background: Promise<void> | undefined;
  #prunedAt = 0;
  /** Rises when the file is opened: what was read for an earlier one is not written into a later one. */
  #generation = 0;

  constructor(
    private readonly eventLog: EventLog,
    private readonly options: TimelineOptions,
    private readonly log: Log,
    private readonly newThread = () => new TimelineThread(),
  ) {
    this.#thread = newThread();
  }

  /** Opens what an earlier process left, and begins to read on. */
  async start(): Promise<void> {
    await this.#opened();
    this.#background ??= this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#background;
    await this.#thread.close();
  }

  /** Resolves when the index has come to the ends of these topics as they stand now, or after 5 s without that. */
  async caughtUp(topics: readonly string[]): Promise<IndexedUpTo> {
    const asked = Date.now();
    const deadline = asked + CATCH_UP_MS;
    await this.#opened();
    try {
      const behind = await this.#look(topics);
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => this.#advance(behind, deadline)));
    } catch (error) {
      this.log.warn({ event: 'index-behind', err: error }, 'the index could not be brought up to date');
      const known = this.#placesOf(topics);
      return { at: known.length === 0 ? 0 : earliest(known, asked), isComplete: false };
    }
    const lagging = this.#placesOf(topics).filter(({ next, end }) => next < end);
    return { at: earliest(lagging, asked), isComplete: lagging.length === 0 };
  }

  /** Rows of a query of SQLite. */
  async read<Row>(sql: string, values: SQLInputValue[]): Promise<Row[]> {
    await this.#opened();
    return this.#thread.read<Row>(sql, values);
  }

  #opened(): Promise<void> {
    if (this.#thread.isClosed && !this.#stopping.signal.aborted) {
      // It died, of a lack of memory say: another one reads on.
      this.#thread = this.newThread();
      this.#begun = undefined;
    }
    this.#begun ??= this.#open(false).catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
    return this.#begun;
  }

  async #open(isFresh: boolean): Promise<void> {
    const { directory } = this.options;
    if (directory !== undefined) await mkdir(directory, { recursive: true });
    const file = directory === undefined ? '' : join(directory, 'timeline.sqlite');
    this.#generation += 1;
    this.#places.clear();
    for (const { topic, partition, next, at } of await this.#thread.open(file, isFresh)) {
      const place = { kind: kindOf(topic), topic, partition, next, end: next, at, step: undefined };
      this.#places.set(`${topic}/${partition}`, place);
    }
  }

  /** Notes the ends of all partitions as they are now; those that the index has not come to. */
  async #look(topics: readonly string[]): Promise<Place[]> {
    // Others read on meanwhile, and may come past the ends that are answered here.
    const generation = this.#generation;
    const reached = new Map([...this.#places].map(([name, { next }]) => [name, next]));
    const looked = await Promise.all(
      topics.map(async (topic) => ({ topic, bounds: await this.eventLog.bounds(topic) })),
    );
    const behind: Place[] = [];
    for (const { topic, bounds } of looked) {
      const isNew = bounds.some(({ partition }) => !this.#places.has(`${topic}/${partition}`));
      const from = isNew ? await this.#startOf(topic) : [];
      for (const { partition, earliest: first, end } of bounds) {
        const name = `${topic}/${partition}`;
        let place = this.#places.get(name);
        if (generation === this.#generation && (reached.get(name) ?? 0) > end) {
          this.log.warn({ event: 'index-stale', topic, partition }, 'the log was made anew, and so is the index');
          await this.#open(true);
          return this.#look(topics);
        }
        if (place === undefined) {
          const next = Math.max(first, from[partition] ?? first);
          place = { kind: kindOf(topic), topic, partition, next, end, at: 0, step: undefined };
          this.#places.set(name, place);
        }
        place.end = end;
        place.next = Math.max(place.next, first, end - this.#mostBehind(place.kind));
        if (place.next < end) behind.push(place);
      }
    }
    return behind;
  }

  /** Records of a partition that are worth reading: more would push themselves out of the index again. */
  #mostBehind(kind: Taken['kind']): number {
    const { maxRows } = this.options;
    if (kind === 'events') return maxRows;
    return kind === 'attempts' ? Math.ceil(maxRows / ATTEMPTS_OF_RECORD) : Infinity;
  }

  /** What would be forgotten at once is not read. Dead letters and audit are kept for as long as the log has them. */
  async #startOf(topic: string): Promise<number[]> {
    const kind = kindOf(topic);
    if (kind === 'dead-letters' || kind === 'audit') return [];
    return this.eventLog.offsetsAt(topic, Date.now() - this.options.keepMs);
  }

  /** Takes partitions from the list, each to its end. */
  async #advance(behind: Place[], deadline: number): Promise<void> {
    for (let place = behind.shift(); place !== undefined; place = behind.shift()) {
      const { end } = place;
      while (place.next < end && Date.now() < deadline && !this.#stopping.signal.aborted) {
        const before = place.next;
        await this.#step(place);
        if (place.next === before) break;
      }
    }
  }

  /** One fetch of one partition, taken in. */
  #step(place: Place): Promise<void> {
    place.step ??= this.#takeNext(place).finally(() => (place.step = undefined));
    return place.step;
  }

  async #takeNext(place: Place): Promise<void> {
    const { kind, topic, partition, next: offset } = place;
    const generation = this.#generation;
    const batch: FetchedBatch = await this.eventLog.fetch({ topic, partition, offset });
    if (batch.nextOffset <= offset || generation !== this.#generation) return;
    const hasBytes = kind !== 'events' && kind !== 'dead-letters';
    const records = batch.events.map((event) => recordOf(event, hasBytes));
    try {
      await this.#thread.take({ kind, topic, partition, next: batch.nextOffset, records });
    } catch (error) {
      if (error instanceof BrokenIndex) await this.#open(true);
      throw error;
    }
    place.next = batch.nextOffset;
    place.end = Math.max(place.end, batch.end);
    place.at = Math.max(place.at, records.at(-1)?.appendedAt ?? 0);
  }

  /** Reads on for as long as the process runs, and leaves nearly all of the time to others. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#opened();
        const behind = await this.#look([...KINDS.keys(), ...this.options.objectTopics()]);
        for (const place of behind) {
          while (place.next < place.end && !signal.aborted) {
            const before = place.next;
            const begun = performance.now();
            await this.#step(place);
            if (place.next === before) break;
            await this.#rest((performance.now() - begun) * REST);
          }
        }
        await this.#prune();
      } catch (error) {
        if (!signal.aborted) this.log.warn({ event: 'index-behind', err: error }, 'the index could not be read on');
      }
      await this.#rest(this.options.lookMs ?? LOOK_MS);
    }
  }

  async #prune(): Promise<void> {
    if (Date.now() < this.#prunedAt + PRUNE_EVERY_MS) return;
    this.#prunedAt = Date.now();
    const isMore = (): Promise<boolean> => this.#thread.prune(Date.now() - this.options.keepMs, this.options.maxRows);
    while (!this.#stopping.signal.aborted && (await isMore())) await this.#rest(LOOK_MS);
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
  }

  #placesOf(topics: readonly string[]): Place[] {
    return [...this.#places.values()].filter(({ topic }) => topics.includes(topic));
  }
}

/** What a look-up of nothing answers with: not there, or not yet known to be there. */
export function nothingFound(what: string, upTo: IndexedUpTo): HeddleError {
  if (upTo.isComplete) return new HeddleError('not-found', `There is no ${what}.`);
  const at = new Date(upTo.at).toISOString();
  return new HeddleError('index-behind', `The index has come to ${at} and has no ${what} so far.`, {
    retryAfterSeconds: 5,
  });
}

function kindOf(topic: string): Taken['kind'] {
  return KINDS.get(topic) ?? 'events';
}

/** The earliest time up to which one of these was taken in. */
function earliest(lagging: readonly Place[], otherwise: number): number {
  return lagging.reduce((least, { at }) => Math.min(least, at), otherwise);
}

function recordOf(event: StoredEvent, hasBytes: boolean): TakenRecord {
  const { offset, appendedAt, key, attributes, notes } = event;
  const { id, source, type, time } = attributes;
  const value = hasBytes ? event.value : undefined;
  return { offset, appendedAt, id, source, type, key, time, bytes: event.value.length, notes, value };
}
