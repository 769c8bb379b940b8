import { AVRO_CONTENT_TYPE, HeddleError, JSON_CONTENT_TYPE } from '@heddle/event';
import type { Append, AppendOutcome, EnvelopeMode, EventAttributes } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry } from '@heddle/schema';
import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RawRecord } from './appender.js';
import { EnvelopeWriter } from './envelope-writer.js';
import { decodeRecord } from './event-decoder.js';

const MODES: EnvelopeMode[] = ['binary', 'json', 'avro'];
const SCHEMA = {
  type: 'record',
  name: 'T',
  namespace: 'heddle.test.v1',
  fields: [
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 3 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'count', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'blob', type: 'bytes' },
  ],
};
const POSITION = { topic: 't', partition: 0, offset: 0 };

const registry = new MemorySchemaRegistry();
const codec = new AvroCodec(registry);
let schemaId: number;

beforeAll(async () => {
  schemaId = await registry.register('test', SCHEMA);
  await codec.load(schemaId);
});

const data = fc.record({
  amount: fc.integer().map((value) => (value / 1000).toFixed(3)),
  at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(8e12) }).map((date) => date.toISOString()),
  count: fc.oneof(fc.maxSafeInteger(), fc.constant('9223372036854775807')),
  note: fc.option(fc.string({ unit: 'grapheme' })),
  blob: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
});
const attributes = fc.record(
  {
    id: fc.uuid(),
    source: fc.constant('/test'),
    type: fc.constant('a.b'),
    subject: fc.constantFrom('4711', 'ünïcode ✓ 雪'),
    sequence: fc.constant('000000000001'),
    dataref: fc.constant('/v1/objects/test/4711?version=1'),
  },
  { requiredKeys: ['id', 'source', 'type'] },
);

async function written(mode: EnvelopeMode | undefined, appends: Append[], with_ = codec): Promise<RawRecord[]> {
  let found: readonly RawRecord[] = [];
  const outcomes = await new EnvelopeWriter(with_, () => mode).write(appends, (records) => {
    found = records;
    return Promise.resolve(records.map((): AppendOutcome => ({ position: POSITION })));
  });
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
  return [...found];
}

/** As the log gives it back. */
function read({ key, value, headers }: RawRecord, own: Partial<KafkaMessage> = {}) {
  const bytes = Object.entries(headers).map(([name, text]) => [name, Buffer.from(text as string)]);
  const message = {
    key: Buffer.from(key as string),
    value: value as Buffer,
    headers: Object.fromEntries(bytes) as Record<string, Buffer>,
    offset: '0',
    timestamp: '0',
    attributes: 0,
    ...own,
  };
  return decodeRecord(codec, 't', 0, message as KafkaMessage);
}

const append = (own: EventAttributes, value: Buffer, notes?: Append['notes']): Append => ({
  topic: 't',
  key: '4711',
  event: { attributes: own, value },
  ...(notes === undefined ? {} : { notes }),
});

describe.each(MODES)('an event in the envelope %s', (mode) => {
  it('comes back as it was: attributes, bytes and data', async () => {
    await fc.assert(
      fc.asyncProperty(attributes, data, async (own, value) => {
        const full = { ...own, datacontenttype: AVRO_CONTENT_TYPE };
        const bytes = codec.encode(schemaId, value);
        const [record] = await written(mode, [append(full, bytes, { 'heddle-reason': 'ünfit' })]);
        expect(read(record!)).toEqual({
          ...POSITION,
          key: '4711',
          appendedAt: 0,
          attributes: full,
          value: bytes,
          data: value,
          schemaId,
          notes: { 'heddle-reason': 'ünfit' },
        });
      }),
    );
  });

  it('comes back with the same bytes where its data is JSON', async () => {
    const own = { id: '1', source: '/test', type: 'a.b', datacontenttype: JSON_CONTENT_TYPE };
    const bytes = Buffer.from('{ "n" : 1.0 }');
    const [record] = await written(mode, [append(own, bytes)]);
    expect(read(record!)).toMatchObject({ attributes: own, value: bytes, data: { n: 1 } });
  });
});

describe('an event in JSON', () => {
  const own = { id: '1', source: '/test', type: 'a.b', datacontenttype: AVRO_CONTENT_TYPE };
  const value = { amount: '1.000', at: '2026-01-31T12:00:00.000Z', count: 1, note: null, blob: '' };

  it('is for readers that know no Avro: its data is JSON, and a header names the schema that it was checked with', async () => {
    const [{ headers, value: text } = expect.fail()] = await written('json', [
      append(own, codec.encode(schemaId, value)),
    ]);
    expect(headers).toEqual({ 'content-type': 'application/cloudevents+json', 'heddle-schema': String(schemaId) });
    expect(JSON.parse(String(text))).toEqual({
      specversion: '1.0',
      ...own,
      datacontenttype: 'application/json',
      data: value,
    });
  });

  it('waits for a schema that is not at hand, and later ones wait behind it', async () => {
    const fresh = new AvroCodec(registry);
    const writer = new EnvelopeWriter(fresh, (type) => (type === 'a.b' ? 'json' : 'binary'));
    const order: unknown[] = [];
    const write = (records: readonly RawRecord[]) => {
      order.push(...records.map(({ headers }) => headers['content-type']));
      return Promise.resolve(records.map((): AppendOutcome => ({ position: POSITION })));
    };
    const bytes = codec.encode(schemaId, value);
    const both = [
      writer.write([append(own, bytes)], write),
      writer.write([append({ ...own, type: 'a.c' }, bytes)], write),
    ];
    expect(order).toEqual([]);
    await Promise.all(both);
    expect(order).toEqual(['application/cloudevents+json', 'application/avro']);
    void writer.write([append({ ...own, type: 'a.c' }, bytes)], write);
    expect(order).toHaveLength(3);
  });

  it('is answered with the registry’s error where its schema cannot be had, and those after it are tried anew', async () => {
    const away = { ...codecParts(), isLoaded: () => false, load: () => Promise.reject(unavailable()) };
    const writer = new EnvelopeWriter(away, () => 'json');
    const bytes = codec.encode(schemaId, value);
    for (let turn = 0; turn < 2; turn += 1) {
      const outcomes = await writer.write([append(own, bytes)], () => expect.fail());
      expect(outcomes).toMatchObject([{ error: { code: 'registry-unavailable', retryable: true } }]);
    }
  });

  it('is binary in a topic of our own: a dead letter waits for no registry', async () => {
    const letter = { ...append(own, codec.encode(schemaId, value)), topic: 'heddle.dead-letters' };
    const away = { ...codecParts(), isLoaded: () => false, load: () => Promise.reject(unavailable()) };
    const outcomes = await new EnvelopeWriter(away, () => 'json').write([letter], (records) => {
      expect(records[0]!.headers['content-type']).toBe(AVRO_CONTENT_TYPE);
      return Promise.resolve([{ position: POSITION }]);
    });
    expect(outcomes).toEqual([{ position: POSITION }]);
  });

  it('that names a schema its data does not fit is no event', async () => {
    const [record] = await written('json', [append(own, codec.encode(schemaId, value))]);
    const broken = String(record!.value).replace('"1.000"', '"one"');
    expect(read(record!, { value: Buffer.from(broken) })).toMatchObject({ reason: 'data-invalid' });
  });
});

function codecParts() {
  return {
    decode: (bytes: Uint8Array) => codec.decode(bytes),
    encode: (id: number, value: unknown) => codec.encode(id, value),
  };
}

function unavailable(): HeddleError {
  return new HeddleError('registry-unavailable', 'away');
}
