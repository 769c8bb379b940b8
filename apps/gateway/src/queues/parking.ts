import type { Chunk, Item } from './item.js';

/** Topics are indexes into `topics`; `origin` is where the event was appended, `topic` where it is read. */
type ParkedRow = [
  topic: number,
  partition: number,
  offset: number,
  origin: number,
  key: string,
  appendedAt: number,
  attempts: number,
  dueAt: number,
  cycle: string,
];

/** A record of `heddle.parked`: items of one queue that wait. It is written once; what becomes of them stands in a `ChunkState`. */
export interface ChunkRecord {
  format: 1;
  tenant: string;
  queue: string;
  uuid: string;
  chunk: string;
  topics: string[];
  rows: ParkedRow[];
}

/** Beside each chunk: which of its items are done with, and what attempts have changed of the others. */
export interface ChunkState {
  format: 1;
  uuid: string;
  chunk: string;
  /** A bit per row, base64. */
  done: string;
  changed: [index: number, attempts: number, dueAt: number][];
}

/** An item with the time of its next attempt, as it comes back from a record. */
export interface ParkedItem {
  item: Item;
  dueAt: number;
}

/** What has to be put for a chunk: its record once, its state when it changed, or nothing of it any more. */
export type ChunkPut =
  | { chunk: string; record: ChunkRecord; state?: ChunkState }
  | { chunk: string; state: ChunkState }
  | { chunk: string; gone: true };

/** Items of one chunk at most; its record stays well below the log's limit. */
const CHUNK_ITEMS = 1000;
/** Chunks with few items left are joined once there are so many of them. */
const MAX_SPARSE = 64;
const SPARSE_ITEMS = 250;

/**
 * What a queue has put aside because it has to wait for long: references, not events. Parking it is durable before the
 * offset passes, so that one slow receiver holds up neither the offset nor memory; settling one costs a bit in the
 * state of its chunk, not a record of its own.
 */
export class ParkingLot {
  #chunks = new Map<string, Chunk>();
  #dirty = new Set<Chunk>();
  #gone: string[] = [];
  #filling: Chunk | undefined;
  #count = 0;
  #number = 0;

  /** @param name makes the ids of chunks differ from those of every other owner */
  constructor(private readonly name: () => string) {}

  /** Items parked and not yet done with. */
  get count(): number {
    return this.#count;
  }

  get isDirty(): boolean {
    return this.#dirty.size > 0 || this.#gone.length > 0;
  }

  /** When the log took the oldest event that is parked. */
  get oldestAppendedAt(): number | undefined {
    let oldest: number | undefined;
    for (const chunk of this.#chunks.values()) {
      if (oldest === undefined || chunk.oldestAppendedAt < oldest) oldest = chunk.oldestAppendedAt;
    }
    return oldest;
  }

  /** Parks an item, or notes a new time for one that is parked. Its event need not be kept any longer. */
  park(item: Item, dueAt: number): void {
    const place = item.parked;
    if (place !== undefined) {
      place.chunk.dues[place.index] = dueAt;
      place.chunk.changed.add(place.index);
      this.#dirty.add(place.chunk);
      return;
    }
    const chunk = this.#roomy();
    item.parked = { chunk, index: chunk.items.length };
    chunk.items.push(item);
    chunk.dues.push(dueAt);
    chunk.open += 1;
    chunk.oldestAppendedAt = Math.min(chunk.oldestAppendedAt, item.appendedAt);
    this.#count += 1;
    this.#dirty.add(chunk);
  }

  /** A parked item is done with. */
  settle(item: Item): void {
    const place = item.parked;
    if (place === undefined) return;
    const { chunk, index } = place;
    item.parked = undefined;
    if (chunk.items[index] === undefined) return;
    chunk.items[index] = undefined;
    chunk.changed.delete(index);
    chunk.open -= 1;
    this.#count -= 1;
    this.#dirty.add(chunk);
  }

  /** Takes up what an earlier owner parked; returns the items that are still open. */
  restore(record: ChunkRecord, state: ChunkState | undefined): ParkedItem[] {
    const done = state === undefined ? undefined : Buffer.from(state.done, 'base64');
    const changed = new Map(state?.changed.map(([index, attempts, dueAt]) => [index, { attempts, dueAt }]));
    const chunk = this.#chunk(record.chunk, true);
    const open: ParkedItem[] = [];
    record.rows.forEach(([topic, partition, offset, origin, key, appendedAt, attempts, dueAt, cycle], index) => {
      const isDone = done !== undefined && ((done[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
      const change = changed.get(index);
      const due = change?.dueAt ?? dueAt;
      chunk.dues.push(due);
      if (isDone) {
        chunk.items.push(undefined);
        return;
      }
      const item: Item = {
        topic: record.topics[topic]!,
        origin: record.topics[origin]!,
        partition,
        offset,
        key,
        appendedAt,
        cycle,
        event: undefined,
        attempts: change?.attempts ?? attempts,
        parked: { chunk, index },
      };
      if (change !== undefined) chunk.changed.add(index);
      chunk.items.push(item);
      chunk.open += 1;
      chunk.oldestAppendedAt = Math.min(chunk.oldestAppendedAt, appendedAt);
      open.push({ item, dueAt: due });
    });
    this.#count += chunk.open;
    if (chunk.open === 0) this.#dirty.add(chunk);
    return open;
  }

  /** What is to be put so that the log says the same as memory; the caller puts all of it, or asks again. */
  drain(owner: { tenant: string; queue: string; uuid: string }): ChunkPut[] {
    this.#filling = undefined;
    this.#joinSparse();
    const puts: ChunkPut[] = this.#gone.map((chunk) => ({ chunk, gone: true as const }));
    this.#gone = [];
    for (const chunk of this.#dirty) {
      if (chunk.open === 0) {
        this.#chunks.delete(chunk.id);
        if (chunk.isStored) puts.push({ chunk: chunk.id, gone: true });
        continue;
      }
      if (!chunk.isStored) puts.push({ chunk: chunk.id, record: recordOf(chunk, owner) });
      else puts.push({ chunk: chunk.id, state: stateOf(chunk, owner.uuid) });
      chunk.isStored = true;
    }
    this.#dirty.clear();
    return puts;
  }

  /** A put failed: everything it was about is to be put again. */
  undrain(puts: readonly ChunkPut[]): void {
    for (const put of puts) {
      if ('gone' in put) {
        this.#gone.push(put.chunk);
        continue;
      }
      const chunk = this.#chunks.get(put.chunk);
      if (chunk === undefined) {
        // All of it was settled meanwhile; the failed put may have been written nevertheless.
        this.#gone.push(put.chunk);
        continue;
      }
      if ('record' in put) chunk.isStored = false;
      this.#dirty.add(chunk);
    }
  }

  #roomy(): Chunk {
    const { length } = this.#filling?.items ?? [];
    if (this.#filling === undefined || this.#filling.isStored || length >= CHUNK_ITEMS) {
      this.#number += 1;
      this.#filling = this.#chunk(`${this.name()}-${this.#number}`, false);
    }
    return this.#filling;
  }

  #chunk(id: string, isStored: boolean): Chunk {
    const chunk: Chunk = { id, items: [], dues: [], open: 0, changed: new Set(), isStored, oldestAppendedAt: Infinity };
    this.#chunks.set(id, chunk);
    return chunk;
  }

  /** Moves the items of nearly empty chunks into new ones; old and new are put in one request. */
  #joinSparse(): void {
    if (this.#chunks.size < MAX_SPARSE) return;
    const sparse = [...this.#chunks.values()].filter(({ open, isStored }) => isStored && open <= SPARSE_ITEMS);
    if (sparse.length < MAX_SPARSE) return;
    for (const chunk of sparse) {
      chunk.items.forEach((item, index) => {
        if (item === undefined) return;
        item.parked = undefined;
        this.#count -= 1;
        this.park(item, chunk.dues[index]!);
      });
      this.#chunks.delete(chunk.id);
      this.#dirty.delete(chunk);
      this.#gone.push(chunk.id);
    }
    this.#filling = undefined;
  }
}

function recordOf(chunk: Chunk, { tenant, queue, uuid }: { tenant: string; queue: string; uuid: string }): ChunkRecord {
  const topics: string[] = [];
  const items: Chunk['items'] = [];
  const dues: number[] = [];
  const rows: ParkedRow[] = [];
  chunk.items.forEach((item, index) => {
    if (item === undefined) return;
    const topic = indexIn(topics, item.topic);
    const origin = indexIn(topics, item.origin);
    const { partition, offset, key, appendedAt, attempts, cycle } = item;
    const dueAt = chunk.dues[index]!;
    item.parked = { chunk, index: rows.length };
    items.push(item);
    dues.push(dueAt);
    rows.push([topic, partition, offset, origin, key, appendedAt, attempts, dueAt, cycle]);
  });
  // Settled before they were ever written: they have no row, and the others close up.
  chunk.items = items;
  chunk.dues = dues;
  chunk.changed.clear();
  return { format: 1, tenant, queue, uuid, chunk: chunk.id, topics, rows };
}

function stateOf(chunk: Chunk, uuid: string): ChunkState {
  const done = Buffer.alloc(Math.ceil(chunk.items.length / 8));
  chunk.items.forEach((item, index) => {
    if (item === undefined) done[index >> 3]! |= 1 << (index & 7);
  });
  const changed: ChunkState['changed'] = [];
  for (const index of chunk.changed) {
    const item = chunk.items[index];
    if (item !== undefined) changed.push([index, item.attempts, chunk.dues[index]!]);
  }
  return { format: 1, uuid, chunk: chunk.id, done: done.toString('base64'), changed };
}

function indexIn(names: string[], name: string): number {
  const index = names.indexOf(name);
  return index < 0 ? names.push(name) - 1 : index;
}
