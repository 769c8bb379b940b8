import { randomUUID } from 'node:crypto';
import kafkajs, { type Kafka } from 'kafkajs';
import { expect, vi } from 'vitest';

const { CompressionCodecs } = kafkajs;
const NUMBERS = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
/** A record without key, value and headers; so many that a batch has no more. */
const NOTHING = Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([12, 0, 0, 0, 1, 1, 0])));

/**
 * The compressions of the batches in a topic, once so many were seen: plain kafkajs asks for the codec of each, and what
 * that unpacks is of no interest here.
 */
export async function compressionsIn(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const before = { ...CompressionCodecs };
  const seen = new Set<string>();
  for (const [name, number] of Object.entries(NUMBERS)) {
    CompressionCodecs[number] = () => {
      seen.add(name);
      return { decompress: () => Promise.resolve(NOTHING) };
    };
  }
  const consumer = kafka.consumer({ groupId: `codecs-${randomUUID()}`, maxWaitTimeInMs: 50 });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await vi.waitFor(() => expect(seen.size).toBeGreaterThanOrEqual(count), { timeout: 20_000 });
    return [...seen].toSorted();
  } finally {
    await consumer.disconnect();
    Object.assign(CompressionCodecs, before);
  }
}
