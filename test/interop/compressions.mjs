// The compressions of the batches in a topic, as a list in JSON, once so many were seen: plain kafkajs asks for the codec
// of each, and what that unpacks is of no interest here. A process of its own, for ours read batches without asking.
//
//   node compressions.mjs BROKERS TOPIC COUNT
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';

const [brokers, topic, count] = process.argv.slice(2);
const NUMBERS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 };
/** A record without key, value and headers; so many that a batch has no more. */
const NOTHING = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([12, 0, 0, 0, 1, 1, 0])));
const LONGEST_MS = 20_000;

const seen = new Set();
for (const [name, number] of Object.entries(NUMBERS)) {
  kafkajs.CompressionCodecs[number] = () => {
    seen.add(name);
    return { decompress: () => Promise.resolve(NOTHING) };
  };
}
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: `codecs-${randomUUID()}`, maxWaitTimeInMs: 50 });
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
for (const begun = Date.now(); seen.size < Number(count) && Date.now() < begun + LONGEST_MS;) await delay(20);
await consumer.disconnect();
process.stdout.write(JSON.stringify([...seen].toSorted((one, other) => (one < other ? -1 : 1))));
