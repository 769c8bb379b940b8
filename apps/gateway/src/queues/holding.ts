import type { DispatchedEvent, ObjectState } from '../represent.js';
import type { Item } from './item.js';
import { type Lane, type LaneLocks, Lanes } from './lanes.js';
import { type ChunkPut, type ParkedItem, ParkingLot } from './parking.js';
import type { QueueOrder } from './queue.js';

/**
 * Events in memory, and bytes of their data, that a queue holds at most beyond those that are leased; further ones stay
 * in the log until there is room.
 */
const MAX_PRESENT = 4000;
const MAX_PRESENT_BYTES = 32 * 1024 * 1024;
/** Bytes of states beyond which no further ones are fetched; they count among those above, too. */
const MAX_STATE_BYTES = 16 * 1024 * 1024;
/** Room kept for events that are read again, so that what waits in the log cannot keep them out. */
const ABSENT_ROOM = 500;
/** What is parked in all; beyond it the queue stops taking and its position stays. */
const MAX_PARKED = 2_000_000;
/** A delivery that waits longer than this is parked. */
const PARK_AFTER_MS = 5000;
/** How often a full queue looks for what it could park. */
const MAKE_ROOM_MS = 1000;

export interface HoldingHooks {
  /** This item was parked; until now it counted as unsettled at its offset. */
  onParked(item: Item): void;
  /** Something parked has changed and is to be stored. */
  onLotChanged(): void;
  /** What another lane of the queue held up can be leased now. */
  onFree(): void;
}

/**
 * What a queue holds: its lanes, and which of their items are in memory, and which are parked. What has to wait long
 * is parked with everything behind it, so that a receiver that fails holds up neither the offset nor memory.
 */
export class Holding {
  readonly #lanes: Lanes;
  readonly #lot: ParkingLot;
  #present = 0;
  #presentBytes = 0;
  #stateBytes = 0;
  #isFull = false;
  #madeRoomAt = 0;

  constructor(
    private readonly order: QueueOrder,
    private readonly maxLeased: () => number,
    private readonly hooks: HoldingHooks,
    { chunkName, locks }: { chunkName: () => string; locks: LaneLocks | undefined },
  ) {
    this.#lanes = new Lanes(locks, () => hooks.onFree());
    this.#lot = new ParkingLot(chunkName);
  }

  /** Whether an item is leased only with its object's state. */
  set needsState(needsState: boolean) {
    this.#lanes.needsState = needsState;
  }

  get counts(): { held: number; waiting: number; parked: number } {
    return { held: this.#lanes.count, waiting: this.#lanes.waitingItems, parked: this.#lot.count };
  }

  get oldestParkedAt(): number | undefined {
    return this.#lot.oldestAppendedAt;
  }

  get readyLanes(): number {
    return this.#lanes.readyLanes;
  }

  get absentLanes(): number {
    return this.#lanes.absentLanes;
  }

  get nextDueAt(): number | undefined {
    return this.#lanes.nextDueAt;
  }

  /** Whether nothing more is taken until some of what is held is settled. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether there is no room for another event; looks for what can be parked before it says so. */
  refuses(now: number): boolean {
    if (this.#hasRoom()) return false;
    if (now - this.#madeRoomAt > MAKE_ROOM_MS && this.#lanes.readyLanes === 0) {
      this.#madeRoomAt = now;
      this.#parkBlocked();
      if (this.#hasRoom()) return false;
    }
    this.#isFull = true;
    return true;
  }

  /** Takes an event behind those of its lane; it is parked at once where those have to wait long. */
  add(item: Item, event: DispatchedEvent, dueAt: number, now: number): void {
    this.#hold(item, event);
    const lane = this.#lanes.add(this.#laneOf(item), item, dueAt, now);
    if (this.order === 'queue') return;
    const isBehindParked = lane.items.at(-2)?.parked !== undefined;
    if (isBehindParked || (lane.state === 'waiting' && lane.dueAt - now > PARK_AFTER_MS)) this.#park(item, dueAt);
  }

  /** Puts back what an earlier owner parked. */
  restore(parked: readonly ((lot: ParkingLot) => ParkedItem[])[], ended: ReadonlySet<string>, now: number): Item[] {
    const items = parked
      .flatMap((restore) => restore(this.#lot))
      .filter(({ item }) => {
        if (!ended.has(`${item.topic}/${item.partition}/${item.offset}`)) return true;
        this.#lot.settle(item);
        return false;
      });
    // In log order, so that each lane is rebuilt in the order its events came; what was redriven comes after.
    items.sort(({ item: a }, { item: b }) => Number(a.cycle !== '') - Number(b.cycle !== '') || a.offset - b.offset);
    for (const { item, dueAt } of items) this.#lanes.add(this.#laneOf(item), item, dueAt, now);
    return items.map(({ item }) => item);
  }

  /** Parks items whose events are elsewhere in the log; each is ready when it is due. */
  place(items: readonly { item: Item; dueAt: number }[], now: number): void {
    for (const { item, dueAt } of items) {
      this.#lot.park(item, dueAt);
      this.#lanes.add(this.#laneOf(item), item, dueAt, now);
    }
    this.hooks.onLotChanged();
  }

  acquire(now: number): Lane | undefined {
    return this.#lanes.acquire(now);
  }

  /** Leases the lane that is next, if its item is one of these. */
  acquireIf(isWanted: (item: Item) => boolean): Lane | undefined {
    return this.#lanes.acquireIf(isWanted);
  }

  wake(now: number): void {
    this.#lanes.wake(now);
  }

  /** The leased item of a lane waits for its next attempt, and its lane with it. Returns what `settle` does. */
  retry(lane: Lane, dueAt: number, now: number): boolean {
    const item = lane.items[lane.head]!;
    if (item.parked !== undefined) {
      this.#lot.park(item, dueAt);
      this.hooks.onLotChanged();
    }
    // By then there may be a newer one; until then it only takes room.
    this.#attach(item, undefined);
    this.#lanes.retry(lane, dueAt, now);
    if (dueAt - now > PARK_AFTER_MS && this.order !== 'queue') this.#parkFrom(lane, lane.head, dueAt);
    return this.#hasRoomAgain();
  }

  /** The first item of a lane is done with. Returns whether there is room again after it was full. */
  settle(lane: Lane, now: number): boolean {
    const item = lane.items[lane.head]!;
    this.#drop(item);
    if (item.parked !== undefined) {
      this.#lot.settle(item);
      this.hooks.onLotChanged();
    }
    this.#lanes.settle(lane, now);
    return this.#hasRoomAgain();
  }

  /** The next lanes whose event has to be read again, as far as there is room for them. */
  takeAbsent(limit: number): Lane[] {
    const lanes: Lane[] = [];
    if (this.#stateBytes >= MAX_STATE_BYTES) return lanes;
    while (lanes.length < limit && this.#present + lanes.length < this.#maxPresent + ABSENT_ROOM) {
      const lane = this.#lanes.takeAbsent();
      if (lane === undefined) break;
      lanes.push(lane);
    }
    return lanes;
  }

  absentAgain(lane: Lane): void {
    this.#lanes.absentAgain(lane);
  }

  /** The event of an absent lane is here, with the state that goes with it where one has to. */
  present(lane: Lane, event: DispatchedEvent, state: ObjectState | null | undefined): void {
    const item = lane.items[lane.head]!;
    this.#hold(item, event);
    this.#attach(item, state);
    this.#lanes.present(lane);
  }

  /** Keeps the event of an absent lane, which is not to be leased yet. */
  hold(lane: Lane, event: DispatchedEvent): void {
    this.#hold(lane.items[lane.head]!, event);
  }

  /** Lets go of every item that is not kept; what is leased ends by itself. */
  purge(isKept: (item: Item) => boolean): void {
    this.#lanes.purge((item) => {
      if (isKept(item)) return true;
      this.#drop(item);
      this.#lot.settle(item);
      return false;
    });
    this.hooks.onLotChanged();
    if (this.#hasRoom()) this.#isFull = false;
  }

  drainParked(owner: { tenant: string; queue: string; uuid: string }): ChunkPut[] {
    return this.#lot.isDirty ? this.#lot.drain(owner) : [];
  }

  undrainParked(puts: readonly ChunkPut[]): void {
    this.#lot.undrain(puts);
  }

  get #maxPresent(): number {
    return MAX_PRESENT + this.maxLeased();
  }

  /** Whether it was full, and half of the room is free now: by settling, or by parking. */
  #hasRoomAgain(): boolean {
    const isStillFull = this.#present >= this.#maxPresent / 2 || this.#presentBytes >= MAX_PRESENT_BYTES / 2;
    if (!this.#isFull || isStillFull) return false;
    this.#isFull = false;
    return true;
  }

  #hasRoom(): boolean {
    return this.#present < this.#maxPresent && this.#presentBytes < MAX_PRESENT_BYTES && this.#lot.count < MAX_PARKED;
  }

  /** Empty where no order is kept: each item is a lane of its own. */
  #laneOf(item: Item): string {
    if (this.order === 'none') return '';
    return this.order === 'queue' ? '*' : `${item.origin}/${item.key}`;
  }

  #parkFrom(lane: Lane, from: number, dueAt: number): void {
    for (let index = from; index < lane.items.length; index += 1) {
      const item = lane.items[index]!;
      if (item.parked === undefined) this.#park(item, index === lane.head ? dueAt : 0);
      else this.#drop(item);
    }
  }

  /** What stands behind an item that is being worked on, or has to wait. */
  #parkBlocked(): void {
    if (this.order === 'queue') return;
    for (const lane of this.#lanes.blocked()) this.#parkFrom(lane, lane.head + 1, 0);
  }

  #park(item: Item, dueAt: number): void {
    this.#lot.park(item, dueAt);
    this.#drop(item);
    this.hooks.onParked(item);
    this.hooks.onLotChanged();
  }

  #attach(item: Item, state: ObjectState | null | undefined): void {
    if (item.state === state) return;
    const bytes = (state?.bytes ?? 0) - (item.state?.bytes ?? 0);
    item.state = state;
    this.#stateBytes += bytes;
    this.#presentBytes += bytes;
  }

  #hold(item: Item, event: DispatchedEvent): void {
    if (item.event !== undefined) return;
    item.event = event;
    this.#present += 1;
    this.#presentBytes += event.stored.value.length;
  }

  #drop(item: Item): void {
    if (item.event === undefined) return;
    this.#present -= 1;
    this.#presentBytes -= item.event.stored.value.length;
    this.#attach(item, undefined);
    item.event = undefined;
  }
}
