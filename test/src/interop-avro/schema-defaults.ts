import type { Json } from './schema-maker.js';

type Definition = { [property: string]: unknown };

/**
 * A copy of a schema in which each default fits its field, as a registry asks for; a field whose type has none, as a
 * record that needs itself, loses its own.
 */
export function withFittingDefaults(schema: Json): Json {
  const copy = structuredClone(schema);
  const named = new Map<string, Definition>();
  collect(copy, '', named);
  visit(copy, '', (field, namespace) => {
    if (!('default' in field)) return;
    const fitting = defaultOf(field['type'] as Json, namespace, named, 0);
    if (fitting === undefined) delete field['default'];
    else field['default'] = fitting;
  });
  return copy;
}

function defaultOf(type: Json, namespace: string, named: ReadonlyMap<string, Definition>, depth: number): unknown {
  if (depth > 6) return undefined;
  // The default of a union is one of its first branch.
  if (Array.isArray(type)) return defaultOf(type[0] as Json, namespace, named, depth + 1);
  if (typeof type === 'object' && typeof type['type'] === 'object')
    return defaultOf(type['type'] as Json, namespace, named, depth + 1);
  const name = typeof type === 'string' ? type : String(type['type']);
  const node = typeof type === 'string' ? (named.get(`${namespace}.${type}`) ?? named.get(type)) : type;
  // One that is named again may be one that is not yet whole, for which Java knows no default.
  if (typeof type === 'string' && node?.['type'] === 'record') return undefined;
  switch (node === undefined ? name : String(node['type'])) {
    case 'null':
      return null;
    case 'boolean':
      return true;
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 0;
    case 'bytes':
      return '\u0001';
    case 'string':
      return typeof type === 'object' && type['logicalType'] === 'uuid' ? '0f3a3f4e-6d3b-4c4e-9a53-0d8c5f4f6a10' : '';
    case 'array':
      return [];
    case 'map':
      return {};
    case 'enum':
      return (node?.['symbols'] as string[] | undefined)?.[0];
    case 'fixed':
      return '\u0000'.repeat(Number(node?.['size']));
    case 'record': {
      const scope = scopeOf(node as Definition, namespace);
      const fields = ((node as Definition)['fields'] as Definition[]).map(
        (field) => [String(field['name']), defaultOf(field['type'] as Json, scope, named, depth + 1)] as const,
      );
      return fields.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(fields);
    }
    default:
      return undefined;
  }
}

function collect(schema: Json, namespace: string, named: Map<string, Definition>): void {
  walk(
    schema,
    namespace,
    (node, scope) => named.set(`${scope}.${String(node['name'])}`, node),
    () => undefined,
  );
}

function visit(schema: Json, namespace: string, see: (field: Definition, namespace: string) => void): void {
  walk(schema, namespace, () => undefined, see);
}

function walk(
  schema: Json,
  namespace: string,
  define: (node: Definition, scope: string) => void,
  see: (field: Definition, scope: string) => void,
): void {
  if (typeof schema === 'string') return;
  if (Array.isArray(schema)) return schema.forEach((branch) => walk(branch, namespace, define, see));
  const scope = scopeOf(schema, namespace);
  if (typeof schema['name'] === 'string') define(schema, scope);
  for (const part of [schema['items'], schema['values'], schema['type']])
    if (typeof part === 'object' && part !== null) walk(part as Json, namespace, define, see);
  for (const field of (schema['fields'] ?? []) as Definition[]) {
    walk(field['type'] as Json, scope, define, see);
    see(field, scope);
  }
}

function scopeOf(node: Definition, namespace: string): string {
  return typeof node['namespace'] === 'string' ? node['namespace'] : namespace;
}
