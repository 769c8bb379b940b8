import { HeddleError } from '@heddle/event';
import { sql } from 'kysely';
import { describe, expect, inject, it, vi } from 'vitest';
import { openDatabase } from './database.js';
import { createInboxTables } from './inbox-tables.js';
import { createOutboxTables } from './outbox-tables.js';
import './trial.js';

const options = () => ({
  url: inject('stack').databaseUrl,
  database: `opened_${process.pid}_${Math.random().toString(36).slice(2, 10)}`,
  pool: 3,
  migrations: { '000-outbox': createOutboxTables },
});

describe('a database', () => {
  it('is created and migrated once, however many processes open it together', async () => {
    const wanted = options();
    const opened = await Promise.all(Array.from({ length: 6 }, () => openDatabase(wanted)));
    await Promise.all(opened.map((database) => database.ping()));
    const { rows } = await sql`select shard from outbox_shard`.execute(opened[0]!.db);
    expect(rows).toHaveLength(16);
    await Promise.all(opened.map((database) => database.close()));
  });

  it('that was made before there were tables of the mesh gets them, whatever it has had since', async () => {
    const wanted = options();
    const older = await openDatabase({ ...wanted, migrations: { '001-bill': { up: () => Promise.resolve() } } });
    await older.close();
    const migrations = { '000-inbox': createInboxTables, '001-bill': { up: () => Promise.resolve() } };
    const newer = await openDatabase({ ...wanted, migrations });
    expect((await sql`select id from inbox`.execute(newer.db)).rows).toEqual([]);
    await newer.close();
  });

  it('is used by no more connections than its pool, the one of a relay counted in', async () => {
    const database = await openDatabase(options());
    const client = await database.connect();
    await Promise.all(Array.from({ length: 20 }, () => sql`select pg_sleep(0.02)`.execute(database.db)));
    const { rows } = await client.query<{ count: number }>(
      'select count(*) as count from pg_stat_activity where datname = current_database()',
    );
    expect(rows[0]?.count).toBe(3);
    await client.end();
    await database.close();
  });

  it('that ends its connections is told of, answered with store-unavailable, and used again', async () => {
    const lost = vi.fn<(error: Error) => void>();
    const database = await openDatabase({ ...options(), onConnectionLost: lost });
    const client = await database.connect();
    const running = sql`select pg_sleep(30)`.execute(database.db);
    const outcome = running.catch((error: unknown) => error);
    await vi.waitFor(
      async () => {
        const { rows } = await client.query(
          `select 1 from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()`,
        );
        expect(rows).toHaveLength(1);
      },
      { timeout: 10_000 },
    );
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    expect(await outcome).toMatchObject({ code: 'store-unavailable', retryable: true });
    await vi.waitFor(() => database.ping(), { timeout: 10_000 });
    await client.end();
    await database.close();
  });

  it('that cannot be reached is said to be unavailable', async () => {
    const wanted = { ...options(), url: 'postgres://heddle:heddle@127.0.0.1:1' };
    const outcome = await openDatabase(wanted).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(HeddleError);
    expect(outcome).toMatchObject({ code: 'store-unavailable', retryable: true });
  });

  it('says what a wrong statement is, and does not call it unavailable', async () => {
    const database = await openDatabase(options());
    await expect(sql`select nothing from nowhere`.execute(database.db)).rejects.toMatchObject({ code: '42P01' });
    await database.close();
  });
});
