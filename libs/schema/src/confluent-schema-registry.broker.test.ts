import { randomUUID } from 'node:crypto';
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
});
