import { HeddleError } from '@heddle/event';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { DatabaseError, escapeIdentifier } from 'pg';
import { PreparingClient, PreparingPool } from './preparing-client.js';
import type { SqlAnswer, SqlTransaction } from './sql-transaction.js';

/** Which database a service has, and what is done to it before its first use. */
export interface DatabaseOptions {
  /** The server; a database in its path is where it is asked to create the service's own. */
  url: string;
  /** The service's own database; created when the server does not have it. */
  database: string;
  /** Connections at most, those set apart for a relay counted in. */
  pool: number;
  /** By name, run in the order of their names; each once per database, however many processes start together. */
  migrations: Record<string, Migration>;
  /** Told of connections that are lost while idle; the pool makes new ones by itself. */
  onConnectionLost?(error: Error): void;
}

/** How many connections a relay keeps for itself. */
const RELAY_CONNECTIONS = 1;
const CONNECT_TIMEOUT_MS = 5000;

/** The database of one service. Every error of a connection is `store-unavailable`, and the next use connects anew. */
export interface Database<T> {
  db: Kysely<T>;
  /** A connection outside the pool, for a relay. */
  connect(): Promise<PreparingClient>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Creates the database where it is missing, brings its tables up to date, and opens it.
 *
 * @throws HeddleError `store-unavailable` when the server cannot be reached.
 */
export async function openDatabase<T>(options: DatabaseOptions): Promise<Database<T>> {
  const own = new URL(options.url);
  await createDatabase(options.url, options.database);
  own.pathname = `/${encodeURIComponent(options.database)}`;
  const connection = {
    connectionString: own.href,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: options.database,
  };
  const pool = new PreparingPool({ ...connection, max: Math.max(1, options.pool - RELAY_CONNECTIONS) });
  // Without a listener, an idle connection that the server ends would end this process.
  pool.on('error', (error) => options.onConnectionLost?.(error));
  const db = new Kysely<T>({ dialect: new PostgresDialect({ pool }) });
  try {
    await migrate(db, options.migrations);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    db,
    connect: async () => {
      const client = new PreparingClient(connection);
      await connectClient(client);
      return client;
    },
    ping: async () => void (await sql`select 1`.execute(db)),
    close: () => db.destroy(),
  };
}

/** A database that somebody else has opened, for the few connections that outbox and inbox have of their own. */
export interface DatabaseAt extends Pick<Database<unknown>, 'connect' | 'ping'>, SqlTransaction {}

/** @param url names the database itself; errors are as those of {@link openDatabase} */
export function databaseAt(url: string): DatabaseAt {
  const connection = { connectionString: url, keepAlive: true, connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
  const connect = async (): Promise<PreparingClient> => {
    const client = new PreparingClient({ ...connection, application_name: 'heddle-relay' });
    await connectClient(client);
    return client;
  };
  // Asked now and then only: a connection that is kept would be one more of few.
  const query = async (text: string, values: unknown[]): Promise<SqlAnswer> => {
    const client = await connect();
    try {
      return await client.query(text, values);
    } finally {
      await client.end().catch(() => {});
    }
  };
  return { connect, query, ping: async () => void (await query('select 1', [])) };
}

async function connectClient(client: PreparingClient): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    throw new HeddleError('store-unavailable', `The database server cannot be reached: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

/** SQLSTATEs: it exists; it has just been created by another process; the template is in use for a moment. */
const EXISTS = new Set(['42P04', '23505']);
const TEMPLATE_IN_USE = '55006';

async function createDatabase(url: string, database: string): Promise<void> {
  const server = new URL(url);
  if (server.pathname === '' || server.pathname === '/') server.pathname = '/postgres';
  const client = new PreparingClient({ connectionString: server.href, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await connectClient(client);
  try {
    for (let attempt = 1; ; attempt += 1) {
      const { rows } = await client.query('select 1 from pg_database where datname = $1', [database]);
      if (rows.length > 0) return;
      try {
        await client.query(`create database ${escapeIdentifier(database)}`);
        return;
      } catch (error) {
        if (error instanceof DatabaseError && EXISTS.has(error.code ?? '')) return;
        if (!(error instanceof DatabaseError && error.code === TEMPLATE_IN_USE && attempt < 10)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100 * attempt));
      }
    }
  } finally {
    await client.end();
  }
}

async function migrate<T>(db: Kysely<T>, migrations: Record<string, Migration>): Promise<void> {
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  // Tables of the mesh, whose names come first, may be new to a database that has those of its service already.
  const migrator = new Migrator({ db, provider, allowUnorderedMigrations: true });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
