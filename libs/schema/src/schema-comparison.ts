import type { FieldNode, RecordNode, SchemaNode } from './schema-tree.js';

/** Why a reader cannot read what a writer wrote. */
export type ComparisonRule =
  | 'type-changed'
  | 'branch-missing'
  | 'symbol-missing'
  | 'size-changed'
  | 'default-missing'
  | 'alias-ambiguous'
  | 'name-changed'
  | 'namespace-changed'
  | 'logical-type-changed'
  | 'decimal-changed';

/**
 * Rules that Avro itself does not have: it would read the bytes, and take a microsecond for a millisecond. Apart from
 * these a verdict is that of Apache Avro; `test/src/interop-avro` holds it to that.
 */
export const BEYOND_AVRO: ReadonlySet<string> = new Set<ComparisonRule>([
  'namespace-changed',
  'logical-type-changed',
  'decimal-changed',
]);

export interface Difference {
  /** `data.Items.[].Material`: `[]` is an item of an array, `{}` a value of a map. */
  path: string;
  rule: ComparisonRule;
  message: string;
}

/** What each primitive can be read as, besides itself (Avro 1.12, "Schema Resolution"). */
const PROMOTIONS: Record<string, readonly string[]> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** Everything that keeps a reader from what a writer wrote; empty when nothing does. */
export function differencesOf(reader: SchemaNode, writer: SchemaNode): Difference[] {
  return below('data', new Comparison().compare(reader, writer));
}

class Comparison {
  /** Undefined while a pair is being compared: a record that holds itself is as good as the rest of it. */
  readonly #pairs = new Map<RecordNode, Map<RecordNode, Difference[] | undefined>>();

  compare(reader: SchemaNode, writer: SchemaNode): Difference[] {
    if (writer.kind === 'union') return writer.branches.flatMap((branch) => this.compare(reader, branch));
    if (reader.kind === 'union') return this.#toUnion(reader.branches, writer);
    if (reader.kind === 'record' && writer.kind === 'record') return this.#records(reader, writer);
    if (reader.kind === 'array' && writer.kind === 'array')
      return below('[]', this.compare(reader.items, writer.items));
    if (reader.kind === 'map' && writer.kind === 'map') return below('{}', this.compare(reader.values, writer.values));
    if (reader.kind === 'enum' && writer.kind === 'enum') {
      const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
      const isHeld = missing.length === 0 || reader.default !== undefined;
      const message = `${missing.join(', ')} is no symbol of the reader, which has no default`;
      return [...namesOf(reader, writer), ...(isHeld ? [] : [difference('symbol-missing', message)])];
    }
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      const isHeld = reader.size === writer.size;
      const size = isHeld ? [] : [difference('size-changed', `${writer.size} bytes are not ${reader.size}`)];
      return [...namesOf(reader, writer), ...size, ...logicalOf(reader, writer)];
    }
    if (reader.kind !== writer.kind && !(PROMOTIONS[writer.kind] ?? []).includes(reader.kind))
      return [difference('type-changed', `${nameOf(writer)} cannot be read as ${nameOf(reader)}`)];
    return logicalOf(reader, writer);
  }

  #toUnion(branches: readonly SchemaNode[], writer: SchemaNode): Difference[] {
    let meant: Difference[] | undefined;
    // A branch of the same kind comes before one that it could be promoted to, as when values are read.
    for (const branch of branches.toSorted((a, b) => Number(b.kind === writer.kind) - Number(a.kind === writer.kind))) {
      const found = this.compare(branch, writer);
      // The first branch that Avro would take is the one that is read.
      if (found.every(({ rule }) => BEYOND_AVRO.has(rule))) return found;
      if (branch.kind === writer.kind) meant ??= found;
    }
    // The branch that was meant tells more than "none fits".
    return meant ?? [difference('branch-missing', `${nameOf(writer)} is none of ${branches.map(nameOf).join(', ')}`)];
  }

  #records(reader: RecordNode, writer: RecordNode): Difference[] {
    const known = this.#pairs.get(reader) ?? new Map<RecordNode, Difference[] | undefined>();
    this.#pairs.set(reader, known);
    // A pair that was found wanting elsewhere is named once more, not listed again: lists of lists would have no end.
    if (known.has(writer)) return worstOf(known.get(writer) ?? []);
    known.set(writer, undefined);
    const found = namesOf(reader, writer);
    if (!found.some(({ rule }) => rule === 'name-changed')) {
      for (const field of reader.fields) found.push(...below(field.name, this.#field(field, writer)));
    }
    known.set(writer, found);
    return found;
  }

  #field(field: FieldNode, writer: RecordNode): Difference[] {
    const sources = writer.fields.filter(({ name }) => name === field.name || field.aliases.includes(name));
    const [source, other] = sources;
    if (source !== undefined && other !== undefined)
      return [difference('alias-ambiguous', `${source.name} and ${other.name} of the writer could both be this field`)];
    if (source !== undefined) return this.compare(field.type, source.type);
    if (field.default !== undefined) return [];
    return [difference('default-missing', 'the writer has no such field, and it has no default')];
  }
}

type Named = Extract<SchemaNode, { name: string }>;

function namesOf(reader: Named, writer: Named): Difference[] {
  if (reader.name === writer.name || reader.aliases.includes(writer.name)) return [];
  const rule = shortNameOf(reader) === shortNameOf(writer) ? 'namespace-changed' : 'name-changed';
  return [difference(rule, `${writer.name} is neither the name nor an alias of ${reader.name}`)];
}

function logicalOf(reader: SchemaNode, writer: SchemaNode): Difference[] {
  if (!('logical' in reader) || !('logical' in writer)) return [];
  if (reader.logical === undefined || writer.logical === undefined) return [];
  if (reader.logical !== writer.logical)
    return [difference('logical-type-changed', `${writer.logical} does not mean the same as ${reader.logical}`)];
  if (reader.precision === writer.precision && reader.scale === writer.scale) return [];
  const [from, to] = [writer, reader].map(({ precision = 0, scale = 0 }) => `a decimal(${precision}, ${scale})`);
  return [difference('decimal-changed', `${from} is not ${to}`)];
}

function worstOf(found: readonly Difference[]): Difference[] {
  const worst = found.find(({ rule }) => !BEYOND_AVRO.has(rule)) ?? found[0];
  return worst === undefined ? [] : [worst];
}

function difference(rule: ComparisonRule, message: string): Difference {
  return { path: '', rule, message };
}

function below(part: string, found: readonly Difference[]): Difference[] {
  return found.map((one) => ({ ...one, path: one.path === '' ? part : `${part}.${one.path}` }));
}

function nameOf(node: SchemaNode): string {
  return 'name' in node ? node.name : node.kind;
}

function shortNameOf({ name }: Named): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
