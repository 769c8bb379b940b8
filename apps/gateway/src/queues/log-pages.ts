import type { EventLog } from '@heddle/event';
import { DispatchedEvent } from '../represent.js';

/** A piece of a partition that was read again: everything from `from` (inclusive) to `to` (exclusive). */
export interface Page {
  from: number;
  to: number;
  events: readonly DispatchedEvent[];
  bytes: number;
}

export interface PageLimits {
  /** Fetches under way at once; the others wait their turn. */
  fetches: number;
  /** Bytes of data that are kept for whoever wants the same piece next. */
  keptBytes: number;
  /** Bytes asked for at once. */
  pageBytes: number;
}

const LIMITS: PageLimits = { fetches: 4, keptBytes: 24 * 1024 * 1024, pageBytes: 1024 * 1024 };

/**
 * Pieces of the log that the shared reader has passed already: for queues that fell behind, and for events that were
 * parked. Queues at the same place share what is read; few fetches run at once, however many queues are behind.
 */
export class LogPages {
  #kept = new Map<string, Page[]>();
  #bytes = 0;
  #fetching = new Map<string, Promise<Page>>();
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly eventLog: EventLog,
    private readonly baseUrl: string,
    private readonly limits: PageLimits = LIMITS,
  ) {}

  /** The page that holds an offset; it begins later where the log no longer has it. Empty at the end of the partition. */
  async at(topic: string, partition: number, offset: number): Promise<Page> {
    const name = `${topic}/${partition}`;
    const kept = this.#kept.get(name)?.find(({ from, to }) => from <= offset && offset < to);
    if (kept !== undefined) return kept;
    const asked = `${name}/${offset}`;
    let fetching = this.#fetching.get(asked);
    if (fetching === undefined) {
      fetching = this.#fetch(topic, partition, offset).finally(() => this.#fetching.delete(asked));
      this.#fetching.set(asked, fetching);
    }
    return fetching;
  }

  async #fetch(topic: string, partition: number, offset: number): Promise<Page> {
    const { fetches, pageBytes: maxBytes } = this.limits;
    if (this.#running >= fetches) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      const { from, nextOffset, events } = await this.eventLog.fetch({ topic, partition, offset }, { maxBytes });
      const page: Page = {
        from,
        to: nextOffset,
        events: events.map((stored) => new DispatchedEvent(stored, 0, '', this.baseUrl)),
        bytes: events.reduce((bytes, { value }) => bytes + value.length, 0),
      };
      if (page.to > page.from) this.#keep(`${topic}/${partition}`, page);
      return page;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #keep(name: string, page: Page): void {
    const pages = this.#kept.get(name) ?? [];
    // Anew in the map, so that the partitions read longest ago come first when room is made.
    this.#kept.delete(name);
    this.#kept.set(name, [...pages, page]);
    this.#bytes += page.bytes;
    const { keptBytes } = this.limits;
    for (const [other, kept] of this.#kept) {
      while (this.#bytes > keptBytes && kept.length > 0) this.#bytes -= kept.shift()!.bytes;
      if (kept.length === 0) this.#kept.delete(other);
      if (this.#bytes <= keptBytes) return;
    }
  }
}
