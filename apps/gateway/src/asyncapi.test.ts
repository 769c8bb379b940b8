import specs from '@asyncapi/specs';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { formatAvroEvent } from '@heddle/event';
import { Ajv } from 'ajv';
import avro from 'avsc';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi.js';
import { CLIENT_FRAMES, SERVER_FRAMES } from './protocols/websocket/queue-frame.shape.js';

interface Message {
  contentType?: string;
  headers?: object;
  payload: object;
  examples?: { payload: unknown; headers?: unknown }[];
}

interface Document {
  channels: Record<
    string,
    { address: string | null; description?: string; messages: Record<string, { $ref: string }> }
  >;
  operations: Record<string, { channel: { $ref: string } }>;
  components: { messages: Record<string, Message>; schemas: object };
}

let catalogue: Catalogue;
let document: Document;

beforeAll(async () => {
  const registry = new MemorySchemaRegistry();
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  catalogue = new Catalogue(registry, new AvroCodec(registry));
  await catalogue.refresh();
  document = asyncApiDocument({
    baseUrl: 'https://gateway.test/mesh',
    brokers: ['one.test:9092', 'two.test:9092'],
    events: catalogue.list(),
  }) as Document;
});

afterAll(() => catalogue.close());

it('is AsyncAPI 3.0', () => {
  const schema = specs.schemas['3.0.0'] as object;
  // The schema brings its own copy of draft-07.
  const validate = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false }).compile(
    schema,
  );
  validate(document);
  expect(validate.errors).toBeNull();
  expect(validate({ ...document, asyncapi: '2.0.0' })).toBe(false);
});

it('refers to nothing that is not there', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, pointer]) => pointer!);
  expect(references.length).toBeGreaterThan(0);
  const dangling = references.filter((pointer) => resolve(pointer) === undefined);
  expect(dangling).toEqual([]);
});

it('names every event type on its topic, on streams and for webhooks', () => {
  expect(catalogue.list().length).toBeGreaterThan(0);
  for (const { type, topic } of catalogue.list()) {
    expect(Object.keys(document.channels[`topic-${topic}`]!.messages)).toContain(`${type}.avro`);
    for (const channel of ['stream-websocket', 'stream-sse', 'webhook']) {
      expect(Object.keys(document.channels[channel]!.messages)).toContain(type);
    }
  }
});

it.each([
  ['binary', 'avro', 'application/avro', 'binary mode'],
  ['json', 'cloudevents-json', 'application/cloudevents+json', 'structured mode in the JSON format'],
  ['avro', 'cloudevents-avro', 'application/cloudevents+avro', 'structured mode in the Avro format'],
] as const)('says of a topic in the envelope %s how its records look', async (envelope, suffix, contentType, words) => {
  const events = catalogue.list().map((event) => (event.topic === 'contract' ? { ...event, envelope } : event));
  const parts = { baseUrl: 'https://gateway.test', brokers: ['one.test:9092'], events };
  const { channels, components } = asyncApiDocument(parts) as Document;
  const { type } = events.find(({ topic }) => topic === 'contract')!;
  const { messages, description } = channels['topic-contract']!;
  expect(description).toContain(words);
  expect(Object.keys(messages)).toContain(`${type}.${suffix}`);
  expect(messages[`${type}.${suffix}`]!.$ref).toBe(`#/components/messages/${type}.${suffix}`);
  expect(components.messages[`${type}.${suffix}`]).toMatchObject({ contentType });
  // Topics of another envelope are described as they are.
  expect(channels['topic-sales-order']!.description).toContain('binary mode');
});

it('shows a record in the JSON format that fits what is said of it, with the schema of its data in a header', () => {
  const events = catalogue.list().map((event) => ({ ...event, envelope: 'json' as const }));
  const { components } = asyncApiDocument({ baseUrl: 'https://gateway.test', brokers: [], events }) as Document;
  for (const { type, schemaId, example } of events) {
    const { payload, headers, examples } = components.messages[`${type}.cloudevents-json`]!;
    const [shown] = examples!;
    const validate = new Ajv({ strict: false, validateFormats: false });
    expect(validate.validate({ ...payload, components }, shown!.payload), type).toBe(true);
    expect(validate.validate(headers!, shown!.headers), type).toBe(true);
    expect(validate.validate(headers!, {})).toBe(false);
    expect(shown).toMatchObject({ headers: { 'heddle-schema': String(schemaId) }, payload: { data: example } });
  }
});

it('describes the Avro format so that who reads with that schema reads what is written', () => {
  const events = catalogue.list().map((event) => ({ ...event, envelope: 'avro' as const }));
  const { components } = asyncApiDocument({ baseUrl: 'https://gateway.test', brokers: [], events }) as Document;
  const { payload } = components.messages[`${events[0]!.type}.cloudevents-avro`]!;
  const reader = avro.Type.forSchema((payload as { schema: avro.Schema }).schema, { wrapUnions: true });
  const attributes = { id: '1', source: '/s', type: 't', subject: 'Stra\u00dfe' };
  const bytes = Buffer.from([0, 0, 0, 0, 7, 2]);
  expect(reader.fromBuffer(formatAvroEvent({ attributes, data: { bytes } }))).toMatchObject({
    attribute: { specversion: { string: '1.0' }, subject: { string: 'Stra\u00dfe' } },
    data: { bytes },
  });
});

it('names what is asked of a queue over HTTP and answered, and what may be published by anybody', () => {
  expect(Object.keys(document.channels['pull-receive']!.messages)).toEqual(['pull.receive', 'pull.deliveries']);
  expect(Object.keys(document.channels['pull-settle']!.messages)).toEqual(['pull.settle', 'pull.settled']);
  const open = catalogue.list().filter(({ owner, publish }) => owner === undefined || publish === 'open');
  expect(Object.keys(document.channels.publish!.messages)).toEqual(open.map(({ type }) => type));
  expect(open.length).toBeLessThan(catalogue.list().length);
});

it('names every frame of heddle.v1, on the channel and in an operation', () => {
  const kinds = [...Object.keys(CLIENT_FRAMES), ...Object.keys(SERVER_FRAMES)].map((kind) => `heddle.v1.${kind}`);
  expect(Object.keys(document.channels.queue!.messages)).toEqual(kinds);
  const operations = JSON.stringify(document.operations);
  expect(kinds.filter((kind) => !operations.includes(`#/channels/queue/messages/${kind}"`))).toEqual([]);
});

it('shows examples that fit what they are examples of', () => {
  const messages = Object.entries(document.components.messages).filter(([, { examples }]) => examples !== undefined);
  expect(messages.length).toBeGreaterThan(catalogue.list().length);
  for (const [name, { payload, examples }] of messages) {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile({
      ...payload,
      components: document.components,
    });
    for (const example of examples!) {
      validate(example.payload);
      expect(validate.errors, name).toBeNull();
    }
    // Whoever asks for deliveries may leave everything as it is.
    if (name !== 'pull.receive') expect(validate({}), name).toBe(false);
  }
});

function resolve(pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
}
