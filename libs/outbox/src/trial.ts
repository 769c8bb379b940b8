import { type Append, type AppendOutcome, HeddleError } from '@heddle/event';
import { AvroCodec, Catalogue, MemorySchemaRegistry, subjectOf } from '@heddle/schema';
import { type Kysely, sql } from 'kysely';
import { inject } from 'vitest';
import { type Database, openDatabase } from './database.js';
import { type InboxTables, createInboxTables } from './inbox-tables.js';
import { Outbox } from './outbox.js';
import { type OutboxTables, createOutboxTables } from './outbox-tables.js';
import type { PreparingClient } from './preparing-client.js';
import { Relay, type RelayOptions } from './relay.js';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

export const TYPE = 'heddle.account.v1.Account.Booked.v1';

const SCHEMA = {
  type: 'record' as const,
  name: 'AccountBooked',
  namespace: 'heddle.account.v1',
  doc: 'An amount was booked.',
  heddle: {
    type: TYPE,
    topic: 'account',
    key: 'Account',
    summary: 'An amount was booked.',
    example: { Account: 'a', Booking: '1', Text: '' },
  },
  fields: [
    { name: 'Account', type: 'string', doc: 'Name of the account.' },
    { name: 'Booking', type: 'long', doc: 'Number of the booking.' },
    { name: 'Text', type: 'string', doc: 'What it was for.', default: '' },
  ],
};

interface TrialTables extends OutboxTables, InboxTables {
  account: { key: string; booking: number };
}

/** A database of its own with one table of accounts, whose every change raises an event. For tests. */
export class Trial {
  readonly log = new RecordingLog();
  #relays: Relay[] = [];

  private constructor(
    readonly database: Database<TrialTables>,
    readonly outbox: Outbox,
    readonly codec: AvroCodec,
  ) {}

  static async open(maxValueBytes = 850 * 1024): Promise<Trial> {
    const database = await openDatabase<TrialTables>({
      url: inject('stack').databaseUrl,
      database: `outbox_${process.pid}_${Math.random().toString(36).slice(2, 10)}`,
      pool: 20,
      migrations: {
        '001-outbox': createOutboxTables,
        '001-inbox': createInboxTables,
        '002-account': {
          up: async (db: Kysely<unknown>) => {
            await sql`create table account (key text primary key, booking bigint not null)`.execute(db);
          },
        },
      },
    });
    const registry = new MemorySchemaRegistry();
    await registry.register(subjectOf('account', SCHEMA), SCHEMA);
    const codec = new AvroCodec(registry);
    const catalogue = new Catalogue(registry, codec);
    const outbox = new Outbox({ catalogue, codec, source: '/test/account', maxValueBytes });
    await outbox.prepare([TYPE]);
    catalogue.close();
    return new Trial(database, outbox, codec);
  }

  get db(): Kysely<TrialTables> {
    return this.database.db;
  }

  relay(options: Partial<RelayOptions> = {}): Relay {
    const quiet = { info: () => {}, warn: () => {} };
    const relay = new Relay({ database: this.database, eventLog: this.log, log: quiet, ...options });
    this.#relays.push(relay);
    relay.start();
    return relay;
  }

  /** One transaction that books on each key; `before` runs ahead of its end, and may throw to roll it back. */
  async book(keys: readonly string[], before: () => Promise<void> | void = () => {}): Promise<void> {
    await this.db.transaction().execute(async (tx) => {
      const raises = [];
      for (const key of keys.toSorted()) {
        const { rows } = await sql<{ booking: number }>`
          insert into account (key, booking) values (${key}, 1)
          on conflict (key) do update set booking = account.booking + 1 returning booking
        `.execute(tx);
        const booking = rows[0]?.booking ?? 0;
        raises.push({ type: TYPE, key, data: { Account: key, Booking: String(booking) }, version: booking });
      }
      await this.outbox.raise(tx, raises);
      await before();
    });
  }

  /** The bookings that are committed, by account. */
  async committed(): Promise<Map<string, number>> {
    const rows = await this.db.selectFrom('account').select(['key', 'booking']).execute();
    return new Map(rows.map(({ key, booking }) => [key, booking]));
  }

  async unsent(): Promise<number> {
    const { count } = await this.db
      .selectFrom('outbox')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Ends the connection that holds the advisory lock of a relay's session. */
  async endSessionOf(session: number): Promise<void> {
    await sql`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = ${session}`.execute(
      this.db,
    );
  }

  /** Ends the sessions of all relays. */
  async endSessions(): Promise<void> {
    await sql`
      select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
    `.execute(this.db);
  }

  async close(): Promise<void> {
    await Promise.all(this.#relays.map((relay) => relay.stop(0)));
    await this.database.close();
  }
}

/** Makes every statement of a connection wait, as when its process is stopped. */
export class Sleep {
  #awake = Promise.resolve();
  #wake = (): void => {};

  begin(): void {
    this.#awake = new Promise((resolve) => (this.#wake = resolve));
  }

  end(): void {
    this.#wake();
  }

  over(client: PreparingClient): PreparingClient {
    const query = client.query.bind(client);
    client.query = async (text: string, values?: unknown[]) => {
      await this.#awake;
      return query(text, values);
    };
    return client;
  }
}

export interface Recorded {
  key: string;
  id: string;
  sequence: number;
  attributes: Append['event']['attributes'];
  value: Uint8Array;
}

/** An event log that keeps what was appended, and fails or waits as it is told. */
export class RecordingLog {
  readonly records: Recorded[] = [];
  /** Decides for each append whether it fails. */
  fails: (append: Append) => boolean = () => false;
  /** What an append waits for before it is acknowledged; it is stored before. */
  acknowledgement: () => Promise<void> | undefined = () => undefined;

  async append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    const failed = new Set<string>();
    const outcomes = appends.map((append): AppendOutcome => {
      const { key, event } = append;
      if (failed.has(key)) return { error: new HeddleError('not-appended', 'An earlier one failed.') };
      if (this.fails(append)) {
        failed.add(key);
        return { error: new HeddleError('log-unavailable', 'The log was told to fail.') };
      }
      this.records.push({
        key,
        id: event.attributes.id,
        sequence: Number(event.attributes['sequence']),
        attributes: event.attributes,
        value: event.value,
      });
      return { position: { topic: append.topic, partition: 0, offset: this.records.length - 1 } };
    });
    await this.acknowledgement();
    return outcomes;
  }

  /** The sequence numbers under a key, in order of their first occurrence. */
  sequences(key: string): number[] {
    return [...new Set(this.records.filter((record) => record.key === key).map(({ sequence }) => sequence))];
  }
}

/** Every committed booking of every account once at least, in order, and nothing else; repeats with the same id. */
export function violations(log: RecordingLog, committed: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  const ids = new Map<string, string>();
  for (const { key, sequence, id } of log.records) {
    const known = ids.get(`${key}/${sequence}`) ?? id;
    if (known !== id) found.push(`${key}: number ${sequence} under two ids`);
    ids.set(`${key}/${sequence}`, known);
    if (sequence > (committed.get(key) ?? 0)) found.push(`${key}: ${sequence} was never committed`);
  }
  if (new Set(ids.values()).size !== ids.size) found.push('an id was used twice');
  for (const [key, count] of committed) {
    const sequences = log.sequences(key);
    if (sequences.length !== count || sequences.some((sequence, index) => sequence !== index + 1)) {
      found.push(`${key}: ${count} committed, first occurrences ${sequences.join(',')}`);
    }
  }
  return found;
}
