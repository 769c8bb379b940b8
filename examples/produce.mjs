// A microservice that raises events: a parcel and the event that it was sent are stored in one transaction, so there is
// the event if and only if there is the parcel.
//
//   node examples/produce.mjs [parcel, P-1] [destination, Rotterdam]
//
// Brokers, registry and database are those of `npm start` unless KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL say
// otherwise.
import { fileURLToPath } from 'node:url';
import { createMesh } from '@heddle/mesh';

process.env.LOG_LEVEL ??= 'warn';
const [Parcel = 'P-1', Destination = 'Rotterdam'] = process.argv.slice(2);
const SENT = 'heddle.parcel.v1.Parcel.Sent.v1';

const mesh = await createMesh({
  name: 'parcels',
  schemas: fileURLToPath(new URL('schemas', import.meta.url)),
  raises: [SENT],
  database: {
    migrations: {
      '001-parcel': {
        up: (db) =>
          db.schema
            .createTable('parcel')
            .addColumn('key', 'text', (column) => column.primaryKey())
            .addColumn('destination', 'text')
            .execute(),
      },
    },
  },
});

try {
  await mesh.transaction(async (tx) => {
    await mesh.raise(tx, [{ type: SENT, key: Parcel, version: 1, data: { Parcel, Destination } }]);
    // What fails here takes the event with it: a parcel is sent once.
    await tx.insertInto('parcel').values({ key: Parcel, destination: Destination }).execute();
  });
  console.log(`${Parcel} was sent to ${Destination}`);
} catch (error) {
  console.log(`${Parcel} was not sent: ${error.message}`);
} finally {
  // Carries over what was raised, then closes all connections.
  await mesh.stop();
}
