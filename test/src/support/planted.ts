import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KafkaMessage } from 'kafkajs';
import { foreignKafka } from './foreign-kafka.js';

/** Every way in which a planted text could be written down by accident: as it is, as base64 at any offset, as hex. */
export function formsOf(text: string | Uint8Array): Buffer[] {
  const bytes = Buffer.from(text);
  const forms = [bytes, Buffer.from(bytes.toString('hex'))];
  for (const offset of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    for (const encoding of ['base64', 'base64url'] as const) {
      // The characters that hold nothing but this text: neither what stands before it, nor what comes after.
      const written = shifted.toString(encoding).replace(/=+$/, '');
      forms.push(Buffer.from(written.slice(Math.ceil((offset * 4) / 3), Math.floor((shifted.length * 8) / 6))));
    }
  }
  return forms;
}

/** Where one of the texts stands, by its name: `topic/partition/offset`, or a file. */
export function found(
  where: string,
  bytes: Buffer,
  planted: ReadonlyMap<string, readonly Buffer[]>,
): { name: string; where: string }[] {
  return [...planted]
    .filter(([, forms]) => forms.some((form) => bytes.includes(form)))
    .map(([name]) => ({ name, where }));
}

/** Every file under a folder with its bytes. */
export function* filesUnder(folder: string): Generator<{ path: string; bytes: Buffer }> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { path, bytes: readFileSync(path) };
  }
}

/** Every record of every topic that is not Kafka's own: key, headers and value as bytes, in the order of the log. */
export async function allRecords(
  brokers: readonly string[],
  take: (where: string, bytes: Buffer) => void,
): Promise<{ topics: string[]; records: number }> {
  const kafka = foreignKafka(brokers);
  const admin = kafka.admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith('__'));
  const ends = new Map<string, number>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (low !== high) ends.set(`${topic}/${partition}`, Number(high));
    }
  }
  await admin.disconnect();
  const consumer = kafka.consumer({ groupId: `planted-${process.pid}-${performance.now()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const done = Promise.withResolvers<void>();
  let records = 0;
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      const place = `${batch.topic}/${batch.partition}`;
      for (const message of batch.messages) {
        records += 1;
        take(`${place}/${message.offset}`, bytesOf(message));
      }
      if (Number(batch.lastOffset()) + 1 >= (ends.get(place) ?? 0)) ends.delete(place);
      if (ends.size === 0) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return { topics, records };
}

function bytesOf({ key, value, headers = {} }: KafkaMessage): Buffer {
  const parts = Object.entries(headers).flatMap(([name, header]) => [name, ...[header ?? ''].flat()]);
  return Buffer.concat([key ?? '', ...parts, value ?? ''].map((part) => Buffer.from(part as string)));
}
