import { AvroCodec, Catalogue, MemorySchemaRegistry, subjectOf } from '@heddle/schema';
import { expect, it } from 'vitest';
import { Outbox } from './outbox.js';

/** Two thirds of it in Avro what it takes in JSON, where bytes are base64. */
const BLOB = Buffer.alloc(800).toString('base64');

it('refuses data that is too large in the envelope of its type, so that no stored event can block its key', async () => {
  const registry = new MemorySchemaRegistry();
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const raise = async (envelope: string) => {
    const schema = {
      type: 'record',
      namespace: 'heddle.test.v1',
      name: `Test${envelope}`,
      heddle: { type: `heddle.test.v1.Test.${envelope}.v1`, topic: envelope, key: 'Test', summary: 'Test.', envelope },
      fields: [
        { name: 'Test', type: 'string' },
        { name: 'Blob', type: 'bytes' },
      ],
    };
    await registry.register(subjectOf(envelope, schema), schema);
    await catalogue.refresh();
    const outbox = new Outbox({ catalogue, codec, source: '/test', maxValueBytes: 900 });
    const raised = { type: schema.heddle.type, key: '1', data: { Test: '1', Blob: BLOB }, version: 1 };
    // What is refused never comes to the database; what is not breaks for want of one.
    return outbox.raise({} as never, [raised]).catch((error: unknown) => (error as { code?: string }).code);
  };
  expect(await raise('json')).toBe('too-large');
  expect(await raise('avro')).not.toBe('too-large');
  expect(await raise('binary')).not.toBe('too-large');
  catalogue.close();
});
