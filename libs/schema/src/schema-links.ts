import { fullNameOf, qualify, type AvroDefinition, type AvroSchema } from './avro-schema.js';

/** A named type and the file that defines it. */
export interface Definition {
  file: string;
  schema: AvroDefinition;
}

/** Every named type that a schema defines, by its full name, each with its namespace said. */
export function definitionsIn(file: string, schema: unknown): Map<string, Definition> {
  const found = new Map<string, Definition>();
  rewrite(schema, undefined, (node, namespace) => {
    if (typeof node !== 'object') return;
    const name = fullNameOf({ ...node, namespace: node.namespace ?? namespace } as AvroSchema);
    if (name !== undefined && !found.has(name)) found.set(name, { file, schema: { ...node, ...splitName(name) } });
  });
  return found;
}

/**
 * The schema with every name that it uses and does not define written out where it comes first, so that what is
 * registered stands for itself; and the files those names come from.
 */
export function linkedSchema(
  file: string,
  schema: AvroSchema,
  elsewhere: ReadonlyMap<string, Definition>,
): { schema: AvroSchema; uses: string[] } {
  const own = new Set(definitionsIn(file, schema).keys());
  const placed = new Set<string>();
  const uses = new Set<string>();
  const link = (part: unknown, scope: string | undefined): unknown =>
    rewrite(part, scope, (node, namespace) => {
      if (typeof node !== 'string') {
        const name = qualify(String(node.name), node.namespace ?? namespace);
        // What was written out may define names inside of it that came by another way before.
        if (placed.has(name)) return name;
        placed.add(name);
        return;
      }
      const isKnown = (name: string): boolean => own.has(name) || placed.has(name);
      const definition = [qualify(node, namespace), node]
        .filter((name) => !isKnown(name))
        .map((name) => elsewhere.get(name))
        .find((found) => found !== undefined);
      if (definition === undefined || isKnown(qualify(node, namespace))) return;
      uses.add(definition.file);
      return link(definition.schema, undefined);
    });
  return { schema: link(schema, undefined) as AvroSchema, uses: [...uses] };
}

type Visit = (node: string | AvroDefinition, namespace: string | undefined) => unknown;

/** A copy of a schema in which each name and each definition may be put in place of by what `visit` answers. */
function rewrite(node: unknown, namespace: string | undefined, visit: Visit): unknown {
  if (typeof node === 'string') return visit(node, namespace) ?? node;
  if (Array.isArray(node)) return node.map((branch) => rewrite(branch, namespace, visit));
  if (typeof node !== 'object' || node === null) return node;
  const definition = node as AvroDefinition;
  const { type } = definition;
  if (type === 'array') return { ...definition, items: rewrite(definition.items, namespace, visit) };
  if (type === 'map') return { ...definition, values: rewrite(definition.values, namespace, visit) };
  if (type !== 'record' && type !== 'error' && type !== 'enum' && type !== 'fixed')
    return typeof type === 'string' && definition['logicalType'] !== undefined
      ? node
      : { ...definition, type: rewrite(type, namespace, visit) };
  const instead = visit(definition, namespace);
  if (instead !== undefined) return instead;
  if (!Array.isArray(definition.fields)) return node;
  const name = qualify(String(definition.name), definition.namespace ?? namespace);
  const scope = splitName(name).namespace;
  const fields = (definition.fields as readonly unknown[]).map((field) =>
    typeof field === 'object' && field !== null
      ? { ...field, type: rewrite((field as { type?: unknown }).type, scope, visit) }
      : field,
  );
  return { ...definition, fields };
}

function splitName(name: string): { name: string; namespace: string } {
  const dot = name.lastIndexOf('.');
  return { name: name.slice(dot + 1), namespace: dot < 0 ? '' : name.slice(0, dot) };
}
