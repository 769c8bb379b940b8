import { isRawTopic, tenantOf } from '@heddle/event';
import type { DispatchedEvent } from '../represent.js';
import type { PositionVector } from './resume-token.js';

/**
 * The last events of all topics of all tenants, in the order they were read, bounded in count and bytes. Receivers that come back
 * after a short absence, or fell a little behind, are served from here instead of each reading the log for itself.
 */
export class Tail {
  #events: (DispatchedEvent | undefined)[] = [];
  /** Index in `#events` of the oldest kept event; the array is trimmed now and then, not on every event. */
  #head = 0;
  #bytes = 0;
  /** Where each partition's part of the tail begins: everything from this offset on is here. */
  #begin: PositionVector = new Map();

  constructor(
    private readonly maxEvents: number,
    private readonly maxBytes: number,
  ) {}

  /** Says where a partition's reading begins, before its first event is added. */
  begin(topic: string, partition: number, offset: number): void {
    let offsets = this.#begin.get(topic);
    if (offsets === undefined) this.#begin.set(topic, (offsets = []));
    while (offsets.length <= partition) offsets.push(0);
    offsets[partition] = offset;
  }

  add(event: DispatchedEvent): void {
    this.#events.push(event);
    this.#bytes += event.stored.value.length;
    while (this.length > this.maxEvents || (this.#bytes > this.maxBytes && this.length > 1)) this.#dropOldest();
  }

  get length(): number {
    return this.#events.length - this.#head;
  }

  /** Whether every event of a tenant from a position on is still here, raw messages among them where they are wanted. */
  covers(tenant: string, position: PositionVector, wantsRaw = false): boolean {
    for (const [topic, offsets] of this.#begin) {
      if (tenantOf(topic) !== tenant || (isRawTopic(topic) && !wantsRaw)) continue;
      const wanted = position.get(topic);
      for (let partition = 0; partition < offsets.length; partition += 1) {
        if ((wanted?.[partition] ?? 0) < (offsets[partition] ?? 0)) return false;
      }
    }
    return true;
  }

  /** The events of a tenant at or after a position, in the order they were read, raw messages where they are wanted. */
  *since(tenant: string, position: PositionVector, wantsRaw = false): Generator<DispatchedEvent> {
    const own = new Map<string, readonly number[]>();
    for (const topic of this.#begin.keys()) {
      if (tenantOf(topic) === tenant && (wantsRaw || !isRawTopic(topic))) own.set(topic, position.get(topic) ?? []);
    }
    for (let index = this.#head; index < this.#events.length; index += 1) {
      const event = this.#events[index];
      if (event === undefined) continue;
      const { topic, partition, offset } = event.stored;
      const from = own.get(topic);
      if (from !== undefined && offset >= (from[partition] ?? 0)) yield event;
    }
  }

  /** The events of one partition at or after an offset, or nothing where the tail no longer reaches back so far. */
  partitionSince(topic: string, partition: number, offset: number): DispatchedEvent[] | undefined {
    const begin = this.#begin.get(topic)?.[partition];
    if (begin === undefined || offset < begin) return undefined;
    const events: DispatchedEvent[] = [];
    for (let index = this.#events.length - 1; index >= this.#head; index -= 1) {
      const event = this.#events[index];
      if (event === undefined || event.stored.topic !== topic || event.stored.partition !== partition) continue;
      if (event.stored.offset < offset) break;
      events.push(event);
    }
    return events.reverse();
  }

  #dropOldest(): void {
    const event = this.#events[this.#head];
    this.#events[this.#head] = undefined;
    this.#head += 1;
    if (event !== undefined) {
      this.#bytes -= event.stored.value.length;
      this.begin(event.stored.topic, event.stored.partition, event.stored.offset + 1);
    }
    if (this.#head > 4096 && this.#head > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
