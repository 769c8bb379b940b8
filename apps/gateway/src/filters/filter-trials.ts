import { setImmediate } from 'node:timers/promises';
import { type Caller, requirePermission } from '@heddle/auth';
import { type EventLog, type PartitionBounds, type StoredEvent, objectOf, tenantOf, typeMatcher } from '@heddle/event';
import { mayConsume } from '../queues/queue-rights.js';
import type { CompiledFilter, FilterExpression } from './filter.js';
import { compileFilter } from './filters.js';

export interface TrialRequest {
  filter: readonly FilterExpression[];
  /** Only events of these types are tried; exact, or with a trailing wildcard. All that the caller may have without. */
  types?: readonly string[] | undefined;
  /** How many events are tried, the newest. */
  last: number;
}

export interface TriedEvent {
  topic: string;
  partition: number;
  offset: number;
  id: string;
  type: string;
  key: string;
  /** RFC 3339, when the log took it. */
  appendedAt: string;
  matches: boolean;
  /** The path of the first part of the filter that did not hold, and what stood there instead. */
  reason?: string;
}

export interface TrialResult {
  /** Newest first. */
  events: TriedEvent[];
  matched: number;
  /** Whether it ended before it had as many as asked for, though the log has more. */
  isCut: boolean;
}

/** Events read for one trial, and how long it may take; a trial of rare types would read the whole log otherwise. */
const MAX_READ = 20_000;
const MAX_MS = 5000;
/** What a trial may keep the process busy with before everybody else has their turn. */
const TURN_MS = 10;
/** The events first fetched of each partition; the further back, the more at once. */
const FIRST_FETCH = 16;
const LAST_FETCH = 512;

/** Tries filters on stored events, so that nobody has to wait for new ones to see what a filter does. */
export class FilterTrials {
  constructor(
    private readonly eventLog: EventLog,
    private readonly topics: () => readonly string[],
    /** Shows somebody what of an event is for them. */
    private readonly seenBy: (caller: Caller, event: StoredEvent) => StoredEvent,
  ) {}

  /**
   * Tries events of the caller's tenant that it may consume, as it may see them.
   *
   * @throws HeddleError `permission-missing` for types it may not consume, `filter-invalid`, `parameter-invalid` (a type
   *   pattern), or `log-unavailable`
   */
  async run(caller: Caller, { filter, types, last }: TrialRequest): Promise<TrialResult> {
    const compiled = compileFilter(filter);
    const isAsked = typeMatcher(types ?? ['*']);
    for (const pattern of types ?? []) requirePermission(caller, 'consume', 'type', pattern);
    const wants = (event: StoredEvent): boolean => isAsked(event.attributes.type) && mayConsume(caller, event);
    const effort = new Effort();
    const tails = await this.#tails(caller.tenant, (event) =>
      wants(event) ? tried(compiled, this.seenBy(caller, event)) : undefined,
    );
    const events: TriedEvent[] = [];
    while (events.length < last) {
      await Promise.all(tails.map((tail) => tail.readBack(effort)));
      if (effort.isSpent) return resultOf(events, true);
      // Every tail shows its newest, so that the newest of these is the newest of all.
      const newest = tails.reduce<PartitionTail | undefined>(newer, undefined);
      if (newest === undefined) break;
      events.push(newest.take());
    }
    return resultOf(events, false);
  }

  async #tails(tenant: string, look: (event: StoredEvent) => TriedEvent | undefined): Promise<PartitionTail[]> {
    const topics = this.topics().filter((topic) => tenantOf(topic) === tenant);
    const ofTopics = await Promise.all(
      topics.map(async (topic) => {
        const bounds = await this.eventLog.bounds(topic);
        return bounds.map((one) => new PartitionTail(this.eventLog, topic, one, look));
      }),
    );
    return ofTopics.flat();
  }
}

/** What one trial has cost so far. */
class Effort {
  #read = 0;
  #until = performance.now() + MAX_MS;
  #turnUntil = performance.now() + TURN_MS;

  get isSpent(): boolean {
    return this.#read >= MAX_READ || performance.now() >= this.#until;
  }

  /** Counts an event; a promise if it is the turn of others. */
  count(): Promise<void> | undefined {
    this.#read += 1;
    if (performance.now() < this.#turnUntil) return undefined;
    return setImmediate().then(() => {
      this.#turnUntil = performance.now() + TURN_MS;
    });
  }
}

/** One partition, read backwards in steps. Of the events only what the answer says of them is kept. */
class PartitionTail {
  /** The newest last. */
  #ready: TriedEvent[] = [];
  #start: number;
  #step = FIRST_FETCH;

  constructor(
    private readonly eventLog: EventLog,
    private readonly topic: string,
    private readonly bounds: PartitionBounds,
    private readonly look: (event: StoredEvent) => TriedEvent | undefined,
  ) {
    this.#start = bounds.end;
  }

  get next(): TriedEvent | undefined {
    return this.#ready.at(-1);
  }

  take(): TriedEvent {
    return this.#ready.pop()!;
  }

  /** Reads back until there is something to take, or nothing left. */
  async readBack(effort: Effort): Promise<void> {
    while (this.#ready.length === 0 && this.#start > this.bounds.earliest && !effort.isSpent) {
      const end = this.#start;
      this.#start = Math.max(this.bounds.earliest, end - this.#step);
      this.#step = Math.min(LAST_FETCH, this.#step * 2);
      await this.#read(this.#start, end, effort);
    }
  }

  async #read(from: number, to: number, effort: Effort): Promise<void> {
    const { topic, bounds } = this;
    let offset = from;
    while (offset < to && !effort.isSpent) {
      const batch = await this.eventLog.fetch({ topic, partition: bounds.partition, offset });
      for (const event of batch.events) {
        if (event.offset >= to) return;
        const others = effort.count();
        if (others !== undefined) await others;
        if (effort.isSpent) return;
        const looked = this.look(event);
        if (looked !== undefined) this.#ready.push(looked);
      }
      if (batch.nextOffset <= offset) return;
      offset = batch.nextOffset;
    }
  }
}

function newer(best: PartitionTail | undefined, tail: PartitionTail): PartitionTail | undefined {
  if (tail.next === undefined) return best;
  return best?.next === undefined || tail.next.appendedAt > best.next.appendedAt ? tail : best;
}

function tried(filter: CompiledFilter, event: StoredEvent): TriedEvent {
  const { topic, partition, offset, key, attributes, appendedAt } = event;
  return {
    topic: objectOf(topic),
    partition,
    offset,
    id: attributes.id,
    type: attributes.type,
    key,
    appendedAt: new Date(appendedAt).toISOString(),
    ...filter.explain(event),
  };
}

function resultOf(events: TriedEvent[], isCut: boolean): TrialResult {
  return { events, matched: events.filter(({ matches }) => matches).length, isCut };
}
