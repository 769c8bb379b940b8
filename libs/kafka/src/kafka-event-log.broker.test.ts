import { randomBytes } from 'node:crypto';
import { uuidv7 } from '@heddle/event';
import type { Event, Position } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import type { Producer } from 'kafkajs';
import { expect, inject, it } from 'vitest';
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
    retentionOf: async (topic) => {
      const retention = (await configOf(topic)).get('retention.ms');
      return retention === undefined ? undefined : Number(retention);
    },
    deadLetters: (group) => keptLetters(log, group),
    close: async () => {
      await producer.disconnect();
      await log.close();
    },
  };
});

/** What was set for a topic; nothing of one that is not there. */
async function configOf(name: string): Promise<Map<string, string>> {
  const admin = foreign.admin();
  await admin.connect();
  try {
    if (!(await admin.listTopics()).includes(name)) return new Map();
    const type = kafkajs.ConfigResourceTypes.TOPIC;
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type, name }] });
    const own = resources[0]!.configEntries.filter(({ isDefault }) => !isDefault);
    return new Map(own.map(({ configName, configValue }) => [configName, configValue]));
  } finally {
    await admin.disconnect();
  }
}

it('a topic that is to keep its records for another time keeps whatever else was set for it', async () => {
  const log = new KafkaEventLog({ brokers: kafkaBrokers, clientId: 'retention', codec: {} as AvroCodec });
  const spec = { name: `retention-${uuidv7()}`, partitions: 1, cleanup: 'delete' as const };
  await log.ensureTopics([{ ...spec, retentionMs: -1, segmentBytes: 1_048_576 }]);
  await log.retain([{ ...spec, retentionMs: 60_000 }]);
  const config = await configOf(spec.name);
  expect([config.get('retention.ms'), config.get('segment.bytes'), config.get('cleanup.policy')]).toEqual([
    '60000',
    '1048576',
    'delete',
  ]);
  await log.close();
});
