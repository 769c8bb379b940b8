import type { Caller } from '@heddle/auth';
import type { Log } from '@heddle/runtime';
import type { QueueDirectory } from '../../queues/queue-directory.js';
import type { TakenSlot } from '../../queues/ownership.js';
import { queueShape } from '../../queues/queue.shape.js';
import { requireTopics } from '../../queues/queue-rights.js';
import type { Queues } from '../../queues/queues.js';
import { LocalSource } from './local-source.js';
import type { PacketUseStore } from './packet-use-store.js';
import type { RetainedMessages } from './retained-messages.js';
import { MqttSession, type SessionConnection } from './session.js';
import { sessionQueue } from './session-name.js';
import type { ShareQueues } from './share-queues.js';
import type { StoredSession, StoredShare } from './stored-session.js';
import { readFilter } from './topic-filters.js';

export interface SessionsParts {
  queues: Pick<Queues, 'put' | 'delete' | 'open' | 'atWork' | 'find'>;
  directory: Pick<QueueDirectory, 'inSlot'>;
  messages: Pick<RetainedMessages, 'publish'>;
  shares: ShareQueues;
  uses: PacketUseStore;
  log: Log;
}

/** What a client asks for when it connects. */
export interface OpenWish {
  clientId: string;
  cleanStart: boolean;
  expirySeconds: number;
}

/** What the queue of a session is like, beside what it selects. */
const QUEUE = { types: [], order: 'none', maxInFlight: 65_535, leaseMs: 60_000 } as const;

/**
 * The sessions of MQTT whose queues are at work at this instance, of clients that are here or away. What has to outlive
 * a crash stands in the definition of the session's queue; a session without an expiry has a queue from its first
 * subscription on, and nothing of it stays.
 */
export class MqttSessions {
  readonly #sessions = new Map<string, MqttSession>();
  /** What becomes of a session comes one after another. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** One for all sessions, so that an idle one costs nothing. */
  readonly #renewing = setInterval(() => this.#renew(), RENEW_MS).unref();

  constructor(private readonly parts: SessionsParts) {}

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Goes on with the session of a client, or begins a new one; says which. A connection that it had is told to go.
   *
   * @throws HeddleError `quota-exceeded`, `queue-elsewhere`, `log-unavailable`
   */
  open(
    caller: Caller,
    { clientId, cleanStart, expirySeconds }: OpenWish,
    connection: SessionConnection,
  ): Promise<{ session: MqttSession; isPresent: boolean }> {
    const name = sessionQueue(caller.client, clientId);
    return this.#inTurn(keyOf(caller.tenant, name), async () => {
      const before = this.#sessions.get(keyOf(caller.tenant, name));
      before?.connection?.takenOver();
      // One that was not to be kept has ended with its connection, however that ended.
      const kept = before?.expirySeconds ?? this.#stored(caller.tenant, name)?.expirySeconds;
      if (cleanStart || kept === 0) await this.#forget(caller.tenant, name);
      const known = this.#known(caller, name);
      const isPresent = known !== undefined;
      const session = known ?? this.#begin(new MqttSession(name, clientId, caller, expirySeconds));
      clearTimeout(session.expiry);
      clearTimeout(session.willTimer);
      session.caller = caller;
      session.connection = connection;
      session.expirySeconds = expirySeconds;
      if (isPresent) this.#keepRights(session);
      await this.#store(session);
      if (expirySeconds > 0 && !session.hasKeptUses) {
        session.uses = await this.parts.uses.of(session);
        session.hasKeptUses = true;
      }
      return { session, isPresent };
    });
  }

  /** Stores the subscriptions of a session; those to topics are a matter of its queue. Resolves when that is durable. */
  changed(session: MqttSession): Promise<void> {
    return this.#inTurn(keyOf(session.tenant, session.name), () => this.#store(session));
  }

  /**
   * A connection of a session has ended. When another one goes on with it, nothing follows; else the session is kept for
   * its time, and its will is published.
   */
  left(session: MqttSession, connection: SessionConnection): void {
    if (session.connection !== connection) return;
    session.connection = undefined;
    const keptMs = session.expirySeconds * 1000;
    const willMs = Math.min(keptMs, (session.will?.delaySeconds ?? 0) * 1000);
    if (willMs === 0) this.#publishWill(session);
    else if (session.will !== undefined) session.willTimer = timer(willMs, () => this.#publishWill(session));
    if (keptMs === 0) void this.#expire(session);
    else session.expiry = timer(keptMs, () => void this.#expire(session));
  }

  /** A slot was taken over: its sessions wait for their clients from now on. */
  onTaken({ slot }: Pick<TakenSlot, 'slot'>): void {
    this.parts.uses.forget(slot);
    for (const { tenant, name, session } of this.parts.directory.inSlot(slot).queues) {
      if (session?.protocol === 'mqtt') this.#awaitClient(tenant, name, session);
      // Its members come back within their time; what they do not come back to is nobody's.
      else if (session !== undefined) timer(ORPHAN_MS, () => void this.#leftShares(tenant, [session]));
    }
  }

  onLost(slot: number): void {
    this.parts.uses.forget(slot);
    for (const { tenant, name } of this.parts.directory.inSlot(slot).queues) this.#moved(keyOf(tenant, name));
  }

  /** A message of QoS 2 was released. Resolves when that is durable, where the session is kept. @throws HeddleError */
  released({ tenant, name, uses, hasKeptUses }: MqttSession): Promise<void> | undefined {
    return hasKeptUses ? this.parts.uses.keep({ tenant, name }, uses) : undefined;
  }

  close(): void {
    clearInterval(this.#renewing);
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
  }

  #renew(): void {
    for (const session of this.#sessions.values()) {
      const { oldest } = session.flight;
      if (oldest === undefined) continue;
      session.renew();
      session.connection?.waited(performance.now() - oldest.since);
    }
  }

  #known(caller: Caller, name: string): MqttSession | undefined {
    const key = keyOf(caller.tenant, name);
    const live = this.#sessions.get(key);
    if (live !== undefined) return live;
    const stored = this.#stored(caller.tenant, name);
    if (stored === undefined) return undefined;
    const session = this.#begin(new MqttSession(name, stored.clientId, caller, stored.expirySeconds, stored));
    session.isRevived = true;
    return session;
  }

  #stored(tenant: string, name: string): StoredSession | undefined {
    const stored = this.parts.queues.find(tenant, name)?.session;
    return stored?.protocol === 'mqtt' ? stored : undefined;
  }

  #begin(session: MqttSession): MqttSession {
    this.#sessions.set(keyOf(session.tenant, session.name), session);
    return session;
  }

  /** Rights may be less than they were when something was subscribed to. */
  #keepRights({ subscriptions, caller }: MqttSession): void {
    for (const { filter, wanted } of subscriptions.wanted()) {
      if (wanted.kind === 'queue') continue;
      try {
        requireTopics(caller, wanted.patterns);
      } catch {
        subscriptions.delete(filter);
      }
    }
  }

  async #store(session: MqttSession): Promise<void> {
    const { caller, name, tenant, expirySeconds, subscriptions } = session;
    const { patterns } = subscriptions;
    const { queues } = this.parts;
    const isKept = expirySeconds > 0 || subscriptions.wanted().some(({ wanted }) => wanted.kind !== 'queue');
    if (!isKept && queues.find(tenant, name) === undefined) return;
    const request = queueShape.parse({ ...QUEUE, topicPatterns: patterns });
    await queues.put(caller, name, request, undefined, { session: session.stored });
    session.source ??= this.#open(session);
  }

  #open(session: MqttSession): LocalSource {
    const { tenant, name } = session;
    const source = new LocalSource('own', this.parts.queues.open(tenant, name));
    source.onClosed((reason) => {
      session.source = undefined;
      for (const { packetId } of session.flight.all) session.flight.end(packetId);
      session.connection?.dismiss(reason);
      this.#sessions.delete(keyOf(tenant, name));
      session.close();
    });
    return source;
  }

  async #expire(session: MqttSession): Promise<void> {
    const key = keyOf(session.tenant, session.name);
    try {
      await this.#inTurn(key, async () => {
        if (session.connection !== undefined || this.#sessions.get(key) !== session) return;
        await this.#forget(session.tenant, session.name);
      });
    } catch (error) {
      this.parts.log.warn(
        { event: 'mqtt-session-kept', session: session.name, err: error },
        'could not be deleted yet',
      );
      session.expiry = timer(RETRY_MS, () => void this.#expire(session));
    }
  }

  /** Ends a session with its queue. */
  async #forget(tenant: string, name: string): Promise<void> {
    const key = keyOf(tenant, name);
    const session = this.#sessions.get(key);
    if (session !== undefined) {
      this.#sessions.delete(key);
      // What would come when the session has ended comes now.
      if (session.willTimer !== undefined) this.#publishWill(session);
      session.close();
    }
    const stored = this.parts.queues.find(tenant, name)?.session;
    if (stored === undefined) return;
    await this.parts.queues.delete({ tenant }, name);
    // One that is there all the same is known to be of another session by the queue that it names.
    if (session?.hasKeptUses !== false) this.parts.uses.drop({ tenant, name }).catch(() => undefined);
    if (stored.protocol === 'mqtt') await this.#leftShares(tenant, sharesOf(stored), name);
  }

  async #leftShares(tenant: string, shares: readonly StoredShare[], session?: string): Promise<void> {
    for (const share of shares) {
      await this.parts.shares.left({ tenant, ...share }, session).catch((error: unknown) => {
        this.parts.log.warn(
          { event: 'mqtt-share-kept', tenant, group: share.group, err: error },
          'could not be deleted',
        );
      });
    }
  }

  #publishWill(session: MqttSession): void {
    const { will, caller } = session;
    if (will === undefined) return;
    session.will = undefined;
    clearTimeout(session.willTimer);
    session.willTimer = undefined;
    const { message, isRetained, expirySeconds } = will;
    const expiresAt = expirySeconds === undefined ? {} : { expiresAt: Date.now() + expirySeconds * 1000 };
    const say = (error: unknown): void =>
      this.parts.log.warn({ event: 'mqtt-will-refused', session: session.name, err: error }, 'a will was refused');
    this.parts.messages.publish(caller, [{ message: { ...message, ...expiresAt }, isRetained }]).then(([outcome]) => {
      if (outcome !== undefined && 'error' in outcome) say(outcome.error);
    }, say);
  }

  /** Of the time before, only how long it may be kept is known: it begins anew. */
  #awaitClient(tenant: string, name: string, { expirySeconds }: StoredSession): void {
    const key = keyOf(tenant, name);
    timer(expirySeconds * 1000, () => {
      if (this.#sessions.has(key) || this.parts.queues.atWork(tenant, name) === undefined) return;
      void this.#inTurn(key, () => this.#forget(tenant, name)).catch(() => undefined);
    });
  }

  #moved(key: string): void {
    const session = this.#sessions.get(key);
    if (session === undefined) return;
    this.#sessions.delete(key);
    session.connection?.dismiss('moved');
    session.close();
  }

  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

/** Well within the time of a lease. */
const RENEW_MS = 20_000;
const RETRY_MS = 5000;
const ORPHAN_MS = 600_000;
/** The longest that a timer of Node waits. */
const LONGEST_MS = 2 ** 31 - 1;

function timer(ms: number, work: () => void): NodeJS.Timeout {
  return setTimeout(work, Math.min(ms, LONGEST_MS)).unref();
}

/** The groups that a session is a member of. */
function sharesOf({ client, subscriptions }: StoredSession): StoredShare[] {
  return subscriptions.flatMap((subscription) => {
    const wanted = readFilter(subscription.filter);
    if (wanted.kind !== 'shared') return [];
    const { group, filter } = wanted;
    return [{ protocol: 'mqtt-share' as const, client, group, filter }];
  });
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
