import { isRawTopic } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Span, SpanTaker } from '../dispatch.js';
import type { CompiledFilter } from '../filters/filter.js';
import { compileFilter } from '../filters/filters.js';
import { FilterSet } from '../filters/filter-set.js';
import { DispatchedEvent } from '../represent.js';
import { Addressed } from './addressed.js';
import { Attachments } from './attachments.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { Item } from './item.js';
import type { LogPages } from './log-pages.js';
import { Member } from './member.js';
import type { Restored } from './queue-host.js';
import type { QueueSetHost, SharedReading, Side } from './queue-set-host.js';
import type { QueueDefinition } from './queue.js';
import type { StateWriter } from './state-writer.js';

/** Of a queue that chooses by topics, which is asked about each type once. */
const ANY_TYPE = ['*'];
const REFILL_RETRY_MS = 1000;
/** Lanes whose events are read again in one go. */
const ABSENT_BATCH = 200;
/** A level queue says how far it is at least every so many events, so that a new owner reads little again. */
const PASSED_EVENTS = 2000;
/** In this time every queue is looked at once, some of them in each part of it: a thousand at once would be felt. */
const PASSED_CHECK_MS = 5000;
const PASSED_PARTS = 25;

/**
 * All queues this process owns. Each event of the shared reader goes to those that want it; a queue that was full,
 * began further back, or was taken over, is refilled from the tail, or from the log where the tail no longer reaches,
 * until it is level with the reader.
 */
export class QueueSet implements SpanTaker {
  #members = new Map<DeliveryQueue, Member>();
  /** Those that may not be level everywhere; the others need not be looked at for every span. */
  #lagging = new Set<Member>();
  #matching = new FilterSet<Member>();
  /** The same for those whose receivers see what is personal masked: their filters see it masked, too. */
  #matchingMasked = new FilterSet<Member>();
  /** Who gets raw messages. */
  #addressed = new Addressed<Member>();
  /** Those whose turn is still to come in saying what they have passed. */
  #unnoted: MapIterator<Member> = this.#members.values();
  #numbers = 0;
  #timer: NodeJS.Timeout;

  constructor(
    private readonly shared: SharedReading,
    private readonly pages: LogPages,
    private readonly writer: StateWriter,
    private readonly host: QueueSetHost,
    private readonly log: Log,
  ) {
    this.#timer = setInterval(() => this.#notePassed(), PASSED_CHECK_MS / PASSED_PARTS);
    this.#timer.unref();
  }

  /** Puts a queue, or a side lane of one, to work. `restored` is what an earlier owner left; without it it is new. */
  add(definition: QueueDefinition, restored?: Restored, side?: Side): DeliveryQueue {
    const filter = this.#compile(definition);
    const epoch = this.host.epochOf(definition);
    const queue = new DeliveryQueue(
      definition,
      filter,
      restored,
      {
        onProgress: (topic, partition, what) => {
          if (!member.isGone) this.writer.progressed(member, topic, partition, what);
        },
        onParked: () => {
          if (!member.isGone) this.writer.parked(member);
        },
        onRoom: () => {
          member.hasRoom();
          this.#refill(member);
        },
        onAbsent: () => this.#readAbsent(member),
        onGivenUp: (letter) => this.host.givenUp(queue.definition, letter),
        onDropped: (stored, cycle) => this.host.dropped(queue.definition, stored, cycle),
        shown: (event) => member.shown(event),
        isCurrent: () => this.host.isCurrent(),
        settled: () => this.writer.settled(),
      },
      {
        chunkName: () => `${epoch}-${(this.#numbers += 1)}`,
        ...(side === undefined ? {} : { side: side.lane, locks: side.locks }),
      },
    );
    const { stateOf, mask, namespaces } = this.host;
    const mayFetch = (type: string): boolean => member.rights.fetches(type);
    const attachments = new Attachments(queue, (event) => stateOf(event, mayFetch));
    const { position } = this.shared;
    const member: Member = new Member(queue, epoch, position, attachments, side?.pages ?? this.pages, {
      mask,
      namespaces,
    });
    this.#members.set(queue, member);
    this.#lagging.add(member);
    this.#match(member);
    this.#refill(member);
    return queue;
  }

  redefine(queue: DeliveryQueue, definition: QueueDefinition): void {
    const member = this.#members.get(queue);
    if (member === undefined) return;
    this.#unmatch(member);
    queue.redefine(definition, this.#compile(definition));
    member.redefined();
    this.#match(member);
    this.#refill(member);
  }

  /** Takes a queue out. What its receivers still settle is written, unless it was deleted. */
  close(queue: DeliveryQueue, why: 'handed over' | 'deleted'): void {
    const member = this.#members.get(queue);
    if (member === undefined) return;
    if (why === 'handed over')
      for (const at of member.passed(1)) this.writer.progressed(member, at.topic, at.partition, 'outcome');
    queue.close();
    member.close();
    this.#unmatch(member);
    this.#members.delete(queue);
    this.#lagging.delete(member);
    if (why === 'handed over') return;
    member.isGone = true;
    this.writer.forget(member);
  }

  /** Lets go of what was appended below these offsets; resolves when that is durable. */
  async purge(queue: DeliveryQueue, below: Readonly<Record<string, readonly number[]>>): Promise<void> {
    queue.purge(below);
    const member = this.#members.get(queue);
    if (member !== undefined) this.#refill(member);
    await this.writer.settled();
  }

  /** Stops all; how far each is is noted for storing. */
  stop(): void {
    clearInterval(this.#timer);
    for (const queue of [...this.#members.keys()]) this.close(queue, 'handed over');
  }

  /** Looks again whether queues are behind; after topics were added to the shared reader. */
  refillAll(): void {
    for (const member of this.#members.values()) {
      this.#lagging.add(member);
      this.#refill(member);
    }
  }

  /** Every queue tells its receivers again what may be leased: they were refused while nothing was to be begun. */
  lookAgain(): void {
    for (const { queue } of this.#members.values()) queue.offered();
  }

  /** Events between what a queue has read and the end of the shared reading. */
  lagOf(queue: DeliveryQueue): number {
    const member = this.#members.get(queue);
    if (member === undefined) return 0;
    return this.#behind(member).reduce((lag, { from, to }) => lag + to - from, 0);
  }

  take(span: Span): void {
    const { topic, partition, events } = span;
    const name = `${topic}/${partition}`;
    const touched = new Set<Member>();
    const offer = (members: readonly Member[], event: DispatchedEvent): void => {
      for (const member of members) {
        if (!member.isLevel(name)) continue;
        if (!member.queue.offer(event)) this.#fellBehind(member, name);
        touched.add(member);
      }
    };
    const isMasked = this.#matchingMasked.size > 0;
    const isRaw = isRawTopic(topic);
    for (const event of events) {
      if (isRaw) {
        offer(
          this.#addressed.match(event.stored).filter((member) => member.matches(event)),
          event,
        );
        continue;
      }
      offer(this.#matching.match(event.stored), event);
      if (isMasked) offer(this.#matchingMasked.match(event.masked(this.host.mask).stored), event);
    }
    for (const member of touched) member.queue.offered();
    for (const member of this.#lagging) if (!member.isLevel(name) && member.reads(topic)) this.#refill(member);
  }

  #compile({ filter }: QueueDefinition): CompiledFilter {
    return compileFilter(filter, { onError: () => this.host.filterFailed() });
  }

  #fellBehind(member: Member, name: string): void {
    member.fellBehind(name);
    this.#lagging.add(member);
  }

  #match(member: Member): void {
    // A window of the log has its end behind it: nothing new is for it.
    if (member.isWindow) return;
    this.#addressed.add(member);
    const { rights, queue } = member;
    const types = member.selection.hasPatterns ? ANY_TYPE : member.definition.types;
    const isFor = (topic: string, type: string, namespace: string | undefined): boolean =>
      member.reads(topic) && member.selection.wantsType(type, namespace);
    this.#matching.add(member, types, queue.filter, (...of) => isFor(...of) && rights.sees(of[1]));
    if (rights.seesAll) return;
    this.#matchingMasked.add(member, types, queue.filter, (...of) => isFor(...of) && !rights.sees(of[1]));
  }

  #unmatch(member: Member): void {
    this.#matching.remove(member);
    this.#matchingMasked.remove(member);
    this.#addressed.remove(member);
  }

  #notePassed(): void {
    for (let left = Math.ceil(this.#members.size / PASSED_PARTS); left > 0; left -= 1) {
      const { done, value: member } = this.#unnoted.next();
      if (done) {
        this.#unnoted = this.#members.values();
        return;
      }
      if (member.definition.deadLetterQueue !== undefined) member.queue.dropOver();
      for (const { topic, partition } of member.passed(PASSED_EVENTS)) {
        this.writer.progressed(member, topic, partition, 'passed');
      }
    }
  }

  #refill(member: Member): void {
    if (member.isRefilling || member.isClosed) return;
    member.isRefilling = true;
    this.#catchUp(member)
      .catch((error: unknown) => {
        this.log.warn(
          { event: 'refill-failed', ...idOf(member), err: error },
          'a queue could not read what it is behind by, trying again',
        );
        setTimeout(() => this.#refill(member), REFILL_RETRY_MS).unref();
      })
      .finally(() => {
        member.isRefilling = false;
      });
  }

  /** Offers a queue what it is behind by, until it is level with the shared reader in every partition. */
  async #catchUp(member: Member): Promise<void> {
    const wants = (event: DispatchedEvent): boolean => member.wants(event);
    for (;;) {
      const behind = this.#behind(member);
      if (behind.length === 0 || member.isClosed) return;
      for (const at of behind) {
        if (member.queue.isFull) await member.room();
        if (member.isClosed) return;
        await this.#offer(member, at, wants);
      }
    }
  }

  async #offer(
    { queue, pages }: Member,
    { topic, partition, from, to }: { topic: string; partition: number; from: number; to: number },
    wants: (event: DispatchedEvent) => boolean,
  ): Promise<void> {
    const tail = this.shared.tail.partitionSince(topic, partition, from);
    if (tail !== undefined) {
      queue.take({ topic, partition, from, to, events: tail }, wants);
      return;
    }
    const page = await pages.at(topic, partition, from);
    if (page.from > from) queue.lose(topic, partition, page.from);
    queue.take({ topic, partition, from: Math.max(from, page.from), to: page.to, events: page.events }, wants);
  }

  /** Where a queue is behind the shared reader; where it is not, it is level from now on. */
  #behind(member: Member): { topic: string; partition: number; from: number; to: number }[] {
    const behind: { topic: string; partition: number; from: number; to: number }[] = [];
    let isAhead = false;
    for (const topic of this.shared.topics()) {
      if (!member.reads(topic)) continue;
      for (let partition = 0; partition < this.shared.position.partitions(topic); partition += 1) {
        const name = `${topic}/${partition}`;
        if (member.isLevel(name)) continue;
        const to = Math.min(this.shared.position.next(topic, partition), member.endOf(topic, partition));
        const from = member.queue.wantedFrom(topic, partition);
        if (from < to) behind.push({ topic, partition, from, to });
        // A window is never level: nothing new is offered to it, and what it still lacks has to be read.
        else if (from === to && !member.isWindow) member.level(name);
        // The shared reader is still coming to where this one is.
        else if (from !== Infinity) isAhead = true;
      }
    }
    if (behind.length === 0 && !isAhead) this.#lagging.delete(member);
    return behind;
  }

  #readAbsent(member: Member): void {
    if (member.isReadingAbsent || member.isClosed) return;
    member.isReadingAbsent = true;
    this.#readAgain(member).catch((error: unknown) => {
      this.log.warn(
        { event: 'parked-unread', ...idOf(member), err: error },
        'parked events could not be read again, trying again',
      );
      member.isReadingAbsent = false;
      setTimeout(() => this.#readAbsent(member), REFILL_RETRY_MS).unref();
    });
  }

  /**
   * Reads the events of parked items that are due, in the order of the log, so that neighbours share a fetch; and has
   * the states fetched that go with events, which nothing here waits for.
   */
  async #readAgain(member: Member): Promise<void> {
    const { queue, attachments } = member;
    for (;;) {
      const wantsState = queue.definition.shape === 'state';
      const lanes = queue.takeAbsent(wantsState ? Math.min(ABSENT_BATCH, attachments.room) : ABSENT_BATCH);
      if (lanes.length === 0 || queue.isClosed) {
        // At once, so that no lane that comes now finds this still at work.
        member.isReadingAbsent = false;
        return;
      }
      lanes.sort((a, b) => {
        const [one, other] = [a.items[a.head]!, b.items[b.head]!];
        return one.topic.localeCompare(other.topic) || one.partition - other.partition || one.offset - other.offset;
      });
      let done = 0;
      try {
        for (const lane of lanes) {
          const item = lane.items[lane.head]!;
          const event = item.event ?? (await this.#eventOf(member, item));
          if (wantsState && event !== undefined) attachments.attach(lane, event);
          else queue.present(lane, event);
          done += 1;
        }
      } finally {
        // What could not be read is asked for again.
        for (const lane of lanes.slice(done)) queue.absentAgain(lane);
      }
      queue.offered();
    }
  }

  /** The event of an item, read again; nothing when the log has lost it. */
  async #eventOf({ pages }: Member, { topic, partition, offset, origin }: Item): Promise<DispatchedEvent | undefined> {
    const page = await pages.at(topic, partition, offset);
    const event = page.events.find(({ stored }) => stored.offset === offset);
    return event === undefined || origin === topic ? event : original(event);
  }
}

function idOf({ definition: { tenant, name } }: Member): { tenant: string; queue: string } {
  return { tenant, queue: name };
}

/** The event of a dead letter, at the place it once had. */
function original({ stored, baseUrl }: DispatchedEvent): DispatchedEvent {
  const notes = stored.notes ?? {};
  const position = {
    topic: notes['heddle-topic'] ?? stored.topic,
    partition: Number(notes['heddle-partition'] ?? stored.partition),
    offset: Number(notes['heddle-offset'] ?? stored.offset),
  };
  return new DispatchedEvent({ ...stored, ...position }, 0, '', baseUrl);
}
