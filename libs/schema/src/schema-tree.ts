import { HeddleError } from '@heddle/event';
import { SCHEMA_LIMITS, qualify, type AvroSchema } from './avro-schema.js';

/** The logical types Heddle knows; any other is read as the type beneath, as the Avro specification asks. */
export type LogicalName =
  | 'decimal'
  | 'uuid'
  | 'date'
  | 'time-millis'
  | 'time-micros'
  | 'timestamp-millis'
  | 'timestamp-micros'
  | 'local-timestamp-millis'
  | 'local-timestamp-micros';

/** A schema with its names resolved: what codec, checks, comparison and type generation walk over. */
export type SchemaNode =
  | PrimitiveNode
  | FixedNode
  | RecordNode
  | EnumNode
  | { readonly kind: 'array'; readonly items: SchemaNode }
  | { readonly kind: 'map'; readonly values: SchemaNode }
  | { readonly kind: 'union'; readonly branches: readonly SchemaNode[] };

interface LogicalProperties {
  logical?: LogicalName;
  precision?: number;
  scale?: number;
}

export interface PrimitiveNode extends LogicalProperties {
  readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';
  /** Characters at most, of a string: S/4 field lengths. */
  maxLength?: number;
}

export interface FixedNode extends LogicalProperties {
  readonly kind: 'fixed';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly size: number;
}

export interface RecordNode {
  readonly kind: 'record';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  readonly fields: FieldNode[];
}

export interface EnumNode {
  readonly kind: 'enum';
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  readonly symbols: readonly string[];
  readonly default: string | undefined;
}

export interface FieldNode {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly doc: string | undefined;
  readonly type: SchemaNode;
  /** In Avro's JSON form; undefined when the field has none and must be given. */
  readonly default: unknown;
  /** Its `heddle` property says `"personal": true`: only those who may see personal data are to see its value. */
  readonly isPersonal: boolean;
}

const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const BENEATH: Record<LogicalName, readonly string[]> = {
  decimal: ['bytes', 'fixed'],
  uuid: ['string', 'fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
};

/** `schema-invalid`, naming the place within the schema. */
export function schemaInvalid(at: string, rule: string, cause?: unknown): HeddleError {
  return new HeddleError('schema-invalid', `The schema ${at === '' ? '' : `at ${at} `}${rule}.`, {
    ...(at === '' ? {} : { field: at }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Resolves the names of a schema and holds its size, depth and number of names to {@link SCHEMA_LIMITS}.
 *
 * @throws HeddleError `schema-invalid`.
 */
export function schemaTree(schema: AvroSchema): SchemaNode {
  const bytes = Buffer.byteLength(serialize(schema));
  if (bytes > SCHEMA_LIMITS.bytes)
    throw schemaInvalid('', `has ${bytes} bytes; at most ${SCHEMA_LIMITS.bytes} are allowed`);
  return new TreeBuilder().build(schema, undefined, '', 0);
}

/** JSON.stringify overflows the stack on what is nested without measure: that, too, is only a bad schema. */
function serialize(schema: AvroSchema): string {
  try {
    return JSON.stringify(schema) ?? '';
  } catch (error) {
    throw schemaInvalid('', 'cannot be written as JSON', error);
  }
}

class TreeBuilder {
  readonly #names = new Map<string, SchemaNode>();

  build(schema: unknown, namespace: string | undefined, at: string, depth: number): SchemaNode {
    if (depth > SCHEMA_LIMITS.depth) throw schemaInvalid(at, `is nested deeper than ${SCHEMA_LIMITS.depth}`);
    if (typeof schema === 'string') return this.#reference(schema, namespace, at);
    if (Array.isArray(schema)) return this.#union(schema, namespace, at, depth);
    if (!isObject(schema)) throw schemaInvalid(at, 'is neither a name, nor an object, nor a list');
    const type = schema['type'];
    if (typeof type !== 'string') return this.build(type, namespace, at, depth + 1);
    if (PRIMITIVES.has(type)) return primitive(type as PrimitiveNode['kind'], schema, at);
    switch (type) {
      case 'array':
        return { kind: 'array', items: this.build(schema['items'], namespace, join(at, 'items'), depth + 1) };
      case 'map':
        return { kind: 'map', values: this.build(schema['values'], namespace, join(at, 'values'), depth + 1) };
      case 'record':
      case 'error':
        return this.#record(schema, namespace, at, depth);
      case 'enum':
        return this.#enum(schema, namespace, at);
      case 'fixed':
        return this.#fixed(schema, namespace, at);
      default:
        return this.#reference(type, namespace, at);
    }
  }

  #reference(name: string, namespace: string | undefined, at: string): SchemaNode {
    if (PRIMITIVES.has(name)) return { kind: name as PrimitiveNode['kind'] };
    const known = this.#names.get(qualify(name, namespace)) ?? this.#names.get(name);
    if (known === undefined)
      throw schemaInvalid(at, `refers to ${JSON.stringify(name.slice(0, 80))}, which is not defined before it`);
    return known;
  }

  #union(branches: readonly unknown[], namespace: string | undefined, at: string, depth: number): SchemaNode {
    if (branches.length === 0) throw schemaInvalid(at, 'is a union without branches');
    const nodes = branches.map((branch, i) => this.build(branch, namespace, join(at, String(i)), depth + 1));
    if (nodes.some((node) => node.kind === 'union')) throw schemaInvalid(at, 'is a union within a union');
    // Avro 1.12, "Unions": one branch of a kind, but for those that have names.
    const told = nodes.map((node) => ('name' in node ? node.name : node.kind));
    const twice = told.find((name, i) => told.indexOf(name) < i);
    if (twice !== undefined) throw schemaInvalid(at, `is a union with two branches of ${twice}`);
    return { kind: 'union', branches: nodes };
  }

  #record(schema: Record<string, unknown>, namespace: string | undefined, at: string, depth: number): RecordNode {
    const { name, scope, aliases } = this.#define(schema, namespace, at);
    const fields = schema['fields'];
    if (!Array.isArray(fields)) throw schemaInvalid(at, 'is a record without a list of fields');
    const doc = schema['doc'];
    const node: RecordNode = {
      kind: 'record',
      name,
      aliases,
      doc: typeof doc === 'string' ? doc : undefined,
      fields: [],
    };
    // Known before its fields are read: a record may hold itself.
    this.#names.set(name, node);
    const seen = new Set<string>();
    for (const field of fields as unknown[]) {
      const read = this.#field(field, scope, at, depth);
      if (seen.has(read.name)) throw schemaInvalid(join(at, read.name), 'is there twice');
      seen.add(read.name);
      node.fields.push(read);
    }
    return node;
  }

  #field(field: unknown, namespace: string | undefined, at: string, depth: number): FieldNode {
    if (!isObject(field)) throw schemaInvalid(at, 'has a field that is not an object');
    const name = field['name'];
    if (typeof name !== 'string' || !NAME.test(name))
      throw schemaInvalid(at, 'has a field whose name is not letters, digits and underscores');
    if (name === '__proto__') throw schemaInvalid(join(at, name), 'has a name that JavaScript keeps for itself');
    const doc = field['doc'];
    return {
      name,
      aliases: strings(field['aliases']),
      doc: typeof doc === 'string' ? doc : undefined,
      type: this.build(field['type'], namespace, join(at, name), depth + 1),
      default: field['default'],
      isPersonal: isPersonal(field['heddle']),
    };
  }

  #enum(schema: Record<string, unknown>, namespace: string | undefined, at: string): EnumNode {
    const { name, aliases } = this.#define(schema, namespace, at);
    const symbols = schema['symbols'];
    if (
      !Array.isArray(symbols) ||
      symbols.length === 0 ||
      !symbols.every((s) => typeof s === 'string' && NAME.test(s))
    ) {
      throw schemaInvalid(at, 'is an enum without a list of symbols');
    }
    if (new Set(symbols).size !== symbols.length) throw schemaInvalid(at, 'has a symbol twice');
    const fallback = schema['default'];
    if (fallback !== undefined && !symbols.includes(fallback))
      throw schemaInvalid(at, 'has a default that is not one of its symbols');
    const doc = schema['doc'];
    const node: EnumNode = {
      kind: 'enum',
      name,
      aliases,
      doc: typeof doc === 'string' ? doc : undefined,
      symbols: symbols as string[],
      default: fallback as string | undefined,
    };
    this.#names.set(name, node);
    return node;
  }

  #fixed(schema: Record<string, unknown>, namespace: string | undefined, at: string): FixedNode {
    const { name, aliases } = this.#define(schema, namespace, at);
    const size = schema['size'];
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > 2 ** 20) {
      throw schemaInvalid(at, 'is a fixed whose size is not 0 to 2^20');
    }
    const node: FixedNode = { kind: 'fixed', name, aliases, size, ...logicalOf('fixed', schema, size, at) };
    this.#names.set(name, node);
    return node;
  }

  #define(schema: Record<string, unknown>, namespace: string | undefined, at: string) {
    const given = schema['name'];
    const own = schema['namespace'];
    if (typeof given !== 'string') throw schemaInvalid(at, `is a ${String(schema['type'])} without a name`);
    if (own !== undefined && typeof own !== 'string') throw schemaInvalid(at, 'has a namespace that is not a string');
    const name = qualify(given, own ?? namespace);
    if (!name.split('.').every((part) => NAME.test(part)))
      throw schemaInvalid(at, `has the bad name ${JSON.stringify(name.slice(0, 80))}`);
    if (PRIMITIVES.has(name)) throw schemaInvalid(at, `takes the name of the built-in type ${name}`);
    if (this.#names.has(name)) throw schemaInvalid(at, `defines ${name} a second time`);
    if (this.#names.size >= SCHEMA_LIMITS.names) throw schemaInvalid(at, `has more than ${SCHEMA_LIMITS.names} names`);
    const dot = name.lastIndexOf('.');
    const scope = dot < 0 ? undefined : name.slice(0, dot);
    return { name, scope, aliases: strings(schema['aliases']).map((alias) => qualify(alias, scope)) };
  }
}

function primitive(kind: PrimitiveNode['kind'], schema: Record<string, unknown>, at: string): PrimitiveNode {
  const node: PrimitiveNode = { kind, ...logicalOf(kind, schema, undefined, at) };
  const maxLength = schema['maxLength'];
  if (kind === 'string' && maxLength !== undefined) {
    if (typeof maxLength !== 'number' || !Number.isSafeInteger(maxLength) || maxLength < 1)
      throw schemaInvalid(at, 'has a maxLength that is not a whole number from 1');
    node.maxLength = maxLength;
  }
  return node;
}

function logicalOf(
  kind: string,
  schema: Record<string, unknown>,
  size: number | undefined,
  at: string,
): LogicalProperties {
  const logical = schema['logicalType'];
  if (typeof logical !== 'string' || !Object.hasOwn(BENEATH, logical)) return {};
  const name = logical as LogicalName;
  if (!BENEATH[name].includes(kind))
    throw schemaInvalid(at, `has the logical type ${name} on ${kind}; it goes on ${BENEATH[name].join(' or ')}`);
  if (name === 'uuid' && size !== undefined && size !== 16) throw schemaInvalid(at, 'is a uuid of other than 16 bytes');
  if (name !== 'decimal') return { logical: name };
  const precision = schema['precision'];
  const scale = schema['scale'] ?? 0;
  if (!isCount(precision) || precision < 1 || precision > SCHEMA_LIMITS.precision) {
    throw schemaInvalid(at, `is a decimal whose precision is not 1 to ${SCHEMA_LIMITS.precision}`);
  }
  if (!isCount(scale) || scale > precision)
    throw schemaInvalid(at, 'is a decimal whose scale is not 0 to its precision');
  if (size !== undefined && 10n ** BigInt(precision) - 1n >= 1n << BigInt(Math.max(0, size * 8 - 1))) {
    throw schemaInvalid(at, `is a decimal of ${precision} digits, which ${size} bytes cannot hold`);
  }
  return { logical: name, precision, scale };
}

/** What is written in another way than it should be counts as said: better too much is masked than too little. */
function isPersonal(heddle: unknown): boolean {
  const said = isObject(heddle) ? heddle['personal'] : undefined;
  return said !== undefined && said !== false;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

function join(at: string, part: string): string {
  return at === '' ? part : `${at}.${part}`;
}
