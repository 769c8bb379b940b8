import {
  type EventLog,
  HeddleError,
  type PartitionBounds,
  type ReadBatch,
  type StoredEvent,
  isRawTopic,
  tenantOf,
} from '@heddle/event';
import { DispatchedEvent } from '../represent.js';
import { type MovingPosition, type PositionVector, formatToken } from './resume-token.js';
import type { Tail } from './tail.js';

/** How the beginning of a stream relates to what was asked for. */
export type Resumed = 'live' | 'exact' | 'truncated' | 'reset';

/** Offsets `from` (inclusive) to `to` (exclusive) can no longer be delivered. */
export interface StreamGap {
  topic: string;
  partition: number;
  from: number;
  to: number;
}

export interface HistoryWish {
  /** Only its events are read. */
  tenant: string;
  /** Whether raw messages are read, too. */
  wantsRaw?: boolean | undefined;
  wants(event: StoredEvent): boolean;
  baseUrl: string;
  /** Resolves when there is room for more. */
  write(event: DispatchedEvent): Promise<void>;
  isOver(): boolean;
}

/** How many streams may read the log for themselves at once; the others wait their turn. */
const MAX_READERS = 4;

/** Reads what the tail no longer has. Each reading is one reader on the log, so only few run at once. */
export class History {
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly eventLog: EventLog,
    private readonly topics: () => readonly string[],
  ) {}

  /** Where a stream of a tenant really begins, and what it misses of what it asked for. */
  async resolve(
    tenant: string,
    wanted: PositionVector,
    fromEarliest: boolean,
    { tail, position: shared }: { tail: Tail; position: MovingPosition },
  ): Promise<{ position: PositionVector; gaps: StreamGap[]; resumed: Resumed }> {
    const isNamed = !fromEarliest && this.#topicsOf(tenant).every((topic) => wanted.has(topic));
    // What lies beyond the shared reader is either very new, or of a topic that was made anew: the log knows which.
    if (isNamed && tail.covers(tenant, wanted) && shared.of(tenant).reaches(wanted)) {
      return { position: wanted, gaps: [], resumed: 'exact' };
    }
    const position: PositionVector = new Map();
    const gaps: StreamGap[] = [];
    let resumed: Resumed = 'exact';
    for (const { topic, bounds } of await this.#bounds(tenant)) {
      const offsets = bounds.map(({ partition, earliest, end }) => {
        const asked = fromEarliest ? earliest : (wanted.get(topic)?.[partition] ?? earliest);
        if (asked > end) {
          // The topic was made anew since: nothing of the old one is left, all of the new one is new.
          resumed = 'reset';
          return earliest;
        }
        if (asked < earliest) {
          gaps.push({ topic, partition, from: asked, to: earliest });
          if (resumed === 'exact') resumed = 'truncated';
        }
        return Math.max(asked, earliest);
      });
      position.set(topic, offsets);
    }
    return { position, gaps, resumed };
  }

  /** For every topic of a tenant, the first event that the log took at or after a time, per partition. */
  async at(tenant: string, time: number): Promise<PositionVector> {
    const topics = this.#topicsOf(tenant);
    return new Map(
      await Promise.all(topics.map(async (topic) => [topic, await this.eventLog.offsetsAt(topic, time)] as const)),
    );
  }

  /** Writes every wanted event from a position up to the end as it stands now; returns the position after them. */
  async read(from: PositionVector, wish: HistoryWish): Promise<PositionVector> {
    await this.#turn();
    try {
      return await this.#read(from, wish);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #read(from: PositionVector, wish: HistoryWish): Promise<PositionVector> {
    const position: PositionVector = new Map([...from].map(([topic, offsets]) => [topic, [...offsets]]));
    const open = new Map<string, number>();
    for (const { topic, bounds } of await this.#bounds(wish.tenant, wish.wantsRaw)) {
      const offsets = position.get(topic) ?? [];
      position.set(topic, offsets);
      for (const { partition, earliest, end } of bounds) {
        offsets[partition] = Math.max(offsets[partition] ?? 0, earliest);
        if ((offsets[partition] ?? 0) < end) open.set(`${topic}/${partition}`, end);
      }
    }
    if (open.size === 0) return position;
    const topics = [...new Set([...open.keys()].map((name) => name.slice(0, name.lastIndexOf('/'))))];
    const done = Promise.withResolvers<void>();
    const take = async ({ topic, partition, events, nextOffset }: ReadBatch): Promise<void> => {
      const name = `${topic}/${partition}`;
      const offsets = position.get(topic);
      if (wish.isOver()) return done.resolve();
      if (!open.has(name) || offsets === undefined) return;
      for (const event of events) {
        offsets[partition] = event.offset + 1;
        if (!wish.wants(event)) continue;
        await wish.write(new DispatchedEvent(event, 0, formatToken(wish.tenant, position), wish.baseUrl));
      }
      offsets[partition] = nextOffset;
      if (nextOffset >= (open.get(name) ?? 0)) open.delete(name);
      if (open.size === 0) done.resolve();
    };
    const reader = await this.eventLog.read({
      topics,
      from: (topic, { partition, end }) =>
        open.has(`${topic}/${partition}`) ? (position.get(topic)?.[partition] ?? 0) : end,
      onBatch: (batch) => take(batch).catch(done.reject),
    });
    try {
      await done.promise;
    } finally {
      await reader.stop();
    }
    return position;
  }

  async #turn(): Promise<void> {
    if (this.#running >= MAX_READERS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
  }

  #topicsOf(tenant: string, wantsRaw = false): string[] {
    return this.topics().filter((topic) => tenantOf(topic) === tenant && (wantsRaw || !isRawTopic(topic)));
  }

  async #bounds(tenant: string, wantsRaw = false): Promise<{ topic: string; bounds: PartitionBounds[] }[]> {
    try {
      return await Promise.all(
        this.#topicsOf(tenant, wantsRaw).map(async (topic) => ({ topic, bounds: await this.eventLog.bounds(topic) })),
      );
    } catch (error) {
      throw new HeddleError('log-unavailable', 'The event log did not say how far it reaches; try again.', {
        cause: error,
        retryAfterSeconds: 1,
      });
    }
  }
}
