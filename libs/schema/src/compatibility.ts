import { HeddleError } from '@heddle/event';
import { avscType } from './avsc-type.js';
import type { AvroSchema } from './avro-schema.js';
import { schemaTree, type FieldNode, type RecordNode, type SchemaNode } from './schema-tree.js';

/** What each primitive can be read as, besides itself (Avro 1.12, "Schema Resolution"). */
const PROMOTIONS: Record<string, readonly string[]> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/**
 * Why a schema may not join these versions of its subject under FULL_TRANSITIVE: each of them must read what the
 * schema writes, and the schema what each of them wrote. Every line names the field. Empty when it may.
 */
export function incompatibilities(schema: AvroSchema, versions: readonly AvroSchema[]): string[] {
  const next = schemaTree(schema);
  const messages = new Set<string>();
  versions.forEach((version, i) => {
    const before = schemaTree(version);
    for (const message of differences(next, before)) messages.add(`${message} (new schema reading version ${i + 1})`);
    for (const message of differences(before, next))
      messages.add(`${message} (version ${i + 1} reading the new schema)`);
    if (messages.size === 0) for (const message of avscObjections(next, before)) messages.add(message);
  });
  return [...messages];
}

export function schemaIncompatible(subject: string, messages: readonly string[], cause?: unknown): HeddleError {
  const text = messages.length === 0 ? 'the registry gave no reason' : messages.slice(0, 5).join('; ');
  return new HeddleError('schema-incompatible', `The schema cannot join the versions of ${subject}: ${text}.`, {
    cause,
  });
}

/** What keeps a reader from what a writer wrote, each with its path. */
function differences(reader: SchemaNode, writer: SchemaNode): string[] {
  const found: string[] = [];
  compare(reader, writer, 'data', found, new Set());
  return found;
}

function compare(reader: SchemaNode, writer: SchemaNode, at: string, found: string[], seen: Set<string>): void {
  if (writer.kind === 'union') {
    for (const branch of writer.branches) compare(reader, branch, at, found, seen);
    return;
  }
  if (reader.kind === 'union') return compareToUnion(reader.branches, writer, at, found, seen);
  if (reader.kind === 'record' && writer.kind === 'record') return compareRecords(reader, writer, at, found, seen);
  if (reader.kind === 'array' && writer.kind === 'array')
    return compare(reader.items, writer.items, `${at}.[]`, found, seen);
  if (reader.kind === 'map' && writer.kind === 'map')
    return compare(reader.values, writer.values, `${at}.{}`, found, seen);
  if (reader.kind === 'enum' && writer.kind === 'enum') {
    compareNames(reader, writer, at, found);
    const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
    if (missing.length > 0 && reader.default === undefined)
      found.push(`${at}: ${missing.join(', ')} is no symbol of the reader, which has no default`);
    return;
  }
  if (reader.kind === 'fixed' && writer.kind === 'fixed') {
    compareNames(reader, writer, at, found);
    if (reader.size !== writer.size) found.push(`${at}: ${writer.size} bytes are not ${reader.size}`);
    return compareLogical(reader, writer, at, found);
  }
  if (reader.kind !== writer.kind && !(PROMOTIONS[writer.kind] ?? []).includes(reader.kind)) {
    found.push(`${at}: ${nameOf(writer)} cannot be read as ${nameOf(reader)}`);
    return;
  }
  compareLogical(reader, writer, at, found);
}

function compareToUnion(
  branches: readonly SchemaNode[],
  writer: SchemaNode,
  at: string,
  found: string[],
  seen: Set<string>,
): void {
  const readable = branches.some((branch) => {
    const problems: string[] = [];
    compare(branch, writer, at, problems, new Set(seen));
    return problems.length === 0;
  });
  if (readable) return;
  // The branch that was meant tells more than "none fits".
  const meant = branches.find((branch) => branch.kind === writer.kind);
  if (meant !== undefined) return compare(meant, writer, at, found, seen);
  found.push(`${at}: ${nameOf(writer)} is none of ${branches.map(nameOf).join(', ')}`);
}

function compareRecords(reader: RecordNode, writer: RecordNode, at: string, found: string[], seen: Set<string>): void {
  // A pair of records that is being compared already, further up, is not begun again.
  const pair = `${reader.name}<${writer.name}`;
  if (seen.has(pair)) return;
  seen.add(pair);
  compareNames(reader, writer, at, found);
  for (const field of reader.fields) {
    const source = sourceOf(field, writer);
    if (source !== undefined) compare(field.type, source.type, `${at}.${field.name}`, found, seen);
    else if (field.default === undefined)
      found.push(`${at}.${field.name}: the writer has no such field, and it has no default`);
  }
}

function sourceOf(field: FieldNode, writer: RecordNode): FieldNode | undefined {
  return (
    writer.fields.find((other) => other.name === field.name) ??
    writer.fields.find((other) => field.aliases.includes(other.name))
  );
}

type Named = Extract<SchemaNode, { name: string }>;

function compareNames(reader: Named, writer: Named, at: string, found: string[]): void {
  if (reader.name === writer.name || reader.aliases.includes(writer.name)) return;
  found.push(`${at}: ${writer.name} is neither the name nor an alias of ${reader.name}`);
}

function compareLogical(reader: SchemaNode, writer: SchemaNode, at: string, found: string[]): void {
  if (!('logical' in reader) || !('logical' in writer) || reader.logical === undefined || writer.logical === undefined)
    return;
  if (reader.logical !== writer.logical)
    found.push(`${at}: ${writer.logical} does not mean the same as ${reader.logical}`);
  else if (reader.precision !== writer.precision || reader.scale !== writer.scale) {
    found.push(
      `${at}: a decimal(${writer.precision}, ${writer.scale}) is not a decimal(${reader.precision}, ${reader.scale})`,
    );
  }
}

function nameOf(node: SchemaNode): string {
  return 'name' in node ? node.name : node.kind;
}

/** avsc's own word on it, for what the comparison above may have let through. */
function avscObjections(next: SchemaNode, before: SchemaNode): string[] {
  const [a, b] = [avscType(next), avscType(before)];
  const found: string[] = [];
  for (const [reader, writer] of [
    [a, b],
    [b, a],
  ] as const) {
    try {
      reader.createResolver(writer);
    } catch (error) {
      if (error instanceof HeddleError) throw error;
      found.push(`data: ${error instanceof Error ? error.message.slice(0, 300) : String(error)}`);
    }
  }
  return found;
}
