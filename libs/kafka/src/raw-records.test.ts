import { AVRO_CONTENT_TYPE, type Event, RAW_TOPIC, type StoredEvent, isRawMessage } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { beforeAll, expect, it } from 'vitest';
import type { RawRecord } from './appender.js';
import { EnvelopeWriter } from './envelope-writer.js';
import { decodeRecord } from './event-decoder.js';

const SCHEMA = { type: 'record', name: 'T', namespace: 'heddle.test.v1', fields: [{ name: 'count', type: 'int' }] };
const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
let schemaId: number;

beforeAll(async () => {
  schemaId = await registry.register('test', SCHEMA);
  await codec.load(schemaId);
});

/** An event as a record of a topic, whatever envelope its type would have elsewhere. */
async function written(event: Event, topic = RAW_TOPIC): Promise<KafkaMessage> {
  let record: RawRecord | undefined;
  await new EnvelopeWriter(codec, () => 'json').write([{ topic, key: 'k', event }], (records) => {
    [record] = records;
    return Promise.resolve([]);
  });
  const headers = Object.fromEntries(
    Object.entries(record!.headers ?? {}).map(([name, text]) => [name, Buffer.from(String(text))]),
  );
  return {
    key: Buffer.from('k'),
    value: record!.value,
    headers,
    offset: '7',
    timestamp: '9',
    attributes: 0,
  } as KafkaMessage;
}

const base = { id: '1', source: '/clients/c', type: 'a.b', address: 'topic:a/b' };

it('a raw message is read with its bytes and attributes as they were published, whatever they are', async () => {
  const types = fc.constantFrom(
    undefined,
    'text/plain',
    'application/json',
    AVRO_CONTENT_TYPE,
    'application/cloudevents+json',
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), types, async (value, datacontenttype) => {
      const attributes = { ...base, ...(datacontenttype === undefined ? {} : { datacontenttype }) };
      for (const topic of [RAW_TOPIC, `acme.${RAW_TOPIC}`]) {
        const read = decodeRecord(codec, topic, 2, await written({ attributes, value }, topic));
        expect(read).toMatchObject({ topic, partition: 2, offset: 7, appendedAt: 9, key: 'k', attributes });
        expect(Buffer.from((read as Event).value).equals(Buffer.from(value))).toBe(true);
        expect(read).not.toHaveProperty('schemaId');
      }
    }),
  );
});

it('the copy of an event in a dead message queue is read by its schema, which is asked for where it is not at hand', async () => {
  const attributes = { ...base, datacontenttype: AVRO_CONTENT_TYPE, address: 'queue:dead', deadletterqueue: 'orders' };
  const value = codec.encode(schemaId, { count: 3 });
  const read = decodeRecord(codec, RAW_TOPIC, 0, await written({ attributes, value }));
  expect(read).toMatchObject({ attributes, schemaId, data: { count: 3 } });
  expect(isRawMessage(read as StoredEvent)).toBe(false);
  const unknown = { isLoaded: () => false } as unknown as AvroCodec;
  expect(decodeRecord(unknown, RAW_TOPIC, 0, await written({ attributes, value }))).toEqual({
    key: 'k',
    needs: schemaId,
  });
  const broken = decodeRecord(codec, RAW_TOPIC, 0, await written({ attributes, value: Buffer.from('no avro') }));
  expect((broken as { data: unknown }).data).toEqual(Buffer.from('no avro'));
});

it('the dead letter of a raw message is read as that, and no other one', async () => {
  const event = { attributes: { ...base, datacontenttype: 'text/plain' }, value: Buffer.from('x') };
  const message = await written(event);
  const letter = (origin: string) =>
    decodeRecord(codec, 'heddle.dead-letters', 0, {
      ...message,
      headers: { ...message.headers, 'heddle-topic': Buffer.from(origin) },
    } as KafkaMessage);
  expect(letter(`acme.${RAW_TOPIC}`)).toMatchObject({
    data: event.value,
    notes: { 'heddle-topic': `acme.${RAW_TOPIC}` },
  });
  expect(letter('contract')).toMatchObject({ reason: 'content-type-unsupported' });
});

it('a record of that topic without a value, a key or attributes is no message', async () => {
  const message = await written({ attributes: base, value: Buffer.from('x') });
  const reason = (of: Partial<KafkaMessage>) =>
    (decodeRecord(codec, RAW_TOPIC, 0, { ...message, ...of } as KafkaMessage) as { reason: string }).reason;
  expect([reason({ value: null }), reason({ key: null }), reason({ headers: {} })]).toEqual([
    'no-value',
    'no-key',
    'no-attributes',
  ]);
});
