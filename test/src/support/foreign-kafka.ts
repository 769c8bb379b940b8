import { randomUUID } from 'node:crypto';
import kafkajs, { type IHeaders, type Kafka, type KafkaMessage } from 'kafkajs';

/** A record as any Kafka client has it. */
export interface LogRecord {
  topic: string;
  partition: number;
  offset: number;
  key: string | undefined;
  headers: Record<string, string>;
  value: Buffer | null;
}

/**
 * Whether kafkajs is as it is published. `@heddle/kafka` puts parts of its own into it, for the whole process: a file about
 * what foreign clients see has a process of its own (`@vitest-environment-options`), and says so by this.
 */
export function isPlainKafkajs(): boolean {
  const { CompressionCodecs, CompressionTypes } = kafkajs as unknown as Record<string, Record<string, () => unknown>>;
  try {
    CompressionCodecs![String(CompressionTypes!['ZSTD'])]!();
    return false;
  } catch {
    return true;
  }
}

/** Plain kafkajs, without anything of ours: what a foreign client sees and does. */
export function foreignKafka(brokers: readonly string[]): Kafka {
  return new kafkajs.Kafka({ clientId: 'foreign', brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
}

/** Every record that a topic holds now, per partition in order of offset. */
export async function readTopic(kafka: Kafka, topic: string): Promise<LogRecord[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  const open = new Map(ends.filter(({ low, high }) => low !== high).map((at) => [at.partition, Number(at.high)]));
  const records: LogRecord[] = [];
  if (open.size > 0) await readUntil(kafka, topic, open, (record) => records.push(record));
  await admin.disconnect();
  return records.sort((one, other) => one.partition - other.partition || one.offset - other.offset);
}

async function readUntil(
  kafka: Kafka,
  topic: string,
  open: Map<number, number>,
  take: (record: LogRecord) => void,
): Promise<void> {
  const groupId = `foreign-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const done = Promise.withResolvers<void>();
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      const end = open.get(batch.partition) ?? 0;
      for (const message of batch.messages) {
        if (Number(message.offset) < end) take(recordOf(topic, batch.partition, message));
      }
      if (Number(batch.lastOffset()) + 1 >= end) open.delete(batch.partition);
      if (open.size === 0) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
}

/** Appends records as they are given: with keys, headers and values that nobody checks. */
export async function appendRaw(
  kafka: Kafka,
  topic: string,
  messages: readonly { key: string | null; value: Buffer | null; headers?: IHeaders; partition?: number }[],
): Promise<void> {
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: messages.map((message) => ({ ...message })) });
  await producer.disconnect();
}

function recordOf(topic: string, partition: number, { offset, key, headers = {}, value }: KafkaMessage): LogRecord {
  return {
    topic,
    partition,
    offset: Number(offset),
    key: key?.toString(),
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    value,
  };
}
