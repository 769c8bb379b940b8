import type { AvroSchema } from './avro-schema.js';
import { type SchemaNode, schemaTree } from './schema-tree.js';

/** Where personal data stands in data in its JSON form. It may hold itself, as records may. */
export type PersonalData =
  | { readonly kind: 'record'; readonly fields: Map<string, 'personal' | PersonalData> }
  /** Of each item of an array, or each value of a map. */
  | { readonly kind: 'items'; readonly of: PersonalData }
  /** Of a union, whose branches cannot be told apart in JSON. */
  | { readonly kind: 'any'; readonly of: readonly PersonalData[] };

const MASK = '***';

/**
 * The fields of a schema whose `heddle` property says `"personal": true`, wherever in it they stand; nothing where there
 * are none.
 *
 * @throws HeddleError `schema-invalid`
 */
export function personalFields(schema: AvroSchema): PersonalData | undefined {
  return personalData(schemaTree(schema));
}

/** As {@link personalFields}, of a schema that was read already. */
export function personalData(tree: SchemaNode): PersonalData | undefined {
  return new Finder().find(tree);
}

/**
 * Data with what is personal masked: what is a string in JSON becomes `"***"`, everything else null. The data itself
 * stays as it is.
 */
export function masked(data: unknown, personal: PersonalData): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (personal.kind === 'any') return personal.of.reduce((value, one) => masked(value, one), data as unknown);
  if (personal.kind === 'items') {
    if (Array.isArray(data)) return data.map((item) => masked(item, personal.of));
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, masked(value, personal.of)]));
  }
  if (Array.isArray(data)) return data;
  const result: Record<string, unknown> = { ...data };
  for (const [name, what] of personal.fields) {
    const value = result[name];
    if (value === undefined) continue;
    result[name] = what === 'personal' ? maskOf(value) : masked(value, what);
  }
  return result;
}

function maskOf(value: unknown): string | null {
  return typeof value === 'string' ? MASK : null;
}

class Finder {
  readonly #found = new Map<SchemaNode, PersonalData>();

  find(node: SchemaNode): PersonalData | undefined {
    if (!holdsPersonal(node, new Set())) return undefined;
    const known = this.#found.get(node);
    if (known !== undefined) return known;
    switch (node.kind) {
      case 'record': {
        const fields = new Map<string, 'personal' | PersonalData>();
        // Known before its fields are looked at: a record may hold itself.
        this.#found.set(node, { kind: 'record', fields });
        for (const { name, type, isPersonal } of node.fields) {
          const found = isPersonal ? 'personal' : this.find(type);
          if (found !== undefined) fields.set(name, found);
        }
        return this.#found.get(node);
      }
      case 'array':
      case 'map':
        return { kind: 'items', of: this.find(node.kind === 'array' ? node.items : node.values)! };
      case 'union': {
        const found = node.branches.map((branch) => this.find(branch)).filter((one) => one !== undefined);
        return found.length === 1 ? found[0] : { kind: 'any', of: found };
      }
      default:
        return undefined;
    }
  }
}

function holdsPersonal(node: SchemaNode, seen: Set<SchemaNode>): boolean {
  if (seen.has(node)) return false;
  seen.add(node);
  switch (node.kind) {
    case 'record':
      return node.fields.some(({ type, isPersonal }) => isPersonal || holdsPersonal(type, seen));
    case 'array':
      return holdsPersonal(node.items, seen);
    case 'map':
      return holdsPersonal(node.values, seen);
    case 'union':
      return node.branches.some((branch) => holdsPersonal(branch, seen));
    default:
      return false;
  }
}
