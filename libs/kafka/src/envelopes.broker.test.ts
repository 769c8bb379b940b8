import { formatAvroEvent, formatJsonEvent, uuidv7 } from '@heddle/event';
import type { EnvelopeMode, StoredEvent } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import type { Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { KafkaEventLog } from './kafka-event-log.js';
import { kafkajs } from './kafkajs.js';
import type { SetAsideRecord } from './set-aside.js';

const { kafkaBrokers } = inject('stack');
const WAIT = { timeout: 20_000, interval: 10 };
const kafka = new kafkajs.Kafka({ brokers: kafkaBrokers, clientId: 'foreign', logLevel: kafkajs.logLevel.NOTHING });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.JavaCompatiblePartitioner });
const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
const setAside: SetAsideRecord[] = [];
let log: KafkaEventLog;
let schemaId: number;

beforeAll(async () => {
  const fields = [{ name: 'n', type: 'int' }];
  schemaId = await registry.register('test', { type: 'record', name: 'T', namespace: 'heddle.test.v1', fields });
  await codec.load(schemaId);
  log = new KafkaEventLog({
    brokers: kafkaBrokers,
    clientId: 'ours',
    codec,
    onSetAside: (foreign) => setAside.push(foreign),
  });
  await producer.connect();
});
afterAll(async () => {
  await Promise.all([producer.disconnect(), log.close()]);
});

async function newTopic(): Promise<string> {
  const topic = `foreign-${uuidv7()}`;
  await log.ensureTopics([{ name: topic, partitions: 1, cleanup: 'delete' }]);
  return topic;
}

const numbers = (events: readonly StoredEvent[]): number[] => events.map((event) => (event.data as { n: number }).n);

async function read(topic: string): Promise<{ events: StoredEvent[]; stop(): Promise<void> }> {
  const events: StoredEvent[] = [];
  const reader = await log.read({
    topics: [topic],
    from: (_, bounds) => bounds.earliest,
    onBatch: (batch) => void events.push(...batch.events),
  });
  return { events, stop: () => reader.stop() };
}

/** What the first record says it is, as a plain client sees it. */
async function contentTypeIn(topic: string): Promise<string> {
  const consumer = kafka.consumer({ groupId: `test-${uuidv7()}` });
  const found = Promise.withResolvers<string>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => Promise.resolve(found.resolve(String(message.headers?.['content-type']))),
  });
  const contentType = await found.promise;
  await consumer.disconnect();
  return contentType;
}

describe('an event as a whole', () => {
  const attributes = { id: '1', source: '/foreign', type: 'a.b', subject: 'k' };

  it('is read in both formats, with the data of any kind that the format has', async () => {
    const topic = await newTopic();
    const avro = { attributes: { ...attributes, datacontenttype: 'application/avro' }, data: { bytes: encoded(2) } };
    const json = { attributes, data: { json: { n: 1 } } };
    await producer.send({
      topic,
      messages: [
        whole('json', formatJsonEvent(json)),
        whole('json', formatJsonEvent(avro)),
        whole('avro', formatAvroEvent(avro)),
        whole('avro', formatAvroEvent({ ...json, attributes: { ...attributes, datacontenttype: 'application/json' } })),
        whole('json', '{}'),
        whole('json', formatJsonEvent({ attributes, data: { json: { n: 3 } } })),
      ],
    });
    const { events, stop } = await read(topic);
    await vi.waitFor(() => expect(numbers(events)).toEqual([1, 2, 2, 1, 3]), WAIT);
    await stop();
    expect(events[2]).toMatchObject({ attributes: avro.attributes, schemaId, value: encoded(2), key: 'k' });
    expect(setAside.filter((at) => at.topic === topic).map(({ reason }) => reason)).toEqual(['attribute-invalid']);
  });

  it.each<[EnvelopeMode, string]>([
    ['binary', 'application/avro'],
    ['json', 'application/cloudevents+json'],
    ['avro', 'application/cloudevents+avro'],
  ])('is written where its type asks for it: %s is %s to others, and the same to us', async (mode, contentType) => {
    const topic = await newTopic();
    const ours = new KafkaEventLog({ brokers: kafkaBrokers, clientId: 'ours', codec, envelopeOf: () => mode });
    const event = { attributes: { ...attributes, datacontenttype: 'application/avro' }, value: encoded(7) };
    await ours.append([{ topic, key: 'k', event }]);
    await ours.close();
    expect(await contentTypeIn(topic)).toBe(contentType);
    expect((await log.fetch({ topic, partition: 0, offset: 0 })).events).toMatchObject([
      { key: 'k', ...event, data: { n: 7 }, schemaId },
    ]);
  });

  const encoded = (n: number): Buffer => codec.encode(schemaId, { n });
  const whole = (format: string, value: string | Buffer): Message => ({
    key: 'k',
    value,
    headers: { 'content-type': `application/cloudevents+${format}` },
  });
});
