import type { StoredEvent } from '@heddle/event';
import type { Span } from '../dispatch.js';
import type { CompiledFilter } from '../filters/filter.js';
import type { DispatchedEvent, ObjectState } from '../represent.js';
import { HeldLease } from './held-lease.js';
import { Holding } from './holding.js';
import type { Item } from './item.js';
import type { Lane, LaneLocks } from './lanes.js';
import type { Lease, LeaseSource, Refusal, Released } from './lease.js';
import type { ChunkPut } from './parking.js';
import type { PartitionProgress, ProgressRecord } from './progress.js';
import { QueueProgress } from './queue-progress.js';
import type { GivenUp, QueueHost, QueueStatistics, Restored } from './queue-host.js';
import { type QueueDefinition, attemptsOf, retryDelayMs } from './queue.js';

/**
 * One queue at work: it takes wanted events from spans of the log, leases them in its order, and knows its progress.
 * It decides and remembers; reading, storing and delivering are others' business.
 */
export class DeliveryQueue implements LeaseSource {
  readonly #progress = new QueueProgress(() => this.definition.start);
  readonly #holding: Holding;
  readonly #ends: ReadonlyMap<string, number>;
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #announced = false;
  #closed = false;
  #leased = 0;
  #counts = { taken: 0, accepted: 0, released: 0, dead: 0, dropped: 0 };

  constructor(
    public definition: QueueDefinition,
    public filter: CompiledFilter,
    restored: Restored | undefined,
    private readonly host: QueueHost,
    { chunkName, locks }: { chunkName: () => string; locks?: LaneLocks },
  ) {
    const hooks = { onParked: (item: Item) => this.#settleHot(item), onLotChanged: () => host.onParked() };
    this.#holding = new Holding(definition.order, () => this.definition.maxInFlight, hooks, { chunkName, locks });
    this.#holding.needsState = definition.shape === 'state';
    this.#ends = restored?.ends ?? new Map();
    if (restored !== undefined) this.#restore(restored);
  }

  /** Takes over a changed definition; the position stays. */
  redefine(definition: QueueDefinition, filter: CompiledFilter): void {
    this.definition = definition;
    this.filter = filter;
    this.#holding.needsState = definition.shape === 'state';
    this.#announce();
  }

  /** Calls back whenever something may be leased; returns how to end that. */
  onAvailable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first offset of a partition whose event this queue has not read yet. */
  wantedFrom(topic: string, partition: number): number {
    const next = this.#progress.at(topic, partition).nextWanted;
    return next >= this.endOf(topic, partition) ? Infinity : next;
  }

  /** Where this queue ends in a partition; for one made for a window of the log. */
  endOf(topic: string, partition: number): number {
    const { end } = this.definition;
    return end === undefined ? Infinity : (end[topic]?.[partition] ?? 0);
  }

  /** Takes an event that is wanted and next; false when the queue is full. For a queue that is level with the reader. */
  offer(event: DispatchedEvent): boolean {
    const { topic, partition, offset } = event.stored;
    const progress = this.#progress.at(topic, partition);
    if (!progress.wants(offset)) return true;
    if (this.#holding.refuses(Date.now())) {
      progress.advance(offset);
      return false;
    }
    this.#take(progress, event);
    return true;
  }

  /** Tells that the offered events of a span are over: what was taken may be leased. */
  offered(): void {
    if (this.#holding.absentLanes > 0) this.host.onAbsent();
    if (this.#holding.readyLanes > 0) this.#tell();
    else this.#wakeWhenDue();
  }

  /**
   * Takes what it wants of a span. Returns the offset up to which it did; less than the span's end when the queue is
   * full, or when the span begins after what is wanted next: then the rest is to be offered again later.
   */
  take(span: Span, wants: (event: StoredEvent) => boolean): number {
    const progress = this.#progress.at(span.topic, span.partition);
    if (span.from > progress.nextWanted) return progress.nextWanted;
    const end = this.endOf(span.topic, span.partition);
    const before = progress.through;
    for (const event of span.events) {
      const { offset } = event.stored;
      if (offset >= end) break;
      if (!progress.wants(offset) || !wants(event.stored)) continue;
      if (this.#holding.refuses(Date.now())) {
        progress.advance(offset);
        this.#passed(span, before);
        this.offered();
        return offset;
      }
      this.#take(progress, event);
    }
    progress.advance(Math.min(span.to, end));
    this.#passed(span, before);
    this.offered();
    return span.to >= end ? Infinity : progress.through;
  }

  /** A level queue has passed everything below, wanted or not. */
  pass(topic: string, partition: number, through: number): void {
    this.#progress.at(topic, partition).advance(through);
  }

  /** The log begins at `to` only. */
  lose(topic: string, partition: number, to: number): void {
    this.#progress.at(topic, partition).lose(to);
    this.host.onProgress(topic, partition, 'outcome');
  }

  /** Whether it takes no more until some of what it holds is settled. */
  get isFull(): boolean {
    return this.#holding.isFull;
  }

  /** Leases the next delivery, if one is ready. */
  acquire(): Lease | undefined {
    if (this.#closed || this.definition.paused || !this.host.isCurrent()) return undefined;
    if (this.#leased >= this.definition.maxInFlight) return undefined;
    const now = Date.now();
    for (;;) {
      const lane = this.#holding.acquire(now);
      if (lane === undefined) {
        this.#wakeWhenDue();
        if (this.#holding.absentLanes > 0) this.host.onAbsent();
        return undefined;
      }
      const item = lane.items[lane.head]!;
      if (this.#isOver(item, now)) {
        this.#dropOver(lane, item);
        continue;
      }
      this.#leased += 1;
      return new HeldLease(item.event!, lane, item, this.#redelivery(item));
    }
  }

  /** The receiver has it: this delivery is done with. */
  accept(lease: Lease): void {
    const held = this.#end(lease);
    if (held === undefined) return;
    this.#counts.accepted += 1;
    this.#settle(held.held, held.item);
  }

  /** The attempt failed; the next one follows the schedule, unless there is none left: then it is a dead letter. */
  release(lease: Lease, refusal: Refusal): Released {
    const held = this.#end(lease);
    if (held === undefined) return { state: 'dead', reason: 'settled before' };
    const { held: lane, item } = held;
    const { retry } = this.definition;
    const now = Date.now();
    this.#counts.released += 1;
    if (refusal.countsAttempt !== false) item.attempts += 1;
    const delay =
      refusal.delayMs ?? (refusal.countsAttempt === false ? 0 : retryDelayMs(retry, item.attempts, Math.random()));
    const dueAt = now + Math.max(delay, refusal.notBeforeMs ?? 0);
    if (refusal.countsAttempt !== false && item.attempts >= attemptsOf(retry)) {
      return this.#giveUp(lane, item, refusal.reason, 'exhausted');
    }
    if (dueAt > item.appendedAt + retry.maxAgeMs && item.cycle === '') {
      return this.#giveUp(lane, item, refusal.reason, 'too-old');
    }
    if (item.parked === undefined) {
      this.#progress.at(item.topic, item.partition).retry(item.offset, item.attempts, dueAt);
      this.host.onProgress(item.topic, item.partition, 'outcome');
    }
    this.#holding.retry(lane, dueAt, now);
    this.#wakeWhenDue();
    this.#announce();
    return { state: 'waiting', dueAt };
  }

  /** The receiver will never take it: a dead letter at once. */
  reject(lease: Lease, refusal: Refusal): void {
    const held = this.#end(lease);
    if (held === undefined) return;
    if (refusal.countsAttempt !== false) held.item.attempts += 1;
    this.#giveUp(held.held, held.item, refusal.reason, 'rejected');
  }

  settled(): Promise<void> {
    return this.host.settled();
  }

  /**
   * Lets go of everything that was appended below these offsets, per topic and partition; what is leased of it may
   * still be settled, to no effect.
   */
  purge(below: Readonly<Record<string, readonly number[]>>): void {
    this.#holding.purge(
      ({ topic, partition, offset, cycle }) => cycle === '' && offset >= (below[topic]?.[partition] ?? 0),
    );
    for (const [topic, offsets] of Object.entries(below)) {
      offsets.forEach((offset, partition) => {
        this.#progress.at(topic, partition).purge(offset);
        this.host.onProgress(topic, partition, 'outcome');
      });
    }
    this.host.onRoom();
    this.#announce();
  }

  /** Parks items that come from elsewhere than the log's end: a redrive. They are durable once `settled` resolves. */
  place(items: readonly { item: Item; dueAt: number }[]): void {
    this.#holding.place(items, Date.now());
    if (this.#holding.absentLanes > 0) this.host.onAbsent();
    this.#wakeWhenDue();
  }

  /** The next lanes whose event has to be read again, as far as there is room for them. */
  takeAbsent(limit: number): Lane[] {
    const { paused, shape } = this.definition;
    // Nobody gets the states of a paused queue, which would only grow old.
    if (paused && shape === 'state') return [];
    this.#holding.wake(Date.now());
    return this.#holding.takeAbsent(limit);
  }

  /** The event of a lane that `takeAbsent` gave could not be read yet. */
  absentAgain(lane: Lane): void {
    this.#holding.absentAgain(lane);
  }

  /** The event of an absent lane is here, with its object's state where that is wanted; or is gone from the log for good. */
  present(lane: Lane, event: DispatchedEvent | undefined, state?: ObjectState | null): void {
    if (event !== undefined) {
      this.#holding.present(lane, event, state);
      return;
    }
    const item = lane.items[lane.head]!;
    this.#progress.at(item.topic, item.partition).gone(item.offset);
    this.host.onProgress(item.topic, item.partition, 'outcome');
    this.#settle(lane, item);
  }

  /** The state to go with the event of an absent lane cannot be had now: that is no attempt, and ends by age only. */
  postpone(lane: Lane, event: DispatchedEvent, delayMs: number, reason: string): void {
    const item = lane.items[lane.head]!;
    const now = Date.now();
    this.#holding.hold(lane, event);
    if (this.#isOver(item, now)) return this.#dropOver(lane, item);
    const dueAt = now + delayMs;
    if (dueAt > item.appendedAt + this.definition.retry.maxAgeMs && item.cycle === '') {
      this.#giveUp(lane, item, reason, 'too-old');
      return;
    }
    this.#holding.retry(lane, dueAt, now);
    this.#wakeWhenDue();
  }

  /** Nothing is leased any more; what is leased may still be settled. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Deliveries held and not yet settled. */
  get held(): number {
    return this.#holding.counts.held;
  }

  get statistics(): QueueStatistics {
    const { held, waiting, parked } = this.#holding.counts;
    const ages = [this.#holding.oldestParkedAt, this.#progress.oldestAppendedAt].filter((at) => at !== undefined);
    return {
      ready: Math.max(0, held - this.#leased - waiting),
      leased: this.#leased,
      waiting,
      parked,
      ...this.#counts,
      oldestAppendedAt: ages.length === 0 ? undefined : Math.min(...ages),
      gaps: this.#progress.gaps,
    };
  }

  /** Its progress in a partition, as it is to be stored. */
  record(topic: string, partition: number, epoch: number): ProgressRecord {
    return this.#progress.at(topic, partition).record(epoch);
  }

  /** What is to be put for its parked items. */
  drainParked(): ChunkPut[] {
    const { tenant, name: queue, uuid } = this.definition;
    return this.#holding.drainParked({ tenant, queue, uuid });
  }

  undrainParked(puts: readonly ChunkPut[]): void {
    this.#holding.undrainParked(puts);
  }

  #restore({ progress, parked }: Restored): void {
    for (const { topic, partition, record } of progress) {
      this.#progress.resume(topic, partition, record);
    }
    for (const item of this.#holding.restore(parked, Date.now())) {
      if (item.cycle === '') this.#progress.at(item.topic, item.partition).parkedElsewhere(item.offset);
    }
  }

  #take(progress: PartitionProgress, event: DispatchedEvent): void {
    const { topic, partition, offset, key, appendedAt } = event.stored;
    const { attempts, dueAt } = progress.take(offset, appendedAt);
    this.#counts.taken += 1;
    this.#holding.add(
      {
        topic,
        partition,
        offset,
        origin: topic,
        key,
        appendedAt,
        cycle: '',
        event: undefined,
        attempts,
        parked: undefined,
      },
      event,
      dueAt,
      Date.now(),
    );
  }

  #dropOver(lane: Lane, item: Item): void {
    this.#counts.dropped += 1;
    this.host.onDropped(item.event!.stored, item.cycle);
    this.#settle(lane, item);
  }

  /** Whether the time to live of an event has ended: that of the queue, or its own. */
  #isOver({ appendedAt, event }: Item, now: number): boolean {
    const { ttlMs } = this.definition;
    if (ttlMs !== undefined && now > appendedAt + ttlMs) return true;
    const expiry = event!.stored.attributes['expirytime'];
    return expiry !== undefined && now > Date.parse(expiry);
  }

  #end(lease: Lease): HeldLease | undefined {
    const held = lease as HeldLease;
    if (!held.isOpen) return undefined;
    held.isOpen = false;
    this.#leased -= 1;
    return held;
  }

  #giveUp(lane: Lane, item: Item, reason: string, code: GivenUp['code']): Released {
    this.#counts.dead += 1;
    const { stored } = item.event!;
    this.host.onGivenUp({ stored, cycle: item.cycle, attempts: item.attempts, reason, code });
    this.#settle(lane, item);
    return { state: 'dead', reason: code };
  }

  #settle(lane: Lane, item: Item): void {
    if (item.parked === undefined) this.#settleHot(item);
    if (this.#holding.settle(lane, Date.now())) this.host.onRoom();
    this.#announce();
  }

  #settleHot({ topic, partition, offset }: Item): void {
    this.#progress.at(topic, partition).settle(offset);
    this.host.onProgress(topic, partition, 'outcome');
  }

  #passed({ topic, partition }: Span, before: number): void {
    if (this.#progress.at(topic, partition).through !== before) this.host.onProgress(topic, partition, 'passed');
  }

  /** After what settled or freed a lane: at the end of this turn, once for all that happened in it. */
  #announce(): void {
    if (this.#announced || this.#closed) return;
    this.#announced = true;
    setImmediate(() => {
      this.#announced = false;
      if (this.#holding.absentLanes > 0) this.host.onAbsent();
      if (this.#holding.readyLanes > 0) this.#tell();
    });
  }

  #tell(): void {
    if (this.#closed || this.definition.paused) return;
    for (const listener of this.#listeners) listener();
  }

  #wakeWhenDue(): void {
    const due = this.#holding.nextDueAt ?? Infinity;
    if (due === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    if (due === Infinity || this.#closed) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.#holding.wake(Date.now());
        if (this.#holding.absentLanes > 0) this.host.onAbsent();
        if (this.#holding.readyLanes > 0) this.#tell();
        this.#wakeWhenDue();
      },
      Math.min(Math.max(1, due - Date.now()), 2 ** 31 - 1),
    );
  }

  #redelivery({ topic, partition, offset, attempts, cycle }: Item): Lease['redelivery'] {
    if (attempts > 0 || cycle !== '') return 'yes';
    return offset < (this.#ends.get(`${topic}/${partition}`) ?? 0) ? 'maybe' : 'no';
  }
}
