import type { DispatchedEvent } from '../represent.js';
import { DueHeap } from './due-heap.js';

/** An event that a queue holds until it is settled. */
export interface Item {
  event: DispatchedEvent;
  /** Attempts that have ended so far. */
  attempts: number;
}

interface Lane {
  key: string;
  items: Item[];
  head: number;
  state: 'ready' | 'leased' | 'waiting';
  dueAt: number;
}

/**
 * Order per key: of each key one event at most is leased, in the order they came; a key whose event has to wait holds
 * back only itself. Keys that are ready take turns.
 */
export class KeyLanes {
  #lanes = new Map<string, Lane>();
  #ready: Lane[] = [];
  #readyHead = 0;
  #waiting = new DueHeap<Lane>();
  #count = 0;

  /** Events held, leased ones included. */
  get count(): number {
    return this.#count;
  }

  /** Keys that wait for a retry. */
  get waitingKeys(): number {
    return this.#waiting.length;
  }

  get readyKeys(): number {
    return this.#ready.length - this.#readyHead;
  }

  /** When the earliest waiting key is due, in milliseconds since the epoch. */
  get nextDueAt(): number | undefined {
    return this.#waiting.earliest?.dueAt;
  }

  /** Adds an event behind those of its key; `dueAt` is when its next attempt may begin. */
  add(key: string, item: Item, dueAt: number): void {
    this.#count += 1;
    const lane = this.#lanes.get(key);
    if (lane !== undefined) {
      lane.items.push(item);
      return;
    }
    const fresh: Lane = { key, items: [item], head: 0, state: 'ready', dueAt };
    this.#lanes.set(key, fresh);
    this.#place(fresh, dueAt);
  }

  /** Leases the next event that is ready at a time. */
  acquire(now: number): { key: string; item: Item } | undefined {
    while ((this.#waiting.earliest?.dueAt ?? Infinity) <= now) {
      const due = this.#waiting.pop();
      if (due !== undefined) this.#makeReady(due);
    }
    const lane = this.#ready[this.#readyHead];
    if (lane === undefined) return undefined;
    this.#readyHead += 1;
    if (this.#readyHead > 1024 && this.#readyHead * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#readyHead);
      this.#readyHead = 0;
    }
    lane.state = 'leased';
    return { key: lane.key, item: lane.items[lane.head]! };
  }

  /** The leased event of a key is done with. */
  settle(key: string): void {
    const lane = this.#leased(key);
    if (lane === undefined) return;
    this.#count -= 1;
    lane.head += 1;
    if (lane.head === lane.items.length) {
      this.#lanes.delete(key);
      return;
    }
    if (lane.head > 32) {
      lane.items = lane.items.slice(lane.head);
      lane.head = 0;
    }
    this.#place(lane, 0);
  }

  /** The leased event of a key is to be tried again at a time; its key waits for it. */
  retry(key: string, dueAt: number, attempts: number): void {
    const lane = this.#leased(key);
    if (lane === undefined) return;
    const item = lane.items[lane.head];
    if (item !== undefined) item.attempts = attempts;
    this.#place(lane, dueAt);
  }

  #leased(key: string): Lane | undefined {
    const lane = this.#lanes.get(key);
    return lane?.state === 'leased' ? lane : undefined;
  }

  #place(lane: Lane, dueAt: number): void {
    if (dueAt <= Date.now()) {
      this.#makeReady(lane);
      return;
    }
    lane.state = 'waiting';
    lane.dueAt = dueAt;
    this.#waiting.push(lane);
  }

  #makeReady(lane: Lane): void {
    lane.state = 'ready';
    this.#ready.push(lane);
  }
}
