import {
  type AnyTransaction,
  type EventIdentity,
  type Inbox,
  type InboxCleaner,
  type Outbox,
  type Raise,
  type Relay,
  type SqlTransaction,
  runIn,
} from '@heddle/outbox';
import { CommitWatch } from './commit-watch.js';
import type { MeshStore } from './mesh-store.js';

/** A database of PostgreSQL that a service has opened by itself, with whatever it likes. */
export interface MeshDatabase<Tx> {
  /** The database itself, for the few connections that the mesh has of its own: `postgres://user:password@host/name`. */
  url: string;
  /** Runs work in a transaction: commits when it resolves, rolls back when it rejects. */
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>;
  /** How statements run in such a transaction; left out where it has a `query(sql, values)`, and for Kysely's. */
  statementsOf?(tx: Tx): SqlTransaction;
}

export interface SqlStoreParts<Tx> {
  database: Pick<MeshDatabase<Tx>, 'transaction' | 'statementsOf'>;
  /** Runs statements outside of transactions. */
  reader: AnyTransaction;
  outbox: Pick<Outbox, 'raise'>;
  relay: Pick<Relay, 'start' | 'wake' | 'stop'>;
  inbox: Pick<Inbox, 'enter'>;
  cleaner: Pick<InboxCleaner, 'start' | 'stop'>;
}

/** Outbox and inbox in the database of the service. */
export class SqlStore<Tx> implements MeshStore<Tx> {
  readonly #watch: CommitWatch;

  constructor(private readonly parts: SqlStoreParts<Tx>) {
    this.#watch = new CommitWatch(() => parts.relay.wake());
  }

  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    return this.parts.database.transaction(work);
  }

  raise(tx: Tx | AnyTransaction, raises: readonly Raise[]): Promise<void> {
    return this.parts.outbox.raise(this.#statementsOf(tx), raises);
  }

  enter(tx: Tx | AnyTransaction, event: EventIdentity): Promise<boolean> {
    return this.parts.inbox.enter(this.#statementsOf(tx), event);
  }

  committed(): void {
    this.parts.relay.wake();
  }

  expectCommit(): void {
    this.#watch.expect();
  }

  async hasUnsent(): Promise<boolean> {
    return (await runIn(this.parts.reader, 'select 1 from outbox limit 1', [])).length > 0;
  }

  start(): void {
    this.parts.relay.start();
    this.parts.cleaner.start();
  }

  async stop(): Promise<void> {
    this.#watch.stop();
    await this.parts.cleaner.stop();
    await this.parts.relay.stop();
  }

  #statementsOf(tx: Tx | AnyTransaction): AnyTransaction {
    if (isAny(tx)) return tx;
    const { statementsOf } = this.parts.database;
    if (statementsOf !== undefined) return statementsOf(tx);
    throw new TypeError('The transaction has no query(sql, values): say in statementsOf how statements run in it.');
  }
}

function isAny(tx: unknown): tx is AnyTransaction {
  if (typeof tx !== 'object' || tx === null) return false;
  // A transaction of Drizzle has a `query` that is no function.
  const { query, executeQuery } = tx as { query?: unknown; executeQuery?: unknown };
  return typeof query === 'function' || typeof executeQuery === 'function';
}
