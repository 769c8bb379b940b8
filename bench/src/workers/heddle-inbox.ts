import { createMesh } from '@heddle/mesh';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import { answer } from './answer.js';
import { type Passed, type SampleData, Tally } from './consumed.js';
import { COUNT_KEY, type InboxPass, TALLY_TABLE } from './effect.js';

export type HeddleInbox = {
  consume(pass: InboxPass): Promise<Passed>;
};

/** A microservice with an effect for each event, once: entry of the inbox and effect in one transaction. */
async function consume({ brokers, registryUrl, databaseUrl, topic, group, events }: InboxPass): Promise<Passed> {
  const tally = new Tally(events);
  const up = async (db: Kysely<unknown>): Promise<void> => void (await db.executeQuery(CompiledQuery.raw(TALLY_TABLE)));
  const mesh = await createMesh<object, Transaction<unknown>>({
    name: group,
    brokers,
    registryUrl,
    reactsTo: [topic],
    consume: { concurrency: 8 },
    environment: { DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' },
    database: { name: 'bench_inbox', migrations: { '001-tally': { up } } },
  });
  mesh.handle('*', async (event) => {
    const isFirst = await mesh.inbox.once(event, async (tx) => {
      await tx.executeQuery(CompiledQuery.raw(COUNT_KEY, [event.key]));
    });
    if (isFirst) tally.handle(event.data as SampleData);
  });
  await mesh.start();
  const passed = await tally.all.promise;
  await mesh.stop();
  return passed;
}

answer({ consume } satisfies HeddleInbox);
