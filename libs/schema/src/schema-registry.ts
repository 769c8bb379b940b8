import type { AvroSchema } from './avro-schema.js';

export interface RegisteredSchema {
  id: number;
  version: number;
  schema: AvroSchema;
}

/**
 * The schema registry. Every subject is FULL_TRANSITIVE: old and new consumers, and a replay from the beginning, must
 * all read. Ids are forever: the schema of an id never changes. Each line is held by
 * `test/src/contract/schema-registry.contract.ts`.
 */
export interface SchemaRegistry {
  /**
   * Sets FULL_TRANSITIVE for the subject before its first version, then registers; the same schema again is the same
   * id. @throws HeddleError `schema-invalid`, `schema-incompatible`, `registry-unavailable`.
   */
  register(subject: string, schema: AvroSchema): Promise<number>;
  /** @throws HeddleError `schema-unknown` when the registry says it has none, `registry-unavailable` when it does not answer. */
  byId(id: number): Promise<AvroSchema>;
  latest(subject: string): Promise<RegisteredSchema | undefined>;
  subjects(): Promise<string[]>;
  /** Whether `register` would accept it, and why not; registers nothing. */
  check(subject: string, schema: AvroSchema): Promise<{ compatible: boolean; messages: string[] }>;
  /** Resolves when the registry answers. @throws HeddleError `registry-unavailable`. */
  ping(): Promise<void>;
}
