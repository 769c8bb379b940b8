import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '@heddle/auth';
import { HeddleError, objectOf, slotOf } from '@heddle/event';
import { type Log, readShape } from '@heddle/runtime';
import type { z } from 'zod';
import { compileFilter } from '../filters/filters.js';
import type { Ledger } from '../ledger/ledger.js';
import { type NamePage, pageByName } from '../management/name-page.js';
import type { OpenQueues } from '../protocols/open-queue.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { Ownership } from './ownership.js';
import { ReceivedQueue } from './received-queue.js';
import { type AskedQueueDefinition, changedQueue, newQueue, pausedQueue } from './queue-change.js';
import type { QueueDirectory } from './queue-directory.js';
import type { Restored } from './queue-host.js';
import type { Offsets, QueueOffsets } from './queue-offsets.js';
import { maySee, requireDeadLetterQueue, requireSight, requireSources, requireTopics } from './queue-rights.js';
import type { QueueSet } from './queue-set.js';
import type { QueueStore } from './queue-store.js';
import { type QueueView, queueView, statisticsView } from './queue-view.js';
import { type PurgeRequest, type QueueRequest, queueShape } from './queue.shape.js';
import type { QueueDefinition, RetrySchedule } from './queue.js';
import { RateMeter, SAMPLE_MS } from './rate-meter.js';

/** What the management of queues is built on. */
export interface QueuesParts {
  store: Pick<QueueStore, 'putQueue' | 'deleteQueue'>;
  set: Pick<QueueSet, 'add' | 'redefine' | 'close' | 'lagOf'> & QueuePurge;
  directory: Pick<QueueDirectory, 'queue' | 'queues' | 'webhooks'>;
  offsets: QueueOffsets;
  ledger: Pick<Ledger, 'attempt'>;
  ownership: Pick<Ownership, 'owns' | 'epochOf'>;
  /** What a queue retries by where it does not say. */
  retry: RetrySchedule;
  /** Whether a tenant may have one more. @throws HeddleError `quota-exceeded` */
  admitQueue?: ((tenant: string) => void) | undefined;
  /** Makes the topic of a tenant's raw messages, where it is not there yet. @throws HeddleError `log-unavailable` */
  ensureRaw?: ((tenant: string) => Promise<void> | undefined) | undefined;
  log: Log;
}

export interface QueuePurge {
  /**
   * Drops everything of a queue that was appended below these offsets, whatever state it is in, and moves its position
   * up to them; resolves when that is durable. Leases of what was dropped may still be settled, to no effect.
   */
  purge(queue: DeliveryQueue, below: Offsets): Promise<void>;
}

/** The condition of a change: throws when the present version is not the one that was meant. */
export type VersionCheck = (version: number | undefined) => void;

/** What a webhook says of the queue it brings; the rest is as it is by default. */
export type OwnQueueSettings = Partial<z.input<typeof queueShape>>;

/** What is kept with a definition by those who make queues of it: doors for their clients, channels. */
export type KeptByMaker = Pick<QueueDefinition, 'session' | 'bindings'>;

const ANY_VERSION: VersionCheck = () => undefined;

interface Member {
  queue: DeliveryQueue;
  epoch: number;
  /** Made when the first remote receiver comes; a queue that only a webhook reads needs none. */
  received: ReceivedQueue | undefined;
  meter: RateMeter;
}

/** The queues this instance owns: made, changed, paused, purged and deleted one after another, and opened to receivers. */
export class Queues implements OpenQueues {
  readonly #members = new Map<string, Member>();
  /** Changes come one after another, so that what is stored and what is at work never differ. */
  #changes: Promise<unknown> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly parts: QueuesParts) {
    this.#timer = setInterval(() => this.#noteRates(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** Puts a queue to work: one just made, or taken over with what an earlier owner left. */
  begin(definition: QueueDefinition, restored?: Restored): DeliveryQueue {
    const { tenant, name, uuid } = definition;
    const known = this.#members.get(keyOf(tenant, name));
    if (known?.queue.definition.uuid === uuid) return known.queue;
    if (known !== undefined) this.#end(known, 'deleted');
    const queue = this.parts.set.add(definition, restored);
    const meter = new RateMeter(Date.now());
    const epoch = this.parts.ownership.epochOf(definition);
    this.#members.set(keyOf(tenant, name), { queue, epoch, received: undefined, meter });
    return queue;
  }

  /** Another instance owns it now: its leases here are lost, its receivers are to come again. */
  handOver(tenant: string, name: string): void {
    const member = this.#members.get(keyOf(tenant, name));
    if (member !== undefined) this.#end(member, 'moved');
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const member of [...this.#members.values()]) this.#end(member, 'moved');
  }

  /** Goes on with a changed definition that is stored already. */
  redefine(definition: QueueDefinition): void {
    const member = this.#members.get(keyOf(definition.tenant, definition.name));
    if (member !== undefined) this.parts.set.redefine(member.queue, definition);
  }

  /** Takes a queue out that is deleted from the store already. */
  drop(tenant: string, name: string): void {
    const member = this.#members.get(keyOf(tenant, name));
    if (member !== undefined) this.#end(member, 'deleted');
  }

  /** The definition of the queue of this name, wherever it is at work. */
  find(tenant: string, name: string): QueueDefinition | undefined {
    return this.#members.get(keyOf(tenant, name))?.queue.definition ?? this.#elsewhere(tenant, name);
  }

  /**
   * The definition of the queue that a webhook brings, new or changed; where it begins is resolved. Nothing is stored or
   * begun: the webhook does that, for both are stored or neither is.
   *
   * @throws HeddleError `permission-missing`, `data-invalid`, `queue-unchangeable`, `queue-elsewhere`
   */
  async defineOwn(
    caller: Caller,
    name: string,
    settings: OwnQueueSettings,
    before: QueueDefinition | undefined,
  ): Promise<QueueDefinition> {
    return this.#define(caller, name, readShape(queueShape, settings), { before, implicit: true });
  }

  /** Deliveries held and not yet settled, of all queues at work here. */
  get held(): number {
    let held = 0;
    for (const { queue } of this.#members.values()) {
      const { ready, leased, waiting } = queue.statistics;
      held += ready + leased + waiting;
    }
    return held;
  }

  /** The queue of this name, if it is at work here. */
  atWork(tenant: string, name: string): DeliveryQueue | undefined {
    return this.#members.get(keyOf(tenant, name))?.queue;
  }

  /** The queue of this name, at work here. @throws HeddleError `not-found`, `queue-elsewhere` */
  working(tenant: string, name: string): DeliveryQueue {
    return this.#member(tenant, name).queue;
  }

  /** @throws HeddleError `not-found`, `queue-elsewhere` */
  open(tenant: string, name: string): ReceivedQueue {
    const member = this.#member(tenant, name);
    member.received ??= new ReceivedQueue(member.queue, member.epoch, (attempt) => this.parts.ledger.attempt(attempt));
    return member.received;
  }

  /** The queues that somebody may know of, by name; statistics of those at work here. */
  list(caller: Caller, page?: NamePage, isListed?: (queue: QueueDefinition) => boolean): QueueView[] {
    const { directory, ownership } = this.parts;
    const here = [...this.#members.values()].map(({ queue }) => queue.definition);
    const elsewhere = directory
      .queues(caller.tenant)
      .filter(({ tenant, name }) => !this.#members.has(keyOf(tenant, name)) && !ownership.owns(slotOf(tenant, name)));
    const known = [...here.filter(({ tenant }) => tenant === caller.tenant), ...elsewhere];
    return pageByName(
      known.filter((definition) => maySee(caller, definition.name) && isListed?.(definition) !== false),
      page,
    ).map((definition) => {
      const member = this.#members.get(keyOf(definition.tenant, definition.name));
      return member === undefined ? queueView(definition) : this.#view(member);
    });
  }

  /** @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  get(caller: Caller, name: string): QueueView {
    requireSight(caller, name);
    return this.#view(this.#member(caller.tenant, name));
  }

  /**
   * Makes a queue, or changes one: then its position stays. Resolves when it is stored.
   *
   * @throws HeddleError `permission-missing` for a type it may not have, `precondition-failed`, `queue-unchangeable`,
   *   `conflict`, `filter-invalid`, `data-invalid`, `queue-elsewhere`
   */
  put(
    caller: Caller,
    name: string,
    request: QueueRequest,
    check: VersionCheck = ANY_VERSION,
    kept: KeptByMaker = {},
  ): Promise<{ created: boolean; view: QueueView }> {
    return this.#inTurn(async () => {
      const member = this.#find(caller.tenant, name);
      const before = member?.queue.definition;
      check(before?.version);
      if (before !== undefined) refuseImplicit(before);
      if (before !== undefined) refuseOther(before, kept);
      const definition = { ...(await this.#define(caller, name, request, { before, implicit: false })), ...kept };
      if (member === undefined) {
        await this.parts.store.putQueue(definition);
        this.begin(definition);
        this.#say('queue-created', definition);
      } else if (!isSame(definition, member.queue.definition)) {
        await this.#change(member, definition);
      }
      return { created: member === undefined, view: this.#view(this.#member(caller.tenant, name)) };
    });
  }

  /** Deletes a queue with its position and all it holds. @throws HeddleError `conflict` while webhooks read it */
  delete({ tenant }: Pick<Caller, 'tenant'>, name: string, check: VersionCheck = ANY_VERSION): Promise<void> {
    return this.#inTurn(async () => {
      const member = this.#member(tenant, name);
      const { definition } = member.queue;
      check(definition.version);
      refuseImplicit(definition);
      this.#refuseRead(definition);
      await this.parts.store.deleteQueue(definition);
      this.#end(member, 'deleted');
      this.#say('queue-deleted', definition);
    });
  }

  /** A paused queue keeps taking its events, and leases nothing; leases that are out may be settled. */
  pause({ tenant }: Caller, name: string, paused: boolean): Promise<QueueView> {
    return this.#inTurn(async () => {
      const member = this.#member(tenant, name);
      const { definition } = member.queue;
      if (definition.paused !== paused) await this.#change(member, pausedQueue(definition, paused));
      return this.#view(member);
    });
  }

  /** Drops what was appended before a time, in whatever state it is. */
  purge({ tenant }: Caller, name: string, { before }: PurgeRequest): Promise<QueueView> {
    return this.#inTurn(async () => {
      const member = this.#member(tenant, name);
      const { offsets, set, log } = this.parts;
      const of = { tenant, objects: member.queue.definition.topics?.map(objectOf) };
      const below = before === 'now' ? await offsets.ends(of) : await offsets.at(Date.parse(before.time), of);
      await set.purge(member.queue, below);
      log.info({ event: 'queue-purged', tenant, queue: name, before }, 'queue purged');
      return this.#view(member);
    });
  }

  async #define(
    caller: Caller,
    name: string,
    request: QueueRequest,
    { before, implicit }: { before: QueueDefinition | undefined; implicit: boolean },
  ): Promise<AskedQueueDefinition> {
    requireSources(caller, request.types ?? []);
    requireTopics(caller, request.topicPatterns ?? []);
    const { tenant } = caller;
    const { deadLetterQueue } = request;
    if (deadLetterQueue !== undefined) {
      requireDeadLetterQueue(caller, name, deadLetterQueue, this.find(tenant, deadLetterQueue) !== undefined);
      // Before the first letter: what is given up cannot wait for it.
      await this.parts.ensureRaw?.(tenant);
    }
    const { offsets, retry } = this.parts;
    compileFilter(request.filter);
    if (request.shape === 'state') this.#refuseBinary(tenant, name);
    if (before !== undefined) return changedQueue(caller, before, request, retry);
    this.parts.admitQueue?.(tenant);
    // Before anything is asked of the log: somebody else's queue is somebody else's work.
    this.parts.ownership.epochOf({ tenant, name });
    const { start = 'now', end, topics: objects } = request;
    const window = {
      start: await offsets.ofStart(start, { tenant, objects }),
      ...(end === undefined ? {} : { end: await offsets.ofEnd(end, { tenant, objects }) }),
      asked: { start, ...(end === undefined ? {} : { end }) },
    };
    return newQueue(caller, name, request, window, { retry, implicit });
  }

  async #change(member: Member, changed: QueueDefinition): Promise<void> {
    await this.parts.store.putQueue(changed);
    this.parts.set.redefine(member.queue, changed);
    this.#say('queue-changed', changed);
  }

  #end(member: Member, reason: 'moved' | 'deleted'): void {
    const { tenant, name } = member.queue.definition;
    this.#members.delete(keyOf(tenant, name));
    this.parts.set.close(member.queue, reason === 'moved' ? 'handed over' : 'deleted');
    member.received?.close(reason);
  }

  #find(tenant: string, name: string): Member | undefined {
    const member = this.#members.get(keyOf(tenant, name));
    if (member !== undefined || this.#elsewhere(tenant, name) === undefined) return member;
    throw new HeddleError('queue-elsewhere', `The queue ${name} is at work at another instance; try again.`, {
      retryAfterSeconds: 1,
    });
  }

  /** A queue of another instance. Of our own, the directory may still show what was deleted a moment ago. */
  #elsewhere(tenant: string, name: string): QueueDefinition | undefined {
    if (this.parts.ownership.owns(slotOf(tenant, name))) return undefined;
    return this.parts.directory.queue(tenant, name);
  }

  #member(tenant: string, name: string): Member {
    const member = this.#find(tenant, name);
    if (member === undefined) throw new HeddleError('not-found', `There is no queue ${name}.`, { field: 'name' });
    return member;
  }

  /** A state fits into no header. A webhook that brings its queue sees to that itself. */
  #refuseBinary(tenant: string, queue: string): void {
    const binary = this.parts.directory
      .webhooks(tenant)
      .find((webhook) => webhook.queue === queue && webhook.contentMode !== 'structured' && !webhook.ownsQueue);
    if (binary === undefined) return;
    throw new HeddleError(
      'conflict',
      `The webhook ${binary.name} reads this queue in ${binary.contentMode} mode, which cannot carry a state: make it structured first.`,
      { field: 'shape' },
    );
  }

  #refuseRead({ tenant, name: queue }: QueueDefinition): void {
    const readers = this.parts.directory.webhooks(tenant).filter((webhook) => webhook.queue === queue);
    if (readers.length === 0) return;
    const names = readers.map(({ name }) => name).join(', ');
    throw new HeddleError('conflict', `The queue ${queue} is read by webhooks: ${names}. Delete them first.`);
  }

  #view({ queue, received, meter }: Member): QueueView {
    const now = Date.now();
    const { statistics } = queue;
    const receivers = received?.book.counts ?? { leased: 0, waiting: 0 };
    const rates = meter.perSecond(throughput(queue, now));
    const lag = this.parts.set.lagOf(queue);
    const drained = queue.definition.end === undefined ? undefined : queue.isDrained;
    return queueView(queue.definition, statisticsView(statistics, { now, lag, drained, rates, receivers }));
  }

  #noteRates(): void {
    const now = Date.now();
    for (const { queue, meter } of this.#members.values()) meter.note(throughput(queue, now));
  }

  #say(event: `queue-${string}`, { tenant, name, version, types, paused }: QueueDefinition): void {
    this.parts.log.info({ event, tenant, queue: name, version, types, paused }, event.replace('-', ' '));
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(change, change);
    this.#changes = turn.catch(() => undefined);
    return turn;
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}

function throughput({ statistics }: DeliveryQueue, at: number): { at: number; in: number; out: number } {
  const { taken, accepted, dead, dropped } = statistics;
  return { at, in: taken, out: accepted + dead + dropped };
}

function refuseImplicit({ name, implicit }: QueueDefinition): void {
  if (!implicit) return;
  throw new HeddleError('conflict', `The queue ${name} belongs to the webhook of its name: change or delete that one.`);
}

/** What a channel leaves by is its bindings' to say, and no queue of another kind becomes one unasked. */
function refuseOther({ name, bindings }: QueueDefinition, kept: KeptByMaker): void {
  if ((bindings === undefined) === (kept.bindings === undefined)) return;
  const detail =
    bindings === undefined
      ? `The queue ${name} is there and is no channel: give the channel another name, or delete the queue first.`
      : `The queue ${name} is a channel: change it by PUT /v1/channels/${name}.`;
  throw new HeddleError('conflict', detail, { field: 'name' });
}

/** Whether two versions of a definition say the same. */
function isSame(one: QueueDefinition, other: QueueDefinition): boolean {
  const { version, updatedAt } = one;
  return isDeepStrictEqual(one, { ...other, version, updatedAt });
}
