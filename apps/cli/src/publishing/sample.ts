/** Data in JSON form that fits an Avro schema, made of its types alone: for a type whose catalogue entry has no example. */
export function sampleOf(schema: unknown): unknown {
  return sample(schema, new Map(), 0);
}

interface Named {
  type?: unknown;
  name?: string;
  namespace?: string;
  logicalType?: string;
  scale?: number;
  size?: number;
  maxLength?: number;
  symbols?: string[];
  fields?: { name: string; type: unknown; default?: unknown }[];
  items?: unknown;
  values?: unknown;
}

const MAX_DEPTH = 32;
const DAY = '2026-01-31';

const PRIMITIVES: Readonly<Record<string, unknown>> = {
  null: null,
  boolean: true,
  int: 1,
  long: 1,
  float: 1.5,
  double: 1.5,
  bytes: '',
  string: 'text',
};

/** The JSON form of what Avro means by a logical type. */
const LOGICAL: Readonly<Record<string, (schema: Named) => unknown>> = {
  decimal: ({ scale = 0 }) => (scale === 0 ? '1' : `1.${'0'.repeat(scale)}`),
  date: () => DAY,
  'time-millis': () => '12:00:00.000',
  'time-micros': () => '12:00:00.000000',
  'timestamp-millis': () => `${DAY}T12:00:00.000Z`,
  'timestamp-micros': () => `${DAY}T12:00:00.000000Z`,
  'local-timestamp-millis': () => `${DAY}T12:00:00.000`,
  'local-timestamp-micros': () => `${DAY}T12:00:00.000000`,
  uuid: () => '0198c5a2-7d3e-7abc-9def-0123456789ab',
};

function sample(schema: unknown, names: Map<string, unknown>, depth: number): unknown {
  if (typeof schema === 'string') {
    if (schema in PRIMITIVES) return PRIMITIVES[schema];
    const named = names.get(schema) ?? names.get(schema.slice(schema.lastIndexOf('.') + 1));
    return named === undefined ? null : sample(named, names, depth + 1);
  }
  if (Array.isArray(schema)) return ofUnion(schema, names, depth);
  return ofObject((schema ?? {}) as Named, names, depth);
}

/** What says something is a better sample than null; but where a type holds itself, null is how that ends. */
function ofUnion(branches: readonly unknown[], names: Map<string, unknown>, depth: number): unknown {
  const telling = branches.find((branch) => branch !== 'null');
  if (telling === undefined || (depth > 4 && branches.includes('null'))) return null;
  return sample(telling, names, depth);
}

function ofObject(schema: Named, names: Map<string, unknown>, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  const logical = schema.logicalType === undefined ? undefined : LOGICAL[schema.logicalType];
  if (logical !== undefined) return logical(schema);
  if (schema.name !== undefined) {
    names.set(schema.name, schema);
    if (schema.namespace !== undefined) names.set(`${schema.namespace}.${schema.name}`, schema);
  }
  switch (schema.type) {
    case 'record':
      return Object.fromEntries((schema.fields ?? []).map(({ name, type }) => [name, sample(type, names, depth + 1)]));
    case 'enum':
      return schema.symbols?.[0];
    case 'array':
      return depth > 4 ? [] : [sample(schema.items, names, depth + 1)];
    case 'map':
      return depth > 4 ? {} : { key: sample(schema.values, names, depth + 1) };
    case 'fixed':
      return Buffer.alloc(schema.size ?? 0).toString('base64');
    case 'string':
      return 'text'.slice(0, schema.maxLength);
    default:
      return sample(schema.type, names, depth + 1);
  }
}
