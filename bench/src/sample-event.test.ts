import {
  AvroCodec,
  Catalogue,
  MemorySchemaRegistry,
  isOpenToPublish,
  loadSchemaFiles,
  registerSchemas,
} from '@heddle/schema';
import { expect, it } from 'vitest';
import { EVENT_TOPIC, EVENT_TYPE, eventTemplate, keyOf, readId, stampedId, writeId, writeKey } from './sample-event.js';

it('a sample event has the bytes asked for and is valid, whatever id and key are written over it', async () => {
  const registry = new MemorySchemaRegistry();
  await registerSchemas(registry, await loadSchemaFiles('schemas'));
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const type = await catalogue.find(EVENT_TYPE);
  catalogue.close();
  expect(type).toMatchObject({ topic: EVENT_TOPIC, key: 'Contract' });
  expect(isOpenToPublish(type)).toBe(true);

  const { json, idAt, keyAt } = eventTemplate(500);
  writeId(json, idAt, 1_234_567_890, 77);
  writeKey(json, keyAt, 42);
  expect(json).toHaveLength(500);
  const event = JSON.parse(json.toString()) as { id: string; data: { Contract: string } };
  expect(event.id).toBe('0000001234567890-000000077');
  expect(event.id).toBe(stampedId(1_234_567_890, 77));
  expect(readId(json, idAt)).toEqual({ micros: 1_234_567_890, number: 77 });
  expect(event.data.Contract).toBe(keyOf(42));
  await codec.load(type.schemaId);
  expect(() => codec.encode(type.schemaId, event.data)).not.toThrow();
});
