import { randomBytes } from 'node:crypto';
import { CONTROL_TOPICS, uuidv7 } from '@heddle/event';
import type { Event, Position } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import type { Consumer, IHeaders, Producer } from 'kafkajs';
import { inject } from 'vitest';
import { eventLogContract } from '../../../test/src/contract/event-log.contract.js';
import { KafkaEventLog } from './kafka-event-log.js';
import { kafkajs } from './kafkajs.js';

const { kafkaBrokers } = inject('stack');
const foreign = new kafkajs.Kafka({ brokers: kafkaBrokers, clientId: 'foreign', logLevel: kafkajs.logLevel.NOTHING });

eventLogContract('on Kafka', async () => {
  const registry = new MemorySchemaRegistry();
  const codec = new AvroCodec(registry);
  const schemaId = await registry.register('test', {
    type: 'record',
    name: 'Test',
    namespace: 'heddle.test.v1',
    fields: [{ name: 'n', type: 'int' }],
  });
  await codec.load(schemaId);
  const setAside: Position[] = [];
  const log = new KafkaEventLog({
    brokers: kafkaBrokers,
    clientId: 'contract',
    codec,
    stopPatienceMs: 200,
    onSetAside: (record) => setAside.push(record),
  });
  const producer: Producer = foreign.producer({ createPartitioner: kafkajs.Partitioners.JavaCompatiblePartitioner });
  await producer.connect();
  return {
    log,
    event: (n: number): Event => ({
      attributes: {
        id: uuidv7(),
        source: '/test',
        type: 'heddle.test.v1.Test.Happened.v1',
        datacontenttype: 'application/avro',
      },
      value: codec.encode(schemaId, { n }),
    }),
    refused: (append) => ({ ...append, event: { ...append.event, value: randomBytes(2_000_000) } }),
    putForeign: async (topic, key) => {
      await producer.send({ topic, messages: [{ key, value: 'not an event' }] });
    },
    setAside: () => setAside,
    deadLetters: async (group) => {
      const letters = await recordsOf(CONTROL_TOPICS.deadLetters);
      return letters
        .filter((headers) => text(headers['heddle-group']) === group)
        .map((headers) => ({
          id: text(headers['ce_id']),
          code: text(headers['heddle-code']),
          reason: text(headers['heddle-reason']),
          error: text(headers['heddle-error']),
          attempts: Number(text(headers['heddle-attempts'])),
        }));
    },
    close: async () => {
      await producer.disconnect();
      await log.close();
    },
  };
});

/** The headers of everything in a topic, as a plain client reads it. */
async function recordsOf(topic: string): Promise<IHeaders[]> {
  const admin = foreign.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const expected = offsets.reduce((sum, at) => sum + Number(at.high) - Number(at.low), 0);
  const records: IHeaders[] = [];
  const consumer: Consumer = foreign.consumer({ groupId: `test-${uuidv7()}` });
  const all = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      records.push(message.headers ?? {});
      if (records.length === expected) all.resolve();
      return Promise.resolve();
    },
  });
  if (expected > 0) await all.promise;
  await consumer.disconnect();
  return records;
}

function text(header: IHeaders[string]): string {
  return header?.toString() ?? '';
}
