import { createMesh } from '@heddle/mesh';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import { type Kysely, type Transaction, sql } from 'kysely';

/*
 * node inbox-worker.js <tenant> [effects until it dies]: a microservice with an effect for each business partner that is
 * created: a row, and an event. It dies by SIGKILL after the commit of an effect, before the event is acknowledged.
 */

const CREATED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
const CHANGED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1';

interface Tables {
  effect: { key: string; sequence: number; id: string };
  attempt: { id: string };
}

const [tenant = '', lives = 'Infinity'] = process.argv.slice(2);
const mesh = await createMesh<BusinessPartnerEvents, Transaction<Tables>>({
  name: 'worker',
  tenant,
  reactsTo: ['business-partner'],
  raises: [CHANGED],
  database: {
    migrations: {
      '001-effect': {
        up: async (db: Kysely<unknown>) => {
          await sql`create table effect (
            place bigint generated always as identity, key text, sequence bigint, id text
          )`.execute(db);
          await sql`create table attempt (id text)`.execute(db);
        },
      },
    },
  },
});

let left = Number(lives);
mesh.handle(CREATED, async (event) => {
  const { id, sequence } = event.attributes;
  await mesh.transaction((tx) => tx.insertInto('attempt').values({ id }).execute());
  const isFirst = await mesh.inbox.once(event, async (tx) => {
    await tx
      .insertInto('effect')
      .values({ key: event.key, sequence: Number(sequence), id })
      .execute();
    await mesh.raise(tx, [{ type: CHANGED, key: event.key, version: 2, data: { BusinessPartner: event.key } }]);
  });
  if (!isFirst) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
});
process.once('SIGTERM', () => void mesh.stop().then(() => process.exit(0)));
process.once('disconnect', () => process.exit(1));
await mesh.start();
