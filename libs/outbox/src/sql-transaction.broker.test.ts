import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { Inbox } from './inbox.js';
import { INBOX_STATEMENTS } from './inbox-tables.js';
import { OUTBOX_STATEMENTS } from './outbox-tables.js';
import type { SqlTransaction } from './sql-transaction.js';
import { TYPE, Trial } from './trial.js';

describe('a transaction of plain pg', () => {
  let trial: Trial;
  let client: pg.Client;

  beforeEach(async () => {
    trial = await Trial.open();
    client = await connected(trial);
    await client.query('begin');
  });

  afterEach(async () => {
    await client.end();
    await trial.close();
  });

  const raise = (tx: SqlTransaction, key: string, text = '') =>
    trial.outbox.raise(tx, [{ type: TYPE, key, data: { Account: key, Booking: '1', Text: text }, version: 1 }]);

  it('raises events that exist if and only if it commits, numbered as those of any other', async () => {
    trial.relay();
    await raise(client, 'a');
    await client.query('rollback');
    await client.query('begin');
    await raise(client, 'a', `quotes "'\\ and ünïcode`);
    await raise(client, 'b');
    expect(trial.log.records).toEqual([]);
    await client.query('commit');
    await trial.book(['a']);
    await vi.waitFor(() => expect(trial.log.records).toHaveLength(3), { timeout: 10_000 });
    expect([trial.log.sequences('a'), trial.log.sequences('b')]).toEqual([[1, 2], [1]]);
    const [first] = trial.log.records.filter(({ key }) => key === 'a');
    expect(trial.codec.decode(first!.value).data).toMatchObject({ Text: `quotes "'\\ and ünïcode` });
  });

  it('enters events into the inbox that are entered if and only if it commits', async () => {
    const inbox = new Inbox('billing');
    const event = { source: '/orders', id: '1' };
    expect([await inbox.enter(client, event), await inbox.enter(client, event)]).toEqual([true, false]);
    await client.query('rollback');
    await client.query('begin');
    expect(await inbox.enter(client, event)).toBe(true);
    await client.query('commit');
    expect(await inbox.enter(client, event)).toBe(false);
  });

  it('may be anything that runs a statement and gives its rows, whatever it can bind besides texts', async () => {
    const bound: unknown[] = [];
    const mapped: SqlTransaction = {
      query: async (sql, values) => {
        bound.push(...values);
        return (await client.query(sql, values)).rows as unknown[];
      },
    };
    await raise(mapped, 'a');
    expect(await new Inbox('billing').enter(mapped, { source: '/orders', id: '1' })).toBe(true);
    await client.query('commit');
    expect(await trial.unsent()).toBe(1);
    expect(bound.flat().filter((value) => typeof value !== 'string')).toEqual([]);
  });

  it('is all that is needed to create the tables, statement by statement', async () => {
    await client.query('rollback');
    const schema = `own_${process.pid}`;
    await client.query(`create schema ${schema}`);
    await client.query(`set search_path = ${schema}`);
    for (const statement of [...OUTBOX_STATEMENTS, ...INBOX_STATEMENTS]) await client.query(statement);
    await client.query('begin');
    await raise(client, 'a');
    await client.query('commit');
    const { rows } = await client.query(`select key, sequence from ${schema}.outbox`);
    expect(rows).toEqual([{ key: 'a', sequence: '1' }]);
  });
});

/** As somebody else connects, with the driver's own ways. */
async function connected(trial: Trial): Promise<pg.Client> {
  const { current_database: database } = (
    await trial.database.connect().then(async (own) => {
      const answer = await own.query<{ current_database: string }>('select current_database()');
      await own.end();
      return answer;
    })
  ).rows[0]!;
  const url = new URL(inject('stack').databaseUrl);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  return client;
}
