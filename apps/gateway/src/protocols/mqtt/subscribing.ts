import { type Caller, Permissions, requirePermission } from '@heddle/auth';
import { type ErrorCode, HeddleError } from '@heddle/event';
import { requireTopics } from '../../queues/queue-rights.js';
import type { OpenQueues } from '../open-queue.js';
import type { Upstream } from '../protocol.js';
import type { AskedSubscription, MqttVersion, SubscribePacket, UnsubscribePacket } from './client-packets.js';
import type { Deliveries } from './deliveries.js';
import { LocalSource } from './local-source.js';
import type { MqttSessions } from './mqtt-sessions.js';
import { MqttRefusal, REASONS, reasonIn, reasonOf, reasonText } from './reason-codes.js';
import { RemoteSource } from './remote-source.js';
import { RetainedSource } from './retained-source.js';
import type { RetainedFor } from './retained.js';
import type { MqttSession } from './session.js';
import type { ShareQueues } from './share-queues.js';
import type { DeliverySource } from './source.js';
import { type Made, type Selection, type Subscription, selectionOf } from './subscriptions.js';
import { type Wanted, readFilter } from './topic-filters.js';

/** What subscriptions need of where they are. */
export interface SubscribingHome {
  sessions: Pick<MqttSessions, 'changed'>;
  shares: ShareQueues;
  queues: OpenQueues;
  /** To queues of other instances. */
  hop: Pick<Upstream, 'askQueue' | 'elsewhere'>;
  maxSubscriptions: number;
  caller(): Caller;
  /** A queue that the client takes from is not there any more, or not for it: says so to the client. */
  lost(words: string): void;
}

/** In MQTT 3.1.1 there is one word for no. */
const FAILURE = 0x80;
/** How soon a queue that moves is looked for again. */
const AGAIN_MS = 200;

/** A queue that belongs to others as well, and may be at work anywhere. */
type QueueOfOthers = Exclude<Wanted, { kind: 'topics' }>;

/**
 * The subscriptions of a connection, and what it takes from because of them. A queue that others read, too, is gone after
 * to whichever instance works on it, for as long as the connection lasts.
 */
export class Subscribing {
  readonly #sources = new Map<string, DeliverySource>();
  /** Of queues that are between two instances, by the filter that wants them: when they are looked for again. */
  readonly #moving = new Map<string, NodeJS.Timeout>();
  #isTaking: DeliverySource | undefined;
  #isOver = false;

  constructor(
    private readonly session: MqttSession,
    private readonly deliveries: Deliveries,
    private readonly home: SubscribingHome,
    private readonly version: MqttVersion,
  ) {}

  /** Goes on with what the session has; what it may not have any more is not there. */
  async resume(): Promise<void> {
    for (const { filter, wanted } of this.session.subscriptions.wanted()) {
      if (wanted.kind === 'topics') continue;
      await this.#goOn(filter, wanted);
    }
    this.#takeOwn();
  }

  /** Makes the subscriptions of a packet; resolves with a code for each, when they are durable. */
  async subscribe({ subscriptions, properties }: SubscribePacket): Promise<{ granted: number[]; made: Made[] }> {
    const granted: number[] = [];
    const made: Made[] = [];
    // MQTT-3.8.3-4; of a packet that ends the connection nothing is done.
    if (subscriptions.some(({ nl, topic }) => nl === true && topic.startsWith('$share/'))) {
      throw new MqttRefusal(REASONS.protocolError, 'A shared subscription cannot be without what is local.');
    }
    for (const asked of subscriptions) {
      try {
        made.push(await this.#make(asked, properties.subscriptionIdentifier));
        granted.push(made.at(-1)!.subscription.qos);
      } catch (error) {
        granted.push(this.version === 4 ? FAILURE : reasonIn('suback', reasonOf(error)));
      }
    }
    await this.home.sessions.changed(this.session);
    this.#takeOwn();
    return { granted, made };
  }

  /** Tells what is retained for a subscription, for as long as that is there. */
  tell({ filter, grants }: RetainedFor): void {
    if (this.#isOver || grants.length === 0) return;
    const source = new RetainedSource(filter, grants, () => this.deliveries.leave(source));
    this.deliveries.take(source, () => {
      const selection = this.#selectionOf(filter);
      return selection === undefined ? undefined : { ...selection, isRetained: true };
    });
  }

  /** Ends subscriptions; resolves with a code for each, when that is durable. */
  async unsubscribe({ unsubscriptions }: UnsubscribePacket): Promise<number[]> {
    const granted: number[] = unsubscriptions.map((filter) => {
      this.#detach(filter);
      return this.session.subscriptions.delete(filter) ? REASONS.success : REASONS.noSubscriptionExisted;
    });
    await this.home.sessions.changed(this.session);
    for (const filter of unsubscriptions) await this.#leaveShare(filter);
    return granted;
  }

  /** The connection has ended: what was on its way from queues that others read, too, is for them now. */
  close(): void {
    this.#isOver = true;
    for (const timer of this.#moving.values()) clearTimeout(timer);
    for (const source of this.#sources.values()) {
      const flying = this.session.flight.drop(source);
      const lost = flying.map(({ grant }) => ({
        token: grant.token,
        action: 'release' as const,
        delayMs: 0,
        reason: 'connection lost',
      }));
      const answer = source.settle(lost);
      if (answer instanceof Promise) answer.catch(() => undefined);
      source.close();
    }
    this.#sources.clear();
  }

  async #make(asked: AskedSubscription, identifier: number | undefined): Promise<Made> {
    const { topic: filter, qos, nl, rap, rh = 0 } = asked;
    const wanted = readFilter(filter);
    const { subscriptions } = this.session;
    const isNew = !subscriptions.has(filter);
    if (isNew && subscriptions.size >= this.home.maxSubscriptions) {
      throw new HeddleError('quota-exceeded', `A session has at most ${this.home.maxSubscriptions} subscriptions.`);
    }
    const caller = this.home.caller();
    if (wanted.kind === 'queue') requirePermission(caller, 'consume', 'queue', wanted.name);
    else requireTopics(caller, wanted.patterns);
    const subscription: Subscription = {
      filter,
      qos: qos === 0 ? 0 : 1,
      ...(nl === true ? { noLocal: true } : {}),
      ...(rap === true ? { retainAsPublished: true } : {}),
      ...(identifier === undefined ? {} : { identifier }),
    };
    subscriptions.put(subscription);
    try {
      if (wanted.kind !== 'topics') await this.#attach(filter, wanted);
    } catch (error) {
      if (isNew) subscriptions.delete(filter);
      throw error;
    }
    return { subscription, wanted, isNew, retainHandling: rh };
  }

  /** @throws HeddleError `permission-missing`, `not-found`; of a group what its queue could not be made for */
  async #attach(filter: string, wanted: QueueOfOthers): Promise<void> {
    const caller = this.home.caller();
    if (wanted.kind === 'queue') requirePermission(caller, 'consume', 'queue', wanted.name);
    const name = wanted.kind === 'queue' ? wanted.name : await this.home.shares.ensure(caller, wanted);
    if (this.#isOver || this.#sources.has(filter) || !this.session.subscriptions.has(filter)) return;
    const source = this.#sourceOf(caller, wanted.kind, name, filter);
    if (source === undefined) {
      this.#lookAgain(filter, wanted);
      return;
    }
    this.#sources.set(filter, source);
    source.onClosed((reason) => {
      // What is on its way from there is not this session's any more; it comes again from where the queue is now.
      this.session.flight.lose(this.session.flight.of(source));
      this.#detach(filter);
      if (reason === 'moved') this.#lookAgain(filter, wanted);
      else this.#lose(filter, `${nameOf(wanted)} was deleted.`);
    });
    this.deliveries.take(source, () => this.#selectionOf(filter));
  }

  /** Attaches to what was subscribed to before; what may not be had any more is not subscribed to. */
  async #goOn(filter: string, wanted: QueueOfOthers, isSaid = false): Promise<void> {
    try {
      await this.#attach(filter, wanted);
    } catch (error) {
      if (error instanceof HeddleError && error.retryable) this.#lookAgain(filter, wanted);
      else if (isSaid) this.#lose(filter, `${nameOf(wanted)} cannot be had any more: ${reasonText(error)}`);
      else this.session.subscriptions.delete(filter);
    }
  }

  /** Neither version has a word for one subscription that ends: the client is told once, and finds out which when it is back. */
  #lose(filter: string, words: string): void {
    if (this.#isOver || !this.session.subscriptions.delete(filter)) return;
    this.home.sessions.changed(this.session).catch(() => undefined);
    this.home.lost(words);
  }

  #lookAgain(filter: string, wanted: QueueOfOthers): void {
    clearTimeout(this.#moving.get(filter));
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#moving.delete(filter);
      void this.#goOn(filter, wanted, true);
    }, AGAIN_MS);
    this.#moving.set(filter, timer);
  }

  /**
   * Nothing while the queue is on its way from one instance to another.
   *
   * @throws HeddleError `not-found`
   */
  #sourceOf(caller: Caller, kind: 'shared' | 'queue', name: string, filter: string): DeliverySource | undefined {
    const { queues, hop } = this.home;
    try {
      return new LocalSource(kind, queues.open(caller.tenant, name), filter);
    } catch (error) {
      const code = error instanceof HeddleError ? error.code : undefined;
      if (!isElsewhere(code, kind)) throw error;
      const owner = hop.elsewhere(caller.tenant, name);
      if (owner === undefined) return undefined;
      // Whoever is a member of a group may take from its queue, though it has no right to a queue of that name.
      const permissions = Permissions.of([...caller.permissions.texts, `consume:queue:${name}`]);
      const member = kind === 'shared' ? { ...caller, permissions } : caller;
      return new RemoteSource(kind, name, filter, member, hop, owner);
    }
  }

  #detach(filter: string): void {
    clearTimeout(this.#moving.get(filter));
    this.#moving.delete(filter);
    const source = this.#sources.get(filter);
    if (source === undefined) return;
    this.#sources.delete(filter);
    this.deliveries.leave(source);
    source.close();
  }

  async #leaveShare(filter: string): Promise<void> {
    const wanted = wantedOf(filter);
    if (wanted?.kind !== 'shared') return;
    // Whoever works on the queue then finds that nobody wants it, when it cannot be asked now.
    await this.home.shares.left({ ...this.home.caller(), ...wanted }, this.session.name).catch(() => undefined);
  }

  #selectionOf(filter: string): Selection | undefined {
    const subscription = this.session.subscriptions.get(filter);
    return subscription === undefined ? undefined : selectionOf(subscription);
  }

  #takeOwn(): void {
    const { source, subscriptions } = this.session;
    if (source === undefined || this.#isTaking === source) return;
    this.#isTaking = source;
    this.deliveries.take(source, (topic) => subscriptions.select(topic));
  }
}

function nameOf(wanted: QueueOfOthers): string {
  return wanted.kind === 'queue' ? `The queue ${wanted.name}` : `The queue of the group ${wanted.group}`;
}

/** What is no filter is one that nobody has. */
function wantedOf(filter: string): Wanted | undefined {
  try {
    return readFilter(filter);
  } catch {
    return undefined;
  }
}

/** Of the queue of a group that another instance has just made, this one may not have heard yet. */
function isElsewhere(code: ErrorCode | undefined, kind: 'shared' | 'queue'): boolean {
  return code === 'queue-elsewhere' || (code === 'not-found' && kind === 'shared');
}
