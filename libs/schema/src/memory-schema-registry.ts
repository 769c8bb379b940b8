import { HeddleError } from '@heddle/event';
import { compileSchema } from './avro-codec.js';
import { sameSchema, type AvroSchema } from './avro-schema.js';
import { incompatibilities, schemaIncompatible } from './compatibility.js';
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';

/** A registry that lives and dies with the process; it holds FULL_TRANSITIVE as a real one does. */
export class MemorySchemaRegistry implements SchemaRegistry {
  readonly #subjects = new Map<string, RegisteredSchema[]>();
  readonly #schemas: AvroSchema[] = [];

  async register(subject: string, schema: AvroSchema): Promise<number> {
    compileSchema(schema);
    const versions = this.#subjects.get(subject) ?? [];
    const existing = versions.find((version) => sameSchema(version.schema, schema));
    if (existing !== undefined) return existing.id;
    const messages = incompatibilities(
      schema,
      versions.map((version) => version.schema),
    );
    if (messages.length > 0) throw schemaIncompatible(subject, messages);
    const id = this.#idOf(schema);
    this.#subjects.set(subject, [...versions, { id, version: versions.length + 1, schema: structuredClone(schema) }]);
    return id;
  }

  async byId(id: number): Promise<AvroSchema> {
    const schema = this.#schemas[id - 1];
    if (schema === undefined) throw new HeddleError('schema-unknown', `The registry has no schema ${id}.`);
    return structuredClone(schema);
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    return structuredClone(this.#subjects.get(subject)?.at(-1));
  }

  async subjects(): Promise<string[]> {
    return [...this.#subjects.keys()];
  }

  async check(subject: string, schema: AvroSchema): Promise<{ compatible: boolean; messages: string[] }> {
    compileSchema(schema);
    const versions = this.#subjects.get(subject) ?? [];
    const messages = incompatibilities(
      schema,
      versions.map((version) => version.schema),
    );
    return { compatible: messages.length === 0, messages };
  }

  async ping(): Promise<void> {}

  /** The same schema has the same id under every subject, as in Confluent's registry. */
  #idOf(schema: AvroSchema): number {
    const at = this.#schemas.findIndex((known) => sameSchema(known, schema));
    return at >= 0 ? at + 1 : this.#schemas.push(structuredClone(schema));
  }
}
