import { type EventLog, topicOf } from '@heddle/event';
import {
  type AnyTransaction,
  type Database,
  Inbox,
  InboxCleaner,
  type Outbox,
  Relay,
  RelayMetrics,
  databaseAt,
  openDatabase,
} from '@heddle/outbox';
import type { Log } from '@heddle/runtime';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Registry } from 'prom-client';
import type { ServiceSettings } from './service-settings.js';
import { type MeshDatabase, SqlStore } from './sql-store.js';

/** A database that the mesh creates, brings up to date and opens; its transactions are Kysely's. */
export interface OwnDatabase {
  /** By name, each run once; those of the mesh's own tables are among them. */
  migrations: Record<string, Migration>;
  /** What it is called on the server; the name of the service when left out. */
  name?: string;
}

/** One that the mesh opens, or one that the service has opened. */
export type StoreDatabase<Tx> = OwnDatabase | MeshDatabase<Tx>;

export interface StoreOptions<Tx> {
  name: string;
  database: StoreDatabase<Tx>;
  /** What one of the mesh's own is called. */
  databaseName: string;
  settings: Pick<ServiceSettings, 'databaseUrl' | 'databasePool' | 'tenant' | 'inboxDays'>;
  eventLog: Pick<EventLog, 'append'>;
  outbox: Outbox;
  log: Log;
  metrics: Registry;
}

export interface OpenDatabase<Tx> {
  store: SqlStore<Tx>;
  // oxlint-disable-next-line typescript/no-explicit-any -- whoever asked for it knows its tables
  db: Kysely<any> | undefined;
  ping(): Promise<void>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;

/** Outbox and inbox on a database, whoever opens it. @throws HeddleError `store-unavailable` */
export async function openStore<Tx>(options: StoreOptions<Tx>): Promise<OpenDatabase<Tx>> {
  const { database, settings, log } = options;
  if (!('migrations' in database)) {
    const at = databaseAt(database.url);
    await at.ping();
    return { ...at, db: undefined, close: async () => {}, store: storeOn(options, database, at, at) };
  }
  const { databaseUrl, databasePool } = settings;
  const own = await openDatabase<unknown>({
    url: databaseUrl,
    database: database.name ?? options.databaseName,
    pool: databasePool,
    migrations: database.migrations,
    onConnectionLost: (error) => log.warn({ event: 'connection-lost', err: error }, 'a database connection was lost'),
  });
  const transaction = <R>(work: (tx: Tx) => Promise<R>): Promise<R> =>
    own.db.transaction().execute((tx) => work(tx as unknown as Tx));
  return { ...own, store: storeOn(options, { transaction }, own, own.db) };
}

function storeOn<Tx>(
  { name, settings, eventLog, outbox, log, metrics }: StoreOptions<Tx>,
  database: Pick<MeshDatabase<Tx>, 'transaction' | 'statementsOf'>,
  connections: Pick<Database<unknown>, 'connect'>,
  reader: AnyTransaction,
): SqlStore<Tx> {
  return new SqlStore({
    database,
    reader,
    outbox,
    relay: new Relay({ database: connections, eventLog, log, metrics: new RelayMetrics(metrics, reader) }),
    inbox: new Inbox(topicOf(name, settings.tenant)),
    cleaner: new InboxCleaner({ database: connections, log, keepMs: settings.inboxDays * DAY_MS }),
  });
}
