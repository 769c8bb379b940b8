import { HeddleError } from '@heddle/event';
import { compileSchema } from './avro-codec.js';
import { sameSchema, type AvroSchema } from './avro-schema.js';
import { OWN_MODE, incompatibilities, schemaIncompatible, type CompatibilityMode } from './compatibility.js';
import { standingForItself, type SchemaReference } from './schema-references.js';
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.js';

/** A registry that lives and dies with the process; it holds subjects to their modes as a real one does. */
export class MemorySchemaRegistry implements SchemaRegistry {
  readonly #subjects = new Map<string, RegisteredSchema[]>();
  readonly #modes = new Map<string, CompatibilityMode>();
  readonly #schemas: AvroSchema[] = [];

  async register(
    subject: string,
    written: AvroSchema,
    mode: CompatibilityMode = OWN_MODE,
    references: readonly SchemaReference[] = [],
  ): Promise<number> {
    const schema = await standingForItself({ schema: written, references }, async ({ subject: other, version }) => {
      const found = this.#subjects.get(other)?.find((each) => each.version === version);
      return found === undefined ? undefined : { schema: found.schema, references: [] };
    });
    compileSchema(schema);
    this.#modes.set(subject, mode);
    const versions = this.#subjects.get(subject) ?? [];
    const existing = versions.find((version) => sameSchema(version.schema, schema));
    if (existing !== undefined) return existing.id;
    const messages = incompatibilities(
      schema,
      versions.map((version) => version.schema),
      mode,
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

  async versions(subject: string): Promise<RegisteredSchema[]> {
    return structuredClone(this.#subjects.get(subject) ?? []);
  }

  async mode(subject: string): Promise<CompatibilityMode | undefined> {
    return this.#modes.get(subject);
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
