import { DueHeap } from './due-heap.js';
import type { Item } from './item.js';

/** What is leased one at a time, in the order it came. */
export interface Lane {
  /** Empty where no order is kept: each item is a lane of its own. */
  readonly name: string;
  items: Item[];
  head: number;
  state: 'ready' | 'absent' | 'reading' | 'leased' | 'waiting' | 'locked';
  dueAt: number;
}

/** Lanes of the same name that may not be leased at the same time, though they are of several sources of one queue. */
export class LaneLocks {
  /** Who waits for each name that is held; nobody, for nearly all of them. */
  #held = new Map<string, (() => void)[] | undefined>();

  /** Holds a name; false when it is held already. */
  hold(name: string): boolean {
    if (this.#held.has(name)) return false;
    this.#held.set(name, undefined);
    return true;
  }

  /** Calls back when a name that is held is free. */
  onceFree(name: string, callback: () => void): void {
    const waiting = this.#held.get(name);
    if (waiting === undefined) this.#held.set(name, [callback]);
    else waiting.push(callback);
  }

  free(name: string): void {
    const waiting = this.#held.get(name);
    this.#held.delete(name);
    for (const callback of waiting ?? []) callback();
  }
}

/** Of five leases, so many are first attempts where both those and repeats are ready. */
const FRESH_SHARE = 4;

/** A list that is taken from at its front. */
class Line {
  #lanes: Lane[] = [];
  #head = 0;

  get length(): number {
    return this.#lanes.length - this.#head;
  }

  get first(): Lane | undefined {
    return this.#lanes[this.#head];
  }

  push(lane: Lane): void {
    this.#lanes.push(lane);
  }

  /** Everything in it; it is empty afterwards. */
  drain(): Lane[] {
    const lanes = this.#lanes.slice(this.#head);
    this.#lanes = [];
    this.#head = 0;
    return lanes;
  }

  shift(): Lane | undefined {
    const lane = this.#lanes[this.#head];
    if (lane === undefined) return undefined;
    this.#head += 1;
    if (this.#head === this.#lanes.length) {
      this.#lanes.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#lanes.length) {
      this.#lanes = this.#lanes.slice(this.#head);
      this.#head = 0;
    }
    return lane;
  }
}

/**
 * Order: of each lane one item at most is leased, in the order they came; a lane whose item has to wait holds back only
 * itself. Lanes that are ready take turns, first attempts before repeats four times out of five.
 */
export class Lanes {
  /** Whether an item is leased only with its object's state. */
  needsState = false;
  #named = new Map<string, Lane>();
  #fresh = new Line();
  #again = new Line();
  #absent = new Line();
  #waiting = new DueHeap<Lane>();
  #sinceAgain = 0;
  #count = 0;
  #waitingItems = 0;

  /** @param onFree a lane that another source of the queue held up can be leased now */
  constructor(
    private readonly locks: LaneLocks | undefined,
    private readonly onFree: () => void = () => undefined,
  ) {}

  /** Items held, leased ones included. */
  get count(): number {
    return this.#count;
  }

  /** Items that wait for a time to come, their own or that of the one before them in their lane. */
  get waitingItems(): number {
    return this.#waitingItems;
  }

  get readyLanes(): number {
    return this.#fresh.length + this.#again.length;
  }

  /** Lanes that could be leased if the event of their first item were in memory, with what has to go with it. */
  get absentLanes(): number {
    return this.#absent.length;
  }

  /** When the earliest waiting lane is due, in milliseconds since the epoch. */
  get nextDueAt(): number | undefined {
    return this.#waiting.earliest?.dueAt;
  }

  /** Adds an item behind those of its lane; `dueAt` is when its next attempt may begin. */
  add(name: string, item: Item, dueAt: number, now: number): Lane {
    this.#count += 1;
    const lane = name === '' ? undefined : this.#named.get(name);
    if (lane !== undefined) {
      lane.items.push(item);
      if (lane.state === 'waiting') this.#waitingItems += 1;
      return lane;
    }
    const fresh: Lane = { name, items: [item], head: 0, state: 'ready', dueAt };
    if (name !== '') this.#named.set(name, fresh);
    this.#place(fresh, dueAt, now);
    return fresh;
  }

  /** Leases the next lane that is ready at a time. */
  acquire(now: number): Lane | undefined {
    this.wake(now);
    for (;;) {
      const lane = this.#next();
      if (lane === undefined) return undefined;
      // It was ready before states were asked for.
      if (this.#isAbsent(lane)) {
        this.#makeReady(lane);
        continue;
      }
      if (!this.#lock(lane)) continue;
      lane.state = 'leased';
      return lane;
    }
  }

  /** Leases a lane at the front, if its item is one of these; the others stay where they are. */
  acquireIf(isWanted: (item: Item) => boolean): Lane | undefined {
    for (const line of [this.#fresh, this.#again]) {
      const { first } = line;
      if (first === undefined || this.#isAbsent(first) || !isWanted(first.items[first.head]!)) continue;
      line.shift();
      if (!this.#lock(first)) continue;
      first.state = 'leased';
      return first;
    }
    return undefined;
  }

  /** Makes ready what is due. */
  wake(now: number): void {
    while ((this.#waiting.earliest?.dueAt ?? Infinity) <= now) {
      const due = this.#waiting.pop();
      if (due === undefined) return;
      this.#waitingItems -= due.items.length - due.head;
      this.#makeReady(due);
    }
  }

  /** The leased item of a lane is done with. */
  settle(lane: Lane, now: number): void {
    this.#unlock(lane);
    this.#count -= 1;
    lane.head += 1;
    if (lane.head === lane.items.length) {
      if (lane.name !== '') this.#named.delete(lane.name);
      return;
    }
    if (lane.head > 32) {
      lane.items = lane.items.slice(lane.head);
      lane.head = 0;
    }
    this.#place(lane, 0, now);
  }

  /** The leased item of a lane is to be tried again at a time; its lane waits for it. */
  retry(lane: Lane, dueAt: number, now: number): void {
    this.#unlock(lane);
    this.#place(lane, dueAt, now);
  }

  /** Lanes whose first item has to be read again; each is given out once. */
  takeAbsent(): Lane | undefined {
    const lane = this.#absent.shift();
    if (lane !== undefined) lane.state = 'reading';
    return lane;
  }

  /** The event of a lane that was given out as absent could not be read yet. */
  absentAgain(lane: Lane): void {
    this.#makeReady(lane);
  }

  /** The event of the first item of an absent lane is here. */
  present(lane: Lane): void {
    this.#makeReady(lane);
  }

  /** Lanes in which nothing can be leased now: one item is being worked on, or has to wait. */
  *blocked(): Generator<Lane> {
    for (const lane of this.#named.values()) {
      if (lane.state === 'leased' || lane.state === 'waiting' || lane.state === 'locked') yield lane;
    }
  }

  /**
   * Takes out every item that is not to be kept, but for those that are leased or being read: they end by themselves.
   * A lane that waited for one of them waits no longer.
   */
  purge(isKept: (item: Item) => boolean): void {
    const anonymous = [this.#fresh, this.#again, this.#absent].flatMap((line) => line.drain());
    const lanes = new Set([...this.#named.values(), ...anonymous, ...this.#waiting.drain()]);
    this.#waitingItems = 0;
    for (const lane of lanes) {
      const isLocked = lane.state === 'locked';
      const isHeld = lane.state === 'leased' || lane.state === 'reading';
      const first = lane.items[lane.head]!;
      const items = lane.items.slice(lane.head).filter((item) => (isHeld && item === first) || isKept(item));
      this.#count -= lane.items.length - lane.head - items.length;
      lane.items = items;
      lane.head = 0;
      if (items.length === 0) {
        if (lane.name !== '') this.#named.delete(lane.name);
      } else if (!isHeld && !isLocked) {
        this.#place(lane, lane.state === 'waiting' && items[0] === first ? lane.dueAt : 0, 0);
      }
    }
  }

  #isAbsent(lane: Lane): boolean {
    const item = lane.items[lane.head]!;
    return item.event === undefined || (this.needsState && item.state === undefined);
  }

  #next(): Lane | undefined {
    const preferAgain = this.#sinceAgain >= FRESH_SHARE;
    const lane = preferAgain
      ? (this.#again.shift() ?? this.#fresh.shift())
      : (this.#fresh.shift() ?? this.#again.shift());
    if (lane === undefined) return undefined;
    this.#sinceAgain = isFresh(lane) ? this.#sinceAgain + 1 : 0;
    return lane;
  }

  #lock(lane: Lane): boolean {
    if (lane.name === '' || this.locks === undefined || this.locks.hold(lane.name)) return true;
    lane.state = 'locked';
    this.locks.onceFree(lane.name, () => {
      // All of it may have been purged meanwhile.
      if (lane.head === lane.items.length) return;
      this.#makeReady(lane);
      this.onFree();
    });
    return false;
  }

  #unlock(lane: Lane): void {
    if (lane.name !== '' && this.locks !== undefined && lane.state === 'leased') this.locks.free(lane.name);
  }

  #place(lane: Lane, dueAt: number, now: number): void {
    if (dueAt <= now) {
      this.#makeReady(lane);
      return;
    }
    lane.state = 'waiting';
    lane.dueAt = dueAt;
    this.#waitingItems += lane.items.length - lane.head;
    this.#waiting.push(lane);
  }

  #makeReady(lane: Lane): void {
    if (this.#isAbsent(lane)) {
      lane.state = 'absent';
      this.#absent.push(lane);
      return;
    }
    lane.state = 'ready';
    (isFresh(lane) ? this.#fresh : this.#again).push(lane);
  }
}

function isFresh(lane: Lane): boolean {
  const item = lane.items[lane.head]!;
  return item.attempts === 0 && item.cycle === '';
}
