import { setTimeout as delay } from 'node:timers/promises';
import type { PartitionBounds, ReadBatch, ReadOptions, Reader } from './event-log.js';
import type { StoredEvent } from './stored-event.js';

/** What a reader in memory reads from. */
export interface ReadableLog {
  partitionsNow(topic: string): readonly PartitionBounds[] | undefined;
  records(topic: string, partition: number, from: number): { events: StoredEvent[]; next: number; end: number };
}

/** Reads each partition in a loop of its own, which sleeps until its topic is told of. */
export class MemoryReader implements Reader {
  private readonly positions = new Map<string, { next: number; isBusy: boolean }>();
  private isStopped = false;

  constructor(
    private readonly log: ReadableLog,
    private readonly options: ReadOptions,
    private readonly retryMs: number,
  ) {}

  readonly wake = (topic: string): void => {
    if (this.isStopped || !this.options.topics.includes(topic)) return;
    for (const bounds of this.log.partitionsNow(topic) ?? []) void this.run(topic, bounds);
  };

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }

  private async run(topic: string, bounds: PartitionBounds): Promise<void> {
    const { partition } = bounds;
    const name = `${topic}/${partition}`;
    let at = this.positions.get(name);
    if (at === undefined) {
      const wanted = this.options.from(topic, bounds);
      at = { next: wanted > bounds.end ? bounds.earliest : wanted, isBusy: false };
      this.positions.set(name, at);
    }
    if (at.isBusy) return;
    at.isBusy = true;
    // The first turn is the caller's own: nothing is handed over while it still appends or asks to read.
    await Promise.resolve();
    while (!this.isStopped) {
      const earliest = this.log.partitionsNow(topic)?.[partition]?.earliest ?? 0;
      if (at.next < earliest) this.options.onGap?.({ topic, partition, from: at.next, to: earliest });
      const { events, next, end } = this.log.records(topic, partition, at.next);
      if (next <= at.next) break;
      at.next = next;
      await this.handOver({ topic, partition, events, nextOffset: next, end });
    }
    at.isBusy = false;
  }

  /** Until the batch is taken: dropping it would lose events. */
  private async handOver(batch: ReadBatch): Promise<void> {
    while (!this.isStopped) {
      try {
        return await this.options.onBatch(batch);
      } catch {
        await delay(this.retryMs);
      }
    }
  }
}
