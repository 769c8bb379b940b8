import type { Span } from '../dispatch.js';
import type { CompiledFilter } from '../filters/filter.js';
import type { DispatchedEvent, ObjectState } from '../represent.js';
import { Availability } from './availability.js';
import { HeldLease } from './held-lease.js';
import { Holding } from './holding.js';
import { EXPIRED, type Item, isOver, newItem, redeliveryOf } from './item.js';
import { type Lane, LaneLocks } from './lanes.js';
import type { Lease, LeaseSource, Refusal, Released } from './lease.js';
import { nextAttempt } from './next-attempt.js';
import type { ChunkPut } from './parking.js';
import type { PartitionProgress, ProgressRecord } from './progress.js';
import { QueueProgress } from './queue-progress.js';
import type { GivenUp, ProgressChange, QueueHost, QueueStatistics, Restored } from './queue-host.js';
import type { QueueDefinition } from './queue.js';
import { NOTHING_COUNTED, type QueueCounts, statisticsOf } from './queue-statistics.js';
import { ReplayLanes } from './replay-lanes.js';
import type { SideLane } from './replay.js';

/**
 * One queue at work: it takes wanted events from spans of the log, leases them in its order, and knows its progress.
 * It decides and remembers; reading, storing and delivering are others' business.
 */
export class DeliveryQueue implements LeaseSource {
  readonly #progress: QueueProgress;
  readonly #holding: Holding;
  readonly #ends: ReadonlyMap<string, number>;
  readonly #available: Availability;
  readonly #side: SideLane | undefined;
  /** Shared with the side lanes of this queue. */
  readonly locks: LaneLocks;
  /** Side lanes that deliveries are taken from, too. */
  readonly beside = new ReplayLanes(() => this.#tell());
  #closed = false;
  #leased = 0;
  readonly #counts: QueueCounts = { ...NOTHING_COUNTED };

  constructor(
    public definition: QueueDefinition,
    public filter: CompiledFilter,
    restored: Restored | undefined,
    private readonly host: QueueHost,
    { chunkName, side, locks }: { chunkName: () => string; side?: SideLane; locks?: LaneLocks },
  ) {
    this.#side = side;
    this.#progress = new QueueProgress(() => this.definition, side);
    this.locks = locks ?? new LaneLocks();
    this.#available = new Availability(
      () => this.#look(),
      () => this.#holding.nextDueAt,
    );
    const hooks = {
      onParked: (item: Item) => this.#settleHot(item),
      onLotChanged: () => host.onParked(),
      onFree: () => this.#available.announce(),
    };
    const sharing = { chunkName, locks: this.locks };
    this.#holding = new Holding(definition.order, () => this.definition.maxInFlight, hooks, sharing);
    this.#holding.needsState = definition.shape === 'state';
    this.#ends = restored?.ends ?? new Map();
    if (restored !== undefined) this.#restore(restored);
  }

  /** Takes over a changed definition; the position stays. */
  redefine(definition: QueueDefinition, filter: CompiledFilter): void {
    this.definition = definition;
    this.filter = filter;
    this.#holding.needsState = definition.shape === 'state';
    this.#available.announce();
  }

  /** Calls back whenever something may be leased; returns how to end that. */
  onAvailable(listener: () => void): () => void {
    return this.#available.listen(listener);
  }

  /** The first offset of a partition whose event this queue has not read yet; Infinity where it ends before. */
  wantedFrom(topic: string, partition: number): number {
    return this.#progress.wantedFrom(topic, partition);
  }

  /** Whether it is for a window of the log that was looked at, with nothing of it left to be settled. */
  get isDrained(): boolean {
    return this.#holding.counts.held === 0 && this.#progress.isThrough;
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
    if (this.#look()) this.#tell();
    else this.#available.wakeWhenDue();
  }

  /**
   * Takes what it wants of a span, unless that begins after what is wanted next; less than all of it when it is full:
   * then the rest is to be offered again later.
   */
  take(span: Span, wants: (event: DispatchedEvent) => boolean): void {
    const progress = this.#progress.at(span.topic, span.partition);
    if (span.from > progress.nextWanted) return;
    const before = progress.through;
    let through = Math.min(span.to, this.#progress.endOf(span.topic, span.partition));
    for (const event of span.events) {
      const { offset } = event.stored;
      if (offset >= through) break;
      if (!progress.wants(offset) || this.#side?.wants(event.stored) === false || !wants(event)) continue;
      if (this.#holding.refuses(Date.now())) {
        through = offset;
        break;
      }
      this.#take(progress, event);
    }
    progress.advance(through);
    if (progress.through !== before) this.host.onProgress(span.topic, span.partition, 'passed');
    this.offered();
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

  /** Leases the next delivery, if one is ready: a live one, or one of a side lane. */
  acquire(): Lease | undefined {
    if (!this.isCurrent || this.definition.paused) return undefined;
    if (this.#leased + this.beside.leased >= this.definition.maxInFlight) return undefined;
    const now = Date.now();
    return this.beside.isEmpty ? this.#acquireOwn(now) : this.beside.share(now, () => this.#acquireOwn(now));
  }

  #acquireOwn(now: number): HeldLease | undefined {
    for (;;) {
      const lane = this.#holding.acquire(now);
      if (lane === undefined) {
        this.#available.wakeWhenDue();
        if (this.#holding.absentLanes > 0) this.host.onAbsent();
        return undefined;
      }
      const item = lane.items[lane.head]!;
      if (isOver(this.definition, item, now)) {
        this.#dropOver(lane, item);
        continue;
      }
      this.#leased += 1;
      return new HeldLease(this, this.host.shown(item.event!), lane, item, redeliveryOf(item, this.#ends));
    }
  }

  /** Gives up what is at the front and whose time is over: nobody may come for it. For a queue that has somewhere to put it. */
  dropOver(): void {
    if (!this.#look() || !this.isCurrent) return;
    const isWanted = (item: Item): boolean => isOver(this.definition, item, Date.now());
    let lane: Lane | undefined;
    while ((lane = this.#holding.acquireIf(isWanted)) !== undefined) this.#dropOver(lane, lane.items[lane.head]!);
  }

  /** The receiver has it: this delivery is done with. */
  accept(lease: Lease): void {
    const home = this.#homeOf(lease);
    if (home !== this) return home.accept(lease);
    const held = this.#end(lease);
    if (held === undefined) return;
    this.#counts.accepted += 1;
    this.#settle(held.held, held.item, 'accepted');
  }

  /** The attempt failed; the next one follows the schedule, unless there is none left: then it is a dead letter. */
  release(lease: Lease, refusal: Refusal): Released {
    const home = this.#homeOf(lease);
    if (home !== this) return home.release(lease, refusal);
    const held = this.#end(lease);
    if (held === undefined) return { state: 'dead', reason: 'settled before' };
    const { held: lane, item } = held;
    const now = Date.now();
    this.#counts.released += 1;
    if (refusal.countsAttempt !== false) item.attempts += 1;
    const next = nextAttempt(this.definition, item, refusal, now);
    if ('giveUp' in next) return this.#giveUp(lane, item, refusal, next.giveUp);
    const { dueAt } = next;
    if (item.parked === undefined) {
      this.#progress.at(item.topic, item.partition).retry(item.offset, item.attempts, dueAt);
      this.host.onProgress(item.topic, item.partition, 'outcome');
    }
    if (this.#holding.retry(lane, dueAt, now)) this.host.onRoom();
    this.#available.wakeWhenDue();
    this.#available.announce();
    return { state: 'waiting', dueAt };
  }

  /** The receiver will never take it: a dead letter at once. */
  reject(lease: Lease, refusal: Refusal): void {
    const home = this.#homeOf(lease);
    if (home !== this) return home.reject(lease, refusal);
    const held = this.#end(lease);
    if (held === undefined) return;
    if (refusal.countsAttempt !== false) held.item.attempts += 1;
    this.#giveUp(held.held, held.item, refusal, 'rejected');
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
    this.#available.announce();
  }

  /** Parks items that come from elsewhere than the log's end: a redrive. They are durable once `settled` resolves. */
  place(items: readonly { item: Item; dueAt: number }[]): void {
    this.#holding.place(items, Date.now());
    this.offered();
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
    if (isOver(this.definition, item, now)) return this.#dropOver(lane, item);
    const next = nextAttempt(this.definition, item, { reason, delayMs, countsAttempt: false }, now);
    if ('giveUp' in next) return void this.#giveUp(lane, item, { reason }, next.giveUp);
    if (this.#holding.retry(lane, next.dueAt, now)) this.host.onRoom();
    this.#available.wakeWhenDue();
  }

  /** Nothing is leased any more; what is leased may still be settled. */
  close(): void {
    this.#closed = true;
    this.#available.close();
    this.beside.close();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether it is at work here, and nobody else can own it. */
  get isCurrent(): boolean {
    return !this.#closed && this.host.isCurrent();
  }

  /** Whether something can be leased, of its side lanes too. */
  get hasReady(): boolean {
    return this.#holding.readyLanes > 0 || this.beside.hasReady;
  }

  get statistics(): QueueStatistics {
    return statisticsOf(this.#leased, this.#counts, this.#holding, this.#progress);
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

  #restore({ progress, parked, ended }: Restored): void {
    for (const { topic, partition, record } of progress) this.#progress.resume(topic, partition, record);
    for (const item of this.#holding.restore(parked, ended, Date.now())) {
      if (item.cycle === (this.#side?.cycle ?? '')) this.#progress.parked(item);
    }
    this.#progress.ended(ended);
  }

  #take(progress: PartitionProgress, event: DispatchedEvent): void {
    const { offset } = event.stored;
    const appendedAt = Math.max(event.stored.appendedAt, this.#side?.since ?? 0);
    const { attempts, dueAt } = progress.take(offset, appendedAt);
    this.#counts.taken += 1;
    this.#counts.takenBytes += event.stored.value.length;
    const item = newItem(event.stored, { appendedAt, cycle: this.#side?.cycle ?? '', attempts });
    this.#holding.add(item, event, dueAt, Date.now());
  }

  #dropOver(lane: Lane, item: Item): void {
    if (this.definition.deadLetterQueue !== undefined) return void this.#giveUp(lane, item, EXPIRED, 'expired');
    this.#counts.dropped += 1;
    this.host.onDropped(item.event!.stored, item.cycle);
    this.#settle(lane, item);
  }

  /** The lane that a lease is of: this one, or a side lane of it. */
  #homeOf(lease: Lease): LeaseSource {
    const { home, isOpen } = lease as HeldLease;
    if (home === this) return this;
    if (isOpen) this.beside.ended();
    this.#available.announce();
    return home;
  }

  #end(lease: Lease): HeldLease | undefined {
    const held = lease as HeldLease;
    if (!held.isOpen) return undefined;
    held.isOpen = false;
    this.#leased -= 1;
    return held;
  }

  #giveUp(lane: Lane, item: Item, refusal: Refusal, code: GivenUp['code']): Released {
    this.#counts.dead += 1;
    const { stored } = item.event!;
    this.host.onGivenUp({ stored, cycle: item.cycle, attempts: item.attempts, refusal, code });
    this.#settle(lane, item);
    return { state: 'dead', reason: code };
  }

  #settle(lane: Lane, item: Item, what: ProgressChange = 'outcome'): void {
    if (item.parked === undefined) this.#settleHot(item, what);
    if (this.#holding.settle(lane, Date.now())) this.host.onRoom();
    this.#available.announce();
  }

  #settleHot({ topic, partition, offset }: Item, what: ProgressChange = 'outcome'): void {
    this.#progress.at(topic, partition).settle(offset);
    this.host.onProgress(topic, partition, what);
  }

  /** Asks for what has to be read again; whether something can be leased. */
  #look(): boolean {
    this.#holding.wake(Date.now());
    if (this.#holding.absentLanes > 0) this.host.onAbsent();
    return !this.definition.paused && this.hasReady;
  }

  #tell(): void {
    if (!this.definition.paused) this.#available.tell();
  }
}
