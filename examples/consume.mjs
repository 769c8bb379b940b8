// A microservice that gets events: those of a parcel one after another, in order, through every retry. Several of these
// share the work.
//
//   node examples/consume.mjs [how many, then it ends; without end when left out]
//
// Brokers and registry are those of `npm start` unless KAFKA_BROKERS and SCHEMA_REGISTRY_URL say otherwise.
import { createMesh } from '@heddle/mesh';

process.env.LOG_LEVEL ??= 'warn';
let left = Number(process.argv[2] ?? Infinity);
const mesh = await createMesh({ name: 'parcel-printer', reactsTo: ['parcel'] });

mesh
  .handle('heddle.parcel.v1.Parcel.Sent.v1', ({ data }) => {
    console.log(`${data.Parcel} is on its way to ${data.Destination}`);
  })
  .handle('heddle.parcel.v1.Parcel.Delivered.v1', ({ data }) => {
    console.log(`${data.Parcel} was received by ${data.ReceivedBy}`);
  })
  .handle('heddle.parcel.*', () => {
    left -= 1;
    // Not awaited: stopping waits for this handler.
    if (left <= 0) void mesh.stop();
  });

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void mesh.stop());
await mesh.start();
