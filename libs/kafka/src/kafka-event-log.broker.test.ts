import { randomBytes } from 'node:crypto';
import { uuidv7 } from '@heddle/event';
import type { Event, Position } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import type { Producer } from 'kafkajs';
import { inject } from 'vitest';
import { eventLogContract } from '../../../test/src/contract/event-log.contract.js';
import { keptLetters } from '../../../test/src/contract/consumer.contract.js';
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
    deadLetters: (group) => keptLetters(log, group),
    close: async () => {
      await producer.disconnect();
      await log.close();
    },
  };
});
