import { randomUUID } from 'node:crypto';
import { SchemaRegistry as ForeignClient } from '@kafkajs/confluent-schema-registry';
import { describe, expect, inject, it } from 'vitest';
import { schemaRegistryContract } from '../../../test/src/contract/schema-registry.contract.js';
import { AvroCodec } from './avro-codec.js';
import { Catalogue } from './catalogue.js';
import { ConfluentSchemaRegistry } from './confluent-schema-registry.js';
import { loadSchemaFiles, registerSchemas } from './schema-files.js';

const url = inject('stack').registryUrl;
const SCHEMAS = new URL('../../../schemas/', import.meta.url).pathname;

schemaRegistryContract('a registry that speaks the Confluent API', () => new ConfluentSchemaRegistry({ url }));

describe('a real registry', () => {
  it('is set to FULL_TRANSITIVE for a subject before its first version', async () => {
    const subject = `level-${randomUUID()}`;
    const schema = { type: 'record', name: 'Level', namespace: 'heddle.test.v1', fields: [{ name: 'n', type: 'int' }] };
    await new ConfluentSchemaRegistry({ url }).register(subject, schema);
    const response = await fetch(`${url}/config/${subject}`);
    expect(await response.json()).toEqual({ compatibilityLevel: 'FULL_TRANSITIVE' });
  });

  it('takes all schema files; registering them again changes nothing, and the catalogue lists every type', async () => {
    const registry = new ConfluentSchemaRegistry({ url });
    const files = await loadSchemaFiles(SCHEMAS);
    const first = await registerSchemas(registry, files);
    const again = await registerSchemas(registry, files);
    expect(again).toEqual(first.map(({ file, id }) => ({ file, id, changed: false })));

    const codec = new AvroCodec(new ConfluentSchemaRegistry({ url }));
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    for (const { schema, description } of files) {
      const type = catalogue.get(description.type);
      expect(type).toMatchObject({ ...description, schema });
      const wire = codec.encode(type?.schemaId ?? 0, description.example);
      expect(codec.decode(wire).data).toEqual(description.example);
    }
    catalogue.close();
  });

  it('has events whose schema takes names from other subjects, registered and written by a client that is not ours', async () => {
    const topic = `linked-${randomUUID().slice(0, 8)}`;
    const namespace = `heddle.test.n${randomUUID().replaceAll('-', '')}`;
    const address = { type: 'record', name: 'Address', namespace, fields: [{ name: 'City', type: 'string' }] };
    const event = {
      type: 'record',
      name: 'PartnerMoved',
      namespace,
      heddle: {
        type: `${namespace}.Partner.Moved.v1`,
        topic,
        key: 'Partner',
        summary: 'A partner moved.',
        example: { Partner: '1', From: { City: 'Ulm' }, To: { City: 'Bonn' } },
      },
      fields: [
        { name: 'Partner', type: 'string' },
        { name: 'From', type: 'Address' },
        { name: 'To', type: ['null', `${namespace}.Address`], default: null },
      ],
    };
    const subject = `${topic}-${namespace}.PartnerMoved`;
    await post(`/subjects/${namespace}.Address/versions`, { schema: JSON.stringify(address) });
    const references = [{ name: `${namespace}.Address`, subject: `${namespace}.Address`, version: 1 }];
    const { id } = await post(`/subjects/${subject}/versions`, { schema: JSON.stringify(event), references });
    const data = { Partner: '4711', From: { City: 'Köln' }, To: { City: 'Graz' } };
    const foreign = new ForeignClient({ host: url });
    const wire = await foreign.encode(id, data);

    const registry = new ConfluentSchemaRegistry({ url });
    const codec = new AvroCodec(registry);
    await codec.load(id);
    expect(codec.decode(wire)).toEqual({ schemaId: id, data });
    const catalogue = new Catalogue(registry, codec);
    await catalogue.refresh();
    expect(catalogue.get(event.heddle.type)).toMatchObject({ topic, schemaId: id, subject });
    expect(catalogue.skipped().filter((skipped) => skipped.subject === subject)).toEqual([]);
    catalogue.close();
    // What we write under it, the other client reads.
    expect(JSON.parse(JSON.stringify(await foreign.decode(codec.encode(id, data))))).toEqual(data);
    // It may go on without references, written out, and is the same to whoever reads.
    expect(await registry.register(subject, await registry.byId(id))).toBe(id);
  });
});

async function post(path: string, body: object): Promise<{ id: number }> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { id: number };
}
