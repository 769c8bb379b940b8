import { type TypeMatcher, typeMatcher } from '@heddle/event';
import type { Span } from '../dispatch.js';
import type { DispatchedEvent } from '../represent.js';
import { KeyLanes } from './key-lanes.js';
import { PartitionProgress, type ProgressRecord } from './progress.js';
import { type QueueDefinition, retryDelayMs } from './queue.js';

/** The right to work on one event. It ends in exactly one of `accept` and `release` of its queue. */
export interface Lease {
  event: DispatchedEvent;
  key: string;
  /** This attempt, the first is 1. */
  attempt: number;
  /** Whether the receiver has had this event before: surely, perhaps (another owner may have tried it), or not. */
  redelivery: 'yes' | 'maybe' | 'no';
}

/** A queue holds at most this many unsettled events in memory; further ones stay in the log until there is room. */
const MAX_HELD = 2000;

export interface DeliveryQueueEvents {
  /** Something can be leased now. */
  onAvailable(): void;
  /**
   * The progress of a partition has changed and is to be stored: soon after an outcome, for a crash before that means
   * a repeat; at leisure when events were only passed over, for they are cheap to pass over again.
   */
  onProgress(topic: string, partition: number, what: 'outcome' | 'passed'): void;
  /** There is room again after the queue was full. */
  onRoom(): void;
}

/**
 * One queue at work: it takes wanted events from spans of the log, leases them in order per key, and knows its
 * progress. It decides and remembers; reading, storing and delivering are others' business.
 */
export class DeliveryQueue {
  readonly #progress = new Map<string, PartitionProgress>();
  readonly #lanes = new KeyLanes();
  readonly #perhapsBefore: ReadonlyMap<string, number>;
  #matches: TypeMatcher;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  #leased = 0;
  #lost = 0;
  #wasFull = false;

  /**
   * @param ends where the log ended, per `topic/partition`, when this owner took over: events below may have been
   *   delivered by an earlier owner that did not get to say so
   */
  constructor(
    public definition: QueueDefinition,
    records: readonly { topic: string; partition: number; record: ProgressRecord }[],
    ends: ReadonlyMap<string, number>,
    private readonly events: DeliveryQueueEvents,
  ) {
    this.#matches = typeMatcher(definition.types);
    this.#perhapsBefore = ends;
    for (const { topic, partition, record } of records) {
      this.#progress.set(`${topic}/${partition}`, PartitionProgress.resume(record));
    }
  }

  /** Takes over a changed definition; the position stays. */
  redefine(definition: QueueDefinition): void {
    this.definition = definition;
    this.#matches = typeMatcher(definition.types);
  }

  /** The first offset of a partition whose event this queue has not read yet. */
  wantedFrom(topic: string, partition: number): number {
    return this.#partition(topic, partition).nextWanted;
  }

  /**
   * Takes what it wants of a span. Returns the offset up to which it did; less than the span's end when the queue is
   * full, or when the span begins after what is wanted next: then the rest is to be offered again later.
   */
  take(span: Span): number {
    const progress = this.#partition(span.topic, span.partition);
    if (span.from > progress.nextWanted) return progress.nextWanted;
    const before = progress.through;
    for (const event of span.events) {
      const { offset, key } = event.stored;
      if (!progress.wants(offset)) continue;
      if (!this.#matches(event.stored.attributes.type)) continue;
      if (this.#lanes.count >= MAX_HELD) {
        this.#wasFull = true;
        this.#lost += progress.advance(offset);
        this.#changed(span, before);
        return offset;
      }
      const { attempts, dueAt } = progress.take(offset);
      this.#lanes.add(`${span.topic}/${key}`, { event, attempts }, dueAt);
    }
    this.#lost += progress.advance(span.to);
    this.#changed(span, before);
    return progress.through;
  }

  /** Whether it takes no more until some of what it holds is settled. */
  get isFull(): boolean {
    return this.#wasFull;
  }

  /** Leases the next event, if one is ready. */
  acquire(): Lease | undefined {
    if (this.#paused) return undefined;
    const next = this.#lanes.acquire(Date.now());
    if (next === undefined) {
      this.#wakeWhenDue();
      return undefined;
    }
    this.#leased += 1;
    const { key, item } = next;
    return {
      event: item.event,
      key,
      attempt: item.attempts + 1,
      redelivery: this.#redelivery(item.event, item.attempts),
    };
  }

  /** The receiver has it: this event is done with. */
  accept(lease: Lease): void {
    const { topic, partition, offset } = lease.event.stored;
    this.#leased -= 1;
    this.#partition(topic, partition).settle(offset);
    this.#lanes.settle(lease.key);
    this.events.onProgress(topic, partition, 'outcome');
    if (this.#wasFull && this.#lanes.count < MAX_HELD / 2) {
      this.#wasFull = false;
      this.events.onRoom();
    }
  }

  /** The attempt failed; the next one follows the schedule, but not before `notBeforeMs` from now. */
  release(lease: Lease, notBeforeMs = 0): { dueAt: number } {
    const { topic, partition, offset } = lease.event.stored;
    this.#leased -= 1;
    const delay = Math.max(notBeforeMs, retryDelayMs(this.definition.retry, lease.attempt, Math.random()));
    const dueAt = Date.now() + delay;
    this.#partition(topic, partition).retry(offset, lease.attempt, dueAt);
    this.#lanes.retry(lease.key, dueAt, lease.attempt);
    this.events.onProgress(topic, partition, 'outcome');
    this.#wakeWhenDue();
    return { dueAt };
  }

  /** Nothing is leased any more; what is leased may still be settled. */
  close(): void {
    this.#paused = true;
    clearTimeout(this.#timer);
  }

  get statistics(): { held: number; leased: number; waitingKeys: number; readyKeys: number; lost: number } {
    return {
      held: this.#lanes.count,
      leased: this.#leased,
      waitingKeys: this.#lanes.waitingKeys,
      readyKeys: this.#lanes.readyKeys,
      lost: this.#lost,
    };
  }

  /** Its progress in a partition, as it is to be stored. */
  record(topic: string, partition: number, epoch: number): ProgressRecord {
    return this.#partition(topic, partition).record(epoch);
  }

  #changed(span: Span, before: number): void {
    if (this.#partition(span.topic, span.partition).through !== before) {
      this.events.onProgress(span.topic, span.partition, 'passed');
    }
    if (this.#lanes.readyKeys > 0) this.events.onAvailable();
    else this.#wakeWhenDue();
  }

  #wakeWhenDue(): void {
    clearTimeout(this.#timer);
    const due = this.#lanes.nextDueAt;
    if (due === undefined || this.#paused) return;
    this.#timer = setTimeout(() => this.events.onAvailable(), Math.max(1, due - Date.now()));
  }

  #redelivery(event: DispatchedEvent, attempts: number): Lease['redelivery'] {
    if (attempts > 0) return 'yes';
    const { topic, partition, offset } = event.stored;
    return offset < (this.#perhapsBefore.get(`${topic}/${partition}`) ?? 0) ? 'maybe' : 'no';
  }

  #partition(topic: string, partition: number): PartitionProgress {
    const name = `${topic}/${partition}`;
    let progress = this.#progress.get(name);
    if (progress === undefined) {
      progress = new PartitionProgress(this.definition.start[topic]?.[partition] ?? 0);
      this.#progress.set(name, progress);
    }
    return progress;
  }
}
