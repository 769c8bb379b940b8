import { SCHEMA_LIMITS } from './avro-schema.js';
import { schemaInvalid, type SchemaNode } from './schema-tree.js';

/** The kinds of JSON value a schema's data can be; two branches of a union that share one cannot be told apart. */
type JsonKind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

export function jsonKindsOf(node: Exclude<SchemaNode, { kind: 'union' }>): readonly JsonKind[] {
  switch (node.kind) {
    case 'null':
    case 'boolean':
    case 'array':
    case 'string':
      return [node.kind];
    case 'int':
      return node.logical === undefined ? ['number'] : ['string'];
    case 'long':
      return node.logical === undefined ? ['number', 'string'] : ['string'];
    case 'float':
    case 'double':
      // NaN and the infinities are strings; beside a string branch they are read as that.
      return ['number'];
    case 'bytes':
    case 'fixed':
    case 'enum':
      return ['string'];
    case 'map':
    case 'record':
      return ['object'];
  }
}

/**
 * Refuses schemas whose data could not be held or told apart: items of no width (six bytes could be 100 million of
 * them), records that hold themselves without end or unroll beyond measure, unions that JSON cannot tell apart.
 *
 * @throws HeddleError `schema-invalid`, naming the place.
 */
export function checkSchemaRules(tree: SchemaNode): void {
  const width = minimumWidths(tree);
  if (width(tree) === Number.POSITIVE_INFINITY) throw schemaInvalid('', 'holds itself without end');
  visit(tree, '', new Set(), (node, at) => {
    if (node.kind === 'array' && width(node.items) === 0)
      throw schemaInvalid(at, 'is an array of items that take no bytes');
    if (node.kind === 'union') checkUnion(node.branches, at);
  });
  const fields = unrolledFields(tree, new Map());
  if (fields > SCHEMA_LIMITS.unrolledFields) {
    throw schemaInvalid('', `has more than ${SCHEMA_LIMITS.unrolledFields} fields once every reference is written out`);
  }
}

function checkUnion(branches: readonly SchemaNode[], at: string): void {
  const taken = new Map<JsonKind, string>();
  for (const branch of branches) {
    if (branch.kind === 'union') throw schemaInvalid(at, 'is a union within a union');
    const name = 'name' in branch ? branch.name : branch.kind;
    for (const kind of jsonKindsOf(branch)) {
      const other = taken.get(kind);
      if (other !== undefined)
        throw schemaInvalid(at, `is a union whose branches ${other} and ${name} are both a JSON ${kind}`);
      taken.set(kind, name);
    }
  }
}

/**
 * The fewest bytes a value of a schema takes. Infinite for a record that needs itself. A map entry has a key before
 * its value, so that only arrays can have items of no width.
 */
export function minimumWidths(tree: SchemaNode): (node: SchemaNode) => number {
  const records = new Map<string, number>();
  const width = (node: SchemaNode): number => {
    switch (node.kind) {
      case 'null':
        return 0;
      case 'float':
        return 4;
      case 'double':
        return 8;
      case 'fixed':
        return node.size;
      case 'union':
        return 1 + Math.min(...node.branches.map(width));
      case 'record':
        return records.get(node.name) ?? Number.POSITIVE_INFINITY;
      default:
        return 1;
    }
  };
  // From infinite downwards until nothing changes: each round settles at least one more record.
  const nodes: Extract<SchemaNode, { kind: 'record' }>[] = [];
  visit(tree, '', new Set(), (node) => void (node.kind === 'record' && nodes.push(node)));
  for (let changed = true; changed;) {
    changed = false;
    for (const node of nodes.toReversed()) {
      const now = node.fields.reduce((sum, field) => sum + width(field.type), 0);
      if (now < (records.get(node.name) ?? Number.POSITIVE_INFINITY)) {
        records.set(node.name, now);
        changed = true;
      }
    }
  }
  return width;
}

function unrolledFields(node: SchemaNode, known: Map<string, number>): number {
  switch (node.kind) {
    case 'union':
      return Math.max(...node.branches.map((branch) => unrolledFields(branch, known)));
    case 'array':
      return 1 + unrolledFields(node.items, known);
    case 'map':
      return 1 + unrolledFields(node.values, known);
    case 'record': {
      const before = known.get(node.name);
      if (before !== undefined) return before;
      known.set(node.name, 1);
      const sum = node.fields.reduce((total, field) => total + 1 + unrolledFields(field.type, known), 0);
      known.set(node.name, sum);
      return sum;
    }
    default:
      return 0;
  }
}

/** Every node once, records before their fields. */
function visit(node: SchemaNode, at: string, seen: Set<SchemaNode>, see: (node: SchemaNode, at: string) => void): void {
  if (seen.has(node)) return;
  seen.add(node);
  see(node, at);
  const below = (child: SchemaNode, part: string) => visit(child, at === '' ? part : `${at}.${part}`, seen, see);
  if (node.kind === 'record') for (const field of node.fields) below(field.type, field.name);
  else if (node.kind === 'array') below(node.items, 'items');
  else if (node.kind === 'map') below(node.values, 'values');
  else if (node.kind === 'union') node.branches.forEach((branch, i) => below(branch, String(i)));
}
