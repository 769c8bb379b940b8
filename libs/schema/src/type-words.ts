import type { AvroSchema } from './avro-schema.js';
import { schemaTree, type FieldNode, type FixedNode, type PrimitiveNode, type SchemaNode } from './schema-tree.js';

/** A field of an event's data, in words: a row of a table. */
export interface FieldWords {
  /** Below the data: `Document.href`, `Items[].Material`. */
  path: string;
  type: string;
  /** Avro's JSON of what a writer may leave out; undefined where it may not. */
  default: unknown;
  doc: string;
  isPersonal: boolean;
}

/** What a value is in the JSON form, in words: `text of at most 10 characters`, `a date (ISO 8601), or null`. */
export function typeWords(node: SchemaNode): string {
  switch (node.kind) {
    case 'record':
      return shortNameOf(node.name);
    case 'enum':
      return `one of ${node.symbols.join(', ')}`;
    case 'array':
      return `a list of ${typeWords(node.items)}`;
    case 'map':
      return `an object, whose values are ${typeWords(node.values)}`;
    case 'union': {
      const others = node.branches.filter(({ kind }) => kind !== 'null').map(typeWords);
      const words = node.branches.length > others.length ? [...others, 'null'] : others;
      return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')}, or ${words.at(-1)}`;
    }
    case 'string':
      if (node.logical === 'uuid') return 'a UUID';
      if (node.maxLength === undefined) return 'text';
      return `text of at most ${node.maxLength} character${node.maxLength === 1 ? '' : 's'}`;
    case 'bytes':
    case 'fixed':
      return bytesWords(node);
    case 'long':
      return node.logical === undefined
        ? 'a whole number of 64 bits, as a string beyond 2^53'
        : momentWords(node.logical);
    case 'int':
      return node.logical === undefined ? 'a whole number of 32 bits' : momentWords(node.logical);
    case 'float':
    case 'double':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
  }
}

/** Every field of the data, those of records below it too, each record where it comes first. */
export function fieldWords(schema: AvroSchema): FieldWords[] {
  const rows: FieldWords[] = [];
  const visit = (node: SchemaNode, path: string, seen: readonly SchemaNode[]): void => {
    if (node.kind === 'array') return visit(node.items, `${path}[]`, seen);
    if (node.kind === 'map') return visit(node.values, `${path}{}`, seen);
    if (node.kind === 'union') return node.branches.forEach((branch) => visit(branch, path, seen));
    if (node.kind !== 'record' || seen.includes(node)) return;
    for (const field of node.fields) {
      const at = path === '' ? field.name : `${path}.${field.name}`;
      rows.push(rowOf(at, field));
      visit(field.type, at, [...seen, node]);
    }
  };
  visit(schemaTree(schema), '', []);
  return rows;
}

function rowOf(path: string, { type, default: fallback, doc = '', isPersonal }: FieldNode): FieldWords {
  return { path, type: typeWords(type), default: fallback, doc, isPersonal };
}

function bytesWords(node: FixedNode | PrimitiveNode): string {
  const { logical, precision = 0, scale = 0 } = node;
  if (logical === 'decimal')
    return `a decimal number of at most ${precision} digits, ${scale} of them decimal places, as a string`;
  if (logical === 'uuid') return 'a UUID';
  return node.kind === 'fixed' ? `${node.size} bytes in base64` : 'bytes in base64';
}

function momentWords(logical: string): string {
  const places = logical.endsWith('micros') ? 'microseconds' : 'milliseconds';
  if (logical === 'date') return 'a date (ISO 8601)';
  if (logical.startsWith('time-')) return `a time of day in ${places} (ISO 8601)`;
  if (logical.startsWith('local')) return `a local date and time in ${places} (ISO 8601, without an offset)`;
  return `an instant in ${places} (ISO 8601)`;
}

function shortNameOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
