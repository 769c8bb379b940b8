// A microservice that reacts: for each parcel that was sent it raises that it was delivered, exactly once, however often
// the event comes and wherever this process is killed.
//
//   node examples/react.mjs
//
// Brokers, registry and database are those of `npm start` unless KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL say
// otherwise.
import { fileURLToPath } from 'node:url';
import { createMesh } from '@heddle/mesh';

process.env.LOG_LEVEL ??= 'warn';
const SENT = 'heddle.parcel.v1.Parcel.Sent.v1';
const DELIVERED = 'heddle.parcel.v1.Parcel.Delivered.v1';

const mesh = await createMesh({
  name: 'carrier',
  schemas: fileURLToPath(new URL('schemas', import.meta.url)),
  reactsTo: ['parcel'],
  raises: [DELIVERED],
  database: { migrations: {} },
});

mesh.handle(SENT, async (event) => {
  const { Parcel, Destination } = event.data;
  // The inbox notes the event in the transaction of its effect.
  const isFirst = await mesh.inbox.once(event, async (tx) => {
    const data = { Parcel, ReceivedBy: `a neighbour in ${Destination}` };
    await mesh.raise(tx, [{ type: DELIVERED, key: Parcel, version: 2, data }]);
  });
  console.log(`${Parcel} ${isFirst ? 'is delivered' : 'was delivered before'}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void mesh.stop());
await mesh.start();
