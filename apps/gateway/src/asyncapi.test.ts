import specs from '@asyncapi/specs';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi.js';
import { CLIENT_FRAMES, SERVER_FRAMES } from './protocols/websocket/queue-frame.shape.js';

interface Message {
  payload: object;
  examples?: { payload: unknown }[];
}

interface Document {
  channels: Record<string, { address: string | null; messages: Record<string, { $ref: string }> }>;
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
