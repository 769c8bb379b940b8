import { openDatabase } from '@heddle/outbox';
import kafkajs from 'kafkajs';
import { CompiledQuery, type Kysely } from 'kysely';
import pg from 'pg';
import { answer } from './answer.js';
import { BareDecoder, type Passed, Tally } from './consumed.js';
import { COUNT_KEY, type InboxPass, TALLY_TABLE } from './effect.js';

export type BareInbox = {
  consume(pass: InboxPass): Promise<Passed>;
};

/** Partitions at work side by side: with 8 keys, no more of them have events. */
const AT_ONCE = 8;
const DATABASE = 'bench_inbox_bare';
const BARE_INBOX_TABLE = 'create table bare_inbox (id text primary key)';
const ENTER = 'insert into bare_inbox (id) values ($1) on conflict do nothing';

/**
 * The loop to compare with: kafkajs, avsc and pg, a transaction for each event, as anybody would write it by hand. Events
 * of a partition come one after another; no envelope is checked, nothing is retried.
 */
async function consume({ brokers, registryUrl, databaseUrl, topic, group, events }: InboxPass): Promise<Passed> {
  const pool = await openPool(databaseUrl);
  const kafka = new kafkajs.Kafka({ brokers, clientId: 'bare', logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: 250 });
  const tally = new Tally(events);
  const decoder = new BareDecoder(registryUrl);
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: AT_ONCE,
    eachBatch: async ({ batch, heartbeat, resolveOffset }) => {
      for (const { key, value, offset } of batch.messages) {
        if (key === null || value === null) continue;
        if (!decoder.knows(value)) await decoder.learn(value);
        const data = decoder.decode(value);
        const client = await pool.connect();
        try {
          await client.query('begin');
          await client.query({ name: 'enter', text: ENTER, values: [`${group}/${batch.partition}/${offset}`] });
          await client.query({ name: 'count', text: COUNT_KEY, values: [key.toString()] });
          await client.query('commit');
        } finally {
          client.release();
        }
        tally.handle(data);
        resolveOffset(offset);
        await heartbeat();
      }
    },
  });
  const passed = await tally.all.promise;
  await consumer.disconnect();
  await pool.end();
  return passed;
}

async function openPool(databaseUrl: string): Promise<pg.Pool> {
  const up = async (db: Kysely<unknown>): Promise<void> => {
    for (const statement of [BARE_INBOX_TABLE, TALLY_TABLE]) await db.executeQuery(CompiledQuery.raw(statement));
  };
  const migrations = { '001-tables': { up } };
  await (await openDatabase({ url: databaseUrl, database: DATABASE, pool: 1, migrations })).close();
  const url = new URL(databaseUrl);
  url.pathname = `/${DATABASE}`;
  return new pg.Pool({ connectionString: url.href, max: AT_ONCE });
}

answer({ consume } satisfies BareInbox);
