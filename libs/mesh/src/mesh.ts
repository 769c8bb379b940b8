import type { ConsumeOptions, Consumer, ConsumerStatus, EventAttributes, EventLog, StoredEvent } from '@heddle/event';
import type { AnyTransaction, Raise } from '@heddle/outbox';
import type { Health, HealthReport, Log, StopStep } from '@heddle/runtime';
import { Counter, type Registry } from 'prom-client';
import type { AnyEvents, EventFor, RaiseOf } from './event-map.js';
import { type Handler, Handlers } from './handlers.js';
import { MeshInbox } from './mesh-inbox.js';
import type { MeshStore } from './mesh-store.js';
import type { Fetched, ObjectFetch } from './object-fetch.js';
import type { OriginOfChange } from './origin.js';
import { TransactionBook } from './transaction-book.js';

/** How events are consumed: when and how often they are tried again, how many side by side, and where a new group begins. */
export type ConsumeTuning = Partial<Pick<ConsumeOptions, 'from' | 'retry' | 'concurrency' | 'handlingMs'>>;

/** What a mesh stands on, opened. */
export interface MeshGround<Tx> {
  /** The consumer group, and whose effects the inbox notes. */
  group: string;
  /** Whose events come to the handlers. */
  topics: readonly string[];
  eventLog: Pick<EventLog, 'consume'>;
  store: MeshStore<Tx>;
  objects: Pick<ObjectFetch, 'fetch'>;
  consume: ConsumeTuning;
  log: Log;
  health: Health;
  metrics: Registry;
  /** What is closed after consumer and relay, in this order. */
  closing: readonly StopStep[];
}

/**
 * The mesh, as a microservice has it: it raises events in its own transactions, handles those of others, each with one
 * effect, and fetches the objects that they speak of. `E` are the generated maps of the events it knows, `Tx` are its
 * transactions.
 */
export class Mesh<E extends object = AnyEvents, Tx = AnyTransaction> {
  /** Makes a handler's effect once per event, whatever comes again. */
  readonly inbox: MeshInbox<Tx>;
  readonly #ground: MeshGround<Tx>;
  readonly #handlers = new Handlers();
  readonly #transactions = new TransactionBook();
  readonly #unhandled: Counter<'type'>;
  #consumer: Promise<Consumer> | undefined;
  #joined: Consumer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(ground: MeshGround<Tx>) {
    this.#ground = ground;
    this.inbox = new MeshInbox(ground.store, (work, origin) => this.#transaction(work, origin));
    this.#unhandled = new Counter({
      name: 'heddle_unhandled_events_total',
      help: 'Events that came and that no handler is for; they are acknowledged',
      labelNames: ['type'],
      registers: [ground.metrics],
    });
  }

  /** Figures for Prometheus: of the outbox, and of what nobody handled. */
  get metrics(): Registry {
    return this.#ground.metrics;
  }

  /**
   * Raises events in a transaction of the caller's: they exist if and only if it commits, and are in the log within
   * milliseconds of that. Raise all events of a transaction in one call. Inside of `inbox.once` they carry on the
   * correlation and the trace of the event that is handled, unless they have their own.
   *
   * @param tx a transaction of Kysely, anything with `query(sql, values)` such as a client of `pg`, or what the database
   * of this mesh has
   * @throws HeddleError `data-invalid`, `attribute-invalid`, `too-large`, `type-unknown`: the transaction must not commit
   */
  async raise(tx: Tx | AnyTransaction, events: readonly RaiseOf<E>[]): Promise<void> {
    const { store } = this.#ground;
    const known = this.#transactions.of(tx);
    const raises = events as unknown as readonly Raise[];
    await store.raise(tx, known === undefined ? raises : raises.map((raise) => ({ ...known.origin, ...raise })));
    if (known === undefined) store.expectCommit();
    else known.hasRaised = true;
  }

  /** Runs work in a transaction of the mesh's database, and carries over at once what it raised. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    return this.#transaction(work, {});
  }

  /**
   * The object that an event speaks of, never older than the event: it waits a while for an owner that is behind.
   *
   * @param what an event, or a `dataref`
   * @throws HeddleError `object-behind`, `owner-unavailable`, `rate-limited`, `credentials-unavailable`, which are
   * retryable: a handler passes them on, and the event comes again. `permission-missing`, `token-invalid`,
   * `parameter-invalid`, which are not
   */
  fetch<S>(what: StoredEvent | EventAttributes | string): Promise<Fetched<S>> {
    return this.#ground.objects.fetch<S>(typeof what === 'string' ? what : attributesOf(what));
  }

  /**
   * Adds a handler for events of a type, of a prefix with a trailing `*`, or of all (`*`), before `start`. Those of a
   * key come one after another, in order.
   */
  handle<const P extends (keyof E & string) | (string & {})>(pattern: P, handler: Handler<EventFor<E, P>>): this {
    this.#handlers.add(pattern, handler as Handler<StoredEvent>);
    return this;
  }

  /** Begins to consume with the handlers added; resolves when this process has its place in the group. */
  async start(): Promise<void> {
    if (this.#handlers.isEmpty) return;
    const { group, topics, consume } = this.#ground;
    const { handle, wants } = this.#handlers;
    const { onUnhandled } = this;
    await this.consume({ from: 'earliest', ...consume, group, topics, handle, wants, onUnhandled });
  }

  /** What `connectMesh` consumes with. */
  get consumption(): Pick<MeshGround<Tx>, 'group' | 'topics' | 'consume'> {
    return this.#ground;
  }

  /** Becomes a member of the group, once; `start` and `connectMesh` call this. */
  readonly consume = (options: ConsumeOptions): Promise<Consumer> => {
    this.#consumer ??= this.#join(options);
    return this.#consumer;
  };

  /** How this process consumes; nothing before it has its place in the group. */
  get consumer(): ConsumerStatus | undefined {
    return this.#joined?.status();
  }

  /** Counts an event that no handler is for. */
  readonly onUnhandled = ({ topic, attributes: { type, id } }: StoredEvent): void => {
    this.#unhandled.inc({ type });
    this.#ground.log.debug({ event: 'unhandled', topic, type, id }, 'no handler is for an event');
  };

  /** Whether log, registry and database answer, and events are handled. */
  health(): Promise<HealthReport> {
    return this.#ground.health.report();
  }

  /** Stops in order: handlers finish, what is committed is carried over, then connections are closed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The steps of `stop`, for a process that stops more than this in order. */
  stopSteps(): StopStep[] {
    return [
      { name: 'consumer', run: async () => (await this.#consumer?.catch(() => undefined))?.stop() },
      { name: 'relay', run: () => this.#ground.store.stop() },
      ...this.#ground.closing,
    ];
  }

  /** Transactions of the mesh that are under way. */
  protected get openTransactions(): number {
    return this.#transactions.open;
  }

  async #join(options: ConsumeOptions): Promise<Consumer> {
    const joined = await this.#ground.eventLog.consume(options);
    this.#joined = joined;
    this.#ground.health.add('consumer', () => joined.ping());
    return joined;
  }

  async #stop(): Promise<void> {
    for (const { name, run } of this.stopSteps()) {
      try {
        await run();
      } catch (error) {
        // What follows is closed all the same.
        this.#ground.log.warn({ event: 'stop-step-failed', step: name, err: error }, 'a step of stopping failed');
      }
    }
  }

  async #transaction<R>(work: (tx: Tx) => Promise<R>, origin: OriginOfChange): Promise<R> {
    const { store } = this.#ground;
    const { result, hasRaised } = await this.#transactions.during<Tx, R>(origin, (note) =>
      store.transaction(async (tx) => {
        note(tx);
        return work(tx);
      }),
    );
    if (hasRaised) store.committed();
    return result;
  }
}

function attributesOf(what: StoredEvent | EventAttributes): EventAttributes {
  return typeof what.attributes === 'object' ? what.attributes : (what as EventAttributes);
}
