import avro, { type Type } from 'avsc';
import { JSON_FORMS, PLAIN } from './json-forms.js';
import { jsonKindsOf } from './schema-rules.js';
import { schemaInvalid, type SchemaNode } from './schema-tree.js';

/**
 * The avsc type of a schema: it reads and writes the JSON form directly, with unions unwrapped and records as plain
 * objects.
 *
 * @throws HeddleError `schema-invalid` for what only avsc finds, as a default that does not fit its field.
 */
export function avscType(tree: SchemaNode): Type {
  try {
    const type = avro.Type.forSchema(describe(tree, new Set()) as avro.Schema, {
      registry: Object.create(null) as Record<string, Type>,
      logicalTypes: JSON_FORMS as never,
      assertLogicalTypes: true,
      omitRecordMethods: true,
      wrapUnions: 'never',
    });
    makeRecordsPlain(type, new Set());
    return type;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw schemaInvalid('', `is refused: ${reason.slice(0, 300)}`, error);
  }
}

/** The schema as avsc is to see it: our names for JSON forms in, whatever does not shape the bytes out. */
function describe(node: SchemaNode, defined: Set<string>): unknown {
  switch (node.kind) {
    case 'union':
      return describeUnion(node.branches, defined);
    case 'array':
      return { type: 'array', items: describe(node.items, defined) };
    case 'map':
      return { type: 'map', values: describe(node.values, defined) };
    case 'record': {
      if (defined.has(node.name)) return node.name;
      defined.add(node.name);
      const fields = node.fields.map((field) => ({
        name: field.name,
        aliases: field.aliases,
        type: describe(field.type, defined),
        ...(field.default === undefined ? {} : { default: field.default }),
      }));
      // The empty namespace: every name below is a full one.
      return { type: 'record', name: node.name, namespace: '', aliases: node.aliases, fields };
    }
    case 'enum': {
      if (defined.has(node.name)) return node.name;
      defined.add(node.name);
      const { name, aliases, symbols } = node;
      return {
        type: 'enum',
        name,
        namespace: '',
        aliases,
        symbols,
        ...(node.default === undefined ? {} : { default: node.default }),
      };
    }
    case 'fixed': {
      if (defined.has(node.name)) return node.name;
      defined.add(node.name);
      const { name, aliases, size } = node;
      return { type: 'fixed', name, namespace: '', aliases, size, ...formOf(node, PLAIN.base64) };
    }
    case 'long':
    case 'float':
    case 'double':
      return { type: node.kind, ...formOf(node, PLAIN[node.kind]) };
    case 'bytes':
      return { type: 'bytes', ...formOf(node, PLAIN.base64) };
    case 'int':
      return node.logical === undefined ? 'int' : { type: 'int', ...formOf(node, '') };
    default:
      return node.kind;
  }
}

function describeUnion(branches: readonly SchemaNode[], defined: Set<string>): unknown[] {
  const hasStrings = branches.some((branch) => branch.kind !== 'union' && jsonKindsOf(branch).includes('string'));
  return branches.map((branch) =>
    hasStrings && (branch.kind === 'float' || branch.kind === 'double')
      ? { type: branch.kind, logicalType: PLAIN.finite }
      : describe(branch, defined),
  );
}

function formOf(
  node: { logical?: string; precision?: number; scale?: number },
  plain: string,
): Record<string, unknown> {
  if (node.logical === undefined) return { logicalType: plain };
  return { logicalType: node.logical, precision: node.precision, scale: node.scale };
}

/**
 * avsc gives the objects of each record a class of their own. Given the prototype of plain objects before the first
 * is made, they are plain objects, at no cost: equal to literals, and without inherited names that shadow a field.
 */
function makeRecordsPlain(type: Type, seen: Set<Type>): void {
  if (seen.has(type)) return;
  seen.add(type);
  if (type instanceof avro.types.RecordType) {
    (type.recordConstructor as { prototype: object }).prototype = Object.prototype;
    for (const field of type.fields) makeRecordsPlain(field.type, seen);
  } else if (type instanceof avro.types.ArrayType) {
    makeRecordsPlain(type.itemsType, seen);
  } else if (type instanceof avro.types.MapType) {
    makeRecordsPlain(type.valuesType as Type, seen);
  } else if (type instanceof avro.types.UnwrappedUnionType) {
    for (const branch of type.types) makeRecordsPlain(branch, seen);
  }
}
