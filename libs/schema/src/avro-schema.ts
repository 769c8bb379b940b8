/** An Avro schema as JSON, as it stands in a `.avsc` file or a registry; properties of one's own are kept. */
export type AvroSchema = string | AvroDefinition | readonly AvroSchema[];

/** An Avro schema that is written as an object (Avro 1.12, "Schema Declaration"). */
export interface AvroDefinition {
  readonly type: string | AvroSchema;
  readonly name?: string;
  readonly namespace?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly size?: number;
  readonly logicalType?: string;
  readonly [property: string]: unknown;
}

/** A field of a record. */
export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly doc?: string;
  readonly default?: unknown;
  readonly aliases?: readonly string[];
  readonly [property: string]: unknown;
}

/** A schema is refused beyond these, for each has a bomb on its other side (bytes of JSON, nesting, names, fields). */
export const SCHEMA_LIMITS = {
  bytes: 256 * 1024,
  depth: 64,
  names: 1000,
  /** Fields after every reference is written out: what one value may hold apart from items of arrays and maps. */
  unrolledFields: 10_000,
  precision: 1000,
} as const;

/** The full name of a named schema; undefined for one without a name. */
export function fullNameOf(schema: AvroSchema): string | undefined {
  if (typeof schema !== 'object' || !('name' in schema) || typeof schema.name !== 'string') return undefined;
  return qualify(schema.name, schema.namespace);
}

/** A name with its namespace in front, unless it is one already. */
export function qualify(name: string, namespace: string | undefined): string {
  return name.includes('.') || namespace === undefined || namespace === '' ? name : `${namespace}.${name}`;
}

/** The registry subject of a schema on a topic: TopicRecordNameStrategy. */
export function subjectOf(topic: string, schema: AvroSchema): string {
  return `${topic}-${fullNameOf(schema) ?? ''}`;
}

/** Equal as JSON: key order aside, every property counts, those of one's own too. */
export function sameSchema(a: unknown, b: unknown): boolean {
  return stable(a) === stable(b);
}

function stable(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : part,
  );
}
