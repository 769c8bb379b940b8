import type { AvroSchema } from './avro-schema.js';
import type { CompatibilityMode } from './compatibility.js';
import type { SchemaReference } from './schema-references.js';

/** A version of a subject; its id is what stands before the data on the log. */
export interface RegisteredSchema {
  id: number;
  version: number;
  schema: AvroSchema;
}

/**
 * The schema registry. Every subject is FULL_TRANSITIVE unless asked otherwise: old and new consumers, and a replay from
 * the beginning, must all read. Ids are forever: the schema of an id never changes. A schema may take names from versions of
 * other subjects; what is given out stands for itself, with those written out. Each line is held by
 * `test/src/contract/schema-registry.contract.ts`.
 */
export interface SchemaRegistry {
  /**
   * Sets the mode for the subject before its first version, FULL_TRANSITIVE when nothing is said, then registers; the
   * same schema again is the same id.
   *
   * @param references where the names are defined that the schema uses and does not define
   * @throws HeddleError `schema-invalid`, `schema-incompatible`, `registry-unavailable`.
   */
  register(
    subject: string,
    schema: AvroSchema,
    mode?: CompatibilityMode,
    references?: readonly SchemaReference[],
  ): Promise<number>;
  /** @throws HeddleError `schema-unknown` when the registry says it has none, `registry-unavailable` when it does not answer. */
  byId(id: number): Promise<AvroSchema>;
  latest(subject: string): Promise<RegisteredSchema | undefined>;
  /** Every version of a subject, the first one first; none for a subject that is not there. */
  versions(subject: string): Promise<RegisteredSchema[]>;
  /** What the subject is held to; undefined where nothing was set for it. */
  mode(subject: string): Promise<CompatibilityMode | undefined>;
  subjects(): Promise<string[]>;
  /** Whether `register` would accept it under FULL_TRANSITIVE, and why not; registers nothing. */
  check(subject: string, schema: AvroSchema): Promise<{ compatible: boolean; messages: string[] }>;
  /** Resolves when the registry answers. @throws HeddleError `registry-unavailable`. */
  ping(): Promise<void>;
}
