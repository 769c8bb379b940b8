import { isDeepStrictEqual } from 'node:util';
import type { AvroSchema } from './avro-schema.js';
import type { Finding } from './compatibility.js';
import { schemaTree, type FieldNode, type RecordNode, type SchemaNode } from './schema-tree.js';
import { typeWords } from './type-words.js';

/** What became different between two versions of a schema. */
export interface SchemaChange {
  /** `data.Items.[].Material`, as in findings; `heddle.key` for what is said of the event itself. */
  path: string;
  kind: 'added' | 'taken-away' | 'renamed' | 'type' | 'default' | 'symbols' | 'doc' | 'order' | 'event';
  words: string;
  /** Whether the mode forbids it. */
  breaking: boolean;
}

/** Properties of an event type that readers rely on; its summary and example may change as they like. */
const RELIED_ON = ['type', 'topic', 'object', 'key', 'owner', 'publish', 'fetch', 'envelope'];

/**
 * What a person would say has changed, field by field; each is breaking where a finding that the mode forbids stands at
 * its place, or below it.
 *
 * @throws HeddleError `schema-invalid`
 */
export function schemaChanges(
  before: AvroSchema,
  after: AvroSchema,
  findings: readonly Finding[] = [],
): SchemaChange[] {
  const changes = new Changes();
  changes.between(schemaTree(before), schemaTree(after), 'data');
  const [was, is] = [heddleOf(before), heddleOf(after)];
  for (const name of RELIED_ON) {
    if (!isDeepStrictEqual(was[name], is[name]))
      changes.add(`heddle.${name}`, 'event', `${name} was ${said(was[name])} and is ${said(is[name])}`);
  }
  const broken = findings.filter(({ breaking }) => breaking).map(({ path }) => path);
  return changes.found.map((change) => ({
    ...change,
    breaking: broken.some((path) => path === change.path || path.startsWith(`${change.path}.`)),
  }));
}

class Changes {
  readonly found: Omit<SchemaChange, 'breaking'>[] = [];
  readonly #seen = new Map<SchemaNode, Set<SchemaNode>>();

  add(path: string, kind: SchemaChange['kind'], words: string): void {
    this.found.push({ path, kind, words });
  }

  between(before: SchemaNode, after: SchemaNode, path: string): void {
    if (before.kind === 'record' && after.kind === 'record') return this.#records(before, after, path);
    if (before.kind === 'array' && after.kind === 'array') return this.between(before.items, after.items, `${path}.[]`);
    if (before.kind === 'map' && after.kind === 'map') return this.between(before.values, after.values, `${path}.{}`);
    if (before.kind === 'enum' && after.kind === 'enum') return this.#symbols(before, after, path);
    const [was, is] = [typeWords(before), typeWords(after)];
    if (was !== is) return this.add(path, 'type', `was ${was} and is ${is}`);
    if (before.kind === 'union' && after.kind === 'union') this.#branches(before.branches, after.branches, path);
  }

  #records(before: RecordNode, after: RecordNode, path: string): void {
    const seen = this.#seen.get(before) ?? new Set<SchemaNode>();
    if (seen.has(after)) return;
    this.#seen.set(before, seen.add(after));
    if (before.name !== after.name) this.add(path, 'renamed', `was ${before.name} and is ${after.name}`);
    if (before.doc !== after.doc) this.add(path, 'doc', 'is described in other words');
    const left = new Map(before.fields.map((field) => [field.name, field]));
    for (const field of after.fields) {
      const at = `${path}.${field.name}`;
      const source = [field.name, ...field.aliases].find((name) => left.has(name));
      const was = source === undefined ? undefined : left.get(source);
      if (source !== undefined) left.delete(source);
      if (was === undefined) this.add(at, 'added', `is new: ${typeWords(field.type)}, ${defaultWords(field)}`);
      else this.#field(was, field, at);
    }
    for (const field of left.values())
      this.add(
        `${path}.${field.name}`,
        'taken-away',
        `is taken away: ${typeWords(field.type)}, ${defaultWords(field)}`,
      );
    const [was, is] = [before, after].map(({ fields }) => fields.map(({ name }) => name));
    if (!isDeepStrictEqual(was, is) && isDeepStrictEqual(was?.toSorted(), is?.toSorted()))
      this.add(path, 'order', 'has its fields in another order');
  }

  #field(before: FieldNode, after: FieldNode, path: string): void {
    if (before.name !== after.name) this.add(path, 'renamed', `was called ${before.name}`);
    if (!isDeepStrictEqual(before.default, after.default))
      this.add(path, 'default', `had ${defaultWords(before)} and has ${defaultWords(after)}`);
    if (before.doc !== after.doc) this.add(path, 'doc', 'is described in other words');
    this.between(before.type, after.type, path);
  }

  /** The words of both are the same; what is inside records and enums may differ all the same. */
  #branches(before: readonly SchemaNode[], after: readonly SchemaNode[], path: string): void {
    for (const branch of after) {
      const was = before.find((other) => other.kind === branch.kind);
      if (was !== undefined && (branch.kind === 'record' || branch.kind === 'enum')) this.between(was, branch, path);
    }
  }

  #symbols(
    before: Extract<SchemaNode, { kind: 'enum' }>,
    after: Extract<SchemaNode, { kind: 'enum' }>,
    path: string,
  ): void {
    const added = after.symbols.filter((symbol) => !before.symbols.includes(symbol));
    const gone = before.symbols.filter((symbol) => !after.symbols.includes(symbol));
    if (added.length > 0) this.add(path, 'symbols', `has the new symbols ${added.join(', ')}`);
    if (gone.length > 0) this.add(path, 'symbols', `has no longer the symbols ${gone.join(', ')}`);
    if (before.default !== after.default)
      this.add(
        path,
        'default',
        `had the symbol ${said(before.default)} for unknown ones and has ${said(after.default)}`,
      );
  }
}

function heddleOf(schema: AvroSchema): Record<string, unknown> {
  const heddle = typeof schema === 'object' && 'heddle' in schema ? schema['heddle'] : undefined;
  return typeof heddle === 'object' && heddle !== null ? (heddle as Record<string, unknown>) : {};
}

function defaultWords(field: FieldNode): string {
  return field.default === undefined ? 'no default' : `the default ${said(field.default)}`;
}

function said(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
