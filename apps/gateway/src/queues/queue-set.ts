import type { EventLog, ReadBatch, Reader } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Span, SpanTaker } from '../dispatch.js';
import { DispatchedEvent } from '../represent.js';
import type { MovingPosition } from '../streams/resume-token.js';
import type { Tail } from '../streams/tail.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { ProgressWriter } from './progress-writer.js';
import type { PartitionRecord } from './queue-store.js';
import type { QueueDefinition } from './queue.js';

interface Member {
  queue: DeliveryQueue;
  refilling: boolean;
  roomWanted: (() => void) | undefined;
  closed: boolean;
}

/** How far the shared reader has come, and what it keeps. */
export interface SharedReading {
  position: MovingPosition;
  tail: Tail;
  topics(): readonly string[];
}

/**
 * All queues this process owns. Each takes what it wants of every span the shared reader hands over; one that was
 * full, or began further back, is refilled from the tail, or from the log where the tail no longer reaches.
 */
export class QueueSet implements SpanTaker {
  #members = new Map<string, Member>();

  constructor(
    private readonly eventLog: EventLog,
    private readonly shared: SharedReading,
    private readonly writer: ProgressWriter,
    private readonly ends: ReadonlyMap<string, number>,
    private readonly baseUrl: string,
    private readonly log: Log,
  ) {}

  /** Puts a queue to work; `onAvailable` is called whenever something can be leased. */
  add(definition: QueueDefinition, progress: readonly PartitionRecord[], onAvailable: () => void): DeliveryQueue {
    const member: Member = {
      queue: new DeliveryQueue(definition, progress, this.ends, {
        onAvailable,
        onProgress: (topic, partition, what) => {
          if (!member.closed) this.writer.changed(member.queue, topic, partition, what);
        },
        onRoom: () => {
          member.roomWanted?.();
          this.#refill(member);
        },
      }),
      refilling: false,
      roomWanted: undefined,
      closed: false,
    };
    this.#members.set(definition.uuid, member);
    return member.queue;
  }

  /** Begins reading what a queue is behind by; for queues that are added while the shared reader is already running. */
  catchUp(queue: DeliveryQueue): void {
    const member = this.#members.get(queue.definition.uuid);
    if (member !== undefined) this.#refill(member);
  }

  remove(queue: DeliveryQueue): void {
    const member = this.#members.get(queue.definition.uuid);
    if (member === undefined) return;
    this.#close(member);
    this.#members.delete(queue.definition.uuid);
    this.writer.forget(queue);
  }

  close(): void {
    for (const member of this.#members.values()) member.queue.close();
  }

  wantedFrom(topic: string, partition: number): number | undefined {
    let least: number | undefined;
    for (const { queue } of this.#members.values()) {
      least = Math.min(least ?? Infinity, queue.wantedFrom(topic, partition));
    }
    return least;
  }

  take(span: Span): void {
    for (const member of this.#members.values()) {
      if (member.queue.take(span) < span.to) this.#refill(member);
    }
  }

  #close(member: Member): void {
    member.closed = true;
    member.queue.close();
    member.roomWanted?.();
  }

  #refill(member: Member): void {
    if (member.refilling || member.closed) return;
    member.refilling = true;
    this.#catchUp(member)
      .catch((error: unknown) => {
        this.log.warn(
          { event: 'refill-failed', queue: member.queue.definition.name, err: error },
          'a queue could not read what it is behind by, trying again',
        );
        setTimeout(() => this.#refill(member), 1000).unref();
      })
      .finally(() => {
        member.refilling = false;
      });
  }

  /** Offers a queue what it is behind by, until it is level with the shared reader in every partition. */
  async #catchUp(member: Member): Promise<void> {
    for (;;) {
      const behind = this.#behind(member.queue);
      if (behind.length === 0 || member.closed) return;
      if (member.queue.isFull) {
        await this.#room(member);
        continue;
      }
      const beyondTail = behind.filter(({ topic, partition, from, to }) => {
        const events = this.shared.tail.partitionSince(topic, partition, from);
        if (events === undefined) return true;
        member.queue.take({ topic, partition, from, to, events });
        return false;
      });
      if (beyondTail.length > 0) await this.#readLog(member, beyondTail);
    }
  }

  #behind(queue: DeliveryQueue): { topic: string; partition: number; from: number; to: number }[] {
    const behind: { topic: string; partition: number; from: number; to: number }[] = [];
    for (const topic of this.shared.topics()) {
      for (let partition = 0; partition < this.shared.position.partitions(topic); partition += 1) {
        const to = this.shared.position.next(topic, partition);
        const from = queue.wantedFrom(topic, partition);
        if (from < to) behind.push({ topic, partition, from, to });
      }
    }
    return behind;
  }

  /** Reads the log for one queue until the tail reaches back far enough for it in the given partitions. */
  async #readLog(
    member: Member,
    behind: readonly { topic: string; partition: number; from: number; to: number }[],
  ): Promise<void> {
    const open = new Map(behind.map(({ topic, partition, to }) => [`${topic}/${partition}`, to]));
    const next = new Map(behind.map(({ topic, partition, from }) => [`${topic}/${partition}`, from]));
    const done = Promise.withResolvers<void>();
    const take = async ({ topic, partition, events, nextOffset }: ReadBatch): Promise<void> => {
      const name = `${topic}/${partition}`;
      let from = next.get(name);
      if (from === undefined || !open.has(name)) return;
      next.set(name, nextOffset);
      const dispatched = events.map((event) => new DispatchedEvent(event, 0, '', this.baseUrl));
      while (!member.closed) {
        const taken = member.queue.take({ topic, partition, from, to: nextOffset, events: dispatched });
        if (taken >= nextOffset) break;
        // Offering again from before this batch would pass over what stands between.
        if (taken < from) throw new Error(`queue wants offset ${taken} of ${name}, which was read already`);
        from = taken;
        await this.#room(member);
      }
      if (nextOffset >= (open.get(name) ?? 0)) open.delete(name);
      if (open.size === 0 || member.closed) done.resolve();
    };
    const reader: Reader = await this.eventLog.read({
      topics: [...new Set(behind.map(({ topic }) => topic))],
      from: (topic, { partition, earliest, end }) => Math.max(earliest, next.get(`${topic}/${partition}`) ?? end),
      onBatch: (batch) => take(batch).catch(done.reject),
    });
    try {
      await done.promise;
    } finally {
      await reader.stop();
    }
  }

  async #room(member: Member): Promise<void> {
    if (member.closed || !member.queue.isFull) return;
    await new Promise<void>((resolve) => {
      member.roomWanted = resolve;
    });
    member.roomWanted = undefined;
  }
}
