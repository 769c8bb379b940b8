import { Parser } from '@asyncapi/parser';
import { AvroSchemaParser } from '@asyncapi/avro-schema-parser';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi.js';

/** An error, not a warning or a hint. */
function isGrave({ severity }: { severity: number }): boolean {
  return severity === 0;
}

const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());

let catalogue: Catalogue;
let text: string;

beforeAll(async () => {
  const registry = new MemorySchemaRegistry();
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  catalogue = new Catalogue(registry, new AvroCodec(registry));
  await catalogue.refresh();
  const parts = { baseUrl: 'https://gateway.test/mesh', brokers: ['one.test:9092'], events: catalogue.list() };
  text = JSON.stringify(asyncApiDocument(parts));
});

afterAll(() => catalogue.close());

it('the parser of AsyncAPI finds nothing wrong with the document, and all of it in there', async () => {
  const { document, diagnostics } = await parser.parse(text);
  const wrong = diagnostics.filter(isGrave).map(({ message, path }) => [message, path]);
  expect(wrong).toEqual([]);
  const topics = new Set(catalogue.list().map(({ topic }) => `topic-${topic}`));
  const ids = document!
    .channels()
    .all()
    .map((channel) => channel.id());
  expect(ids.toSorted()).toEqual(
    [
      ...topics,
      'mqtt',
      'stream-websocket',
      'stream-sse',
      'queue',
      'pull-receive',
      'pull-settle',
      'webhook',
      'publish',
      'amqp-receive',
      'amqp-publish',
    ].toSorted(),
  );
  expect(document!.operations().all().length).toBeGreaterThan(ids.length);
}, 120_000);

it('the parser of AsyncAPI says what is wrong with a document that breaks a rule', async () => {
  const { diagnostics } = await parser.parse(text.replace('"action":"send"', '"action":"shout"'));
  expect(diagnostics.filter(isGrave)).not.toEqual([]);
}, 120_000);
