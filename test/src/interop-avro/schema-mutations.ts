import type { Json, SchemaMaker } from './schema-maker.js';

type Definition = { [property: string]: unknown };

const WIDER: Record<string, string[]> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double', 'int'],
  float: ['double', 'long'],
  string: ['bytes'],
  bytes: ['string'],
};

/** A copy of a schema with one thing changed that people change, for better or worse. */
export function mutated(schema: Json, maker: SchemaMaker): Json {
  const copy = structuredClone(schema);
  const places = definitionsIn(copy);
  const place = maker.one(places);
  if (Array.isArray(place['fields'])) changeRecord(place, place['fields'] as Definition[], maker);
  else if (place['type'] === 'enum') changeEnum(place, maker);
  else if (place['type'] === 'fixed') changeFixed(place, maker);
  return copy;
}

function changeRecord(record: Definition, fields: Definition[], maker: SchemaMaker): void {
  const at = maker.below(Math.max(1, fields.length));
  const field = fields[at];
  switch (maker.below(12)) {
    case 0:
      fields.splice(at, 0, maker.field('added', 3));
      return;
    case 1:
      fields.push({ ...maker.field('optional', 3), default: 'wanted' });
      return;
    case 2:
      if (fields.length > 1) fields.splice(at, 1);
      return;
    case 3:
      if (field !== undefined) Object.assign(field, { name: 'renamed', aliases: [field['name']] });
      return;
    case 4:
      if (field !== undefined) field['name'] = 'other';
      return;
    case 5:
      record['name'] = 'Other';
      return;
    case 6:
      record['namespace'] = 'n.elsewhere';
      return;
    case 7:
      record['aliases'] = [`${textOf(record['namespace'] ?? 'n.one')}.${textOf(record['name'])}`];
      record['name'] = 'Renamed';
      return;
    case 8:
      fields.reverse();
      return;
    case 9:
      if (field !== undefined) {
        if ('default' in field) delete field['default'];
        else field['default'] = 'wanted';
      }
      return;
    case 10:
      // Not its own name, which Java takes for a second field.
      if (field !== undefined && fields.length > 1)
        field['aliases'] = fields
          .map(({ name }) => name)
          .filter((name) => name !== field['name'])
          .slice(0, 2);
      return;
    default:
      if (field !== undefined) field['type'] = changedType(field['type'] as Json, maker);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function changedType(type: Json, maker: SchemaMaker): Json {
  if (Array.isArray(type)) return changedUnion(type, maker);
  if (typeof type === 'object' && 'logicalType' in type && maker.below(2) === 0) return changedLogical(type, maker);
  const kind = maker.below(7);
  if (kind === 0) return maker.type(3);
  if (kind === 1) return type === 'null' ? ['null', 'string'] : ['null', type];
  if (kind === 2) return { type: maker.below(2) === 0 ? 'array' : 'map', items: type, values: type };
  const name = typeof type === 'string' ? type : String(type['type']);
  const wider = WIDER[name];
  if (typeof type === 'object' && 'logicalType' in type) return changedLogical(type, maker);
  return wider === undefined ? maker.type(3) : maker.one(wider);
}

function changedLogical(type: Definition, maker: SchemaMaker): Json {
  if (maker.below(3) === 0 && type['type'] !== 'fixed') return String(type['type']);
  if (type['logicalType'] === 'decimal')
    return { ...type, precision: Number(type['precision']) + 1, scale: maker.below(Number(type['precision'])) };
  if (type['type'] === 'long')
    return { ...type, logicalType: maker.one(['timestamp-millis', 'timestamp-micros', 'local-timestamp-micros']) };
  return { ...type, logicalType: maker.one(['date', 'time-millis']) };
}

function changedUnion(branches: Json[], maker: SchemaMaker): Json {
  const at = maker.below(branches.length);
  switch (maker.below(4)) {
    case 0:
      return branches.toReversed();
    case 1:
      return branches.length > 1 ? branches.toSpliced(at, 1) : (branches[0] as Json);
    case 2:
      return branches[at] as Json;
    default:
      return [...branches, maker.one(['null', 'boolean', 'int', 'long', 'double', 'string', 'bytes'])];
  }
}

function changeEnum(node: Definition, maker: SchemaMaker): void {
  const symbols = node['symbols'] as string[];
  const kind = maker.below(4);
  if (kind === 0) node['symbols'] = [...symbols, 'NEW'];
  else if (kind === 1 && symbols.length > 1) node['symbols'] = symbols.slice(0, -1);
  else if (kind === 2) node['default'] = symbols[0];
  else delete node['default'];
  if ('default' in node && !(node['symbols'] as unknown[]).includes(node['default'])) delete node['default'];
}

function changeFixed(node: Definition, maker: SchemaMaker): void {
  if (maker.below(2) === 0) node['size'] = Number(node['size']) + 1;
  else node['name'] = `${String(node['name'])}x`;
}

/** Every record, enum and fixed in a schema. */
function definitionsIn(schema: Json): Definition[] {
  if (typeof schema === 'string') return [];
  if (Array.isArray(schema)) return schema.flatMap(definitionsIn);
  const own = ['record', 'enum', 'fixed'].includes(String(schema['type'])) ? [schema] : [];
  const inside = [schema['items'], schema['values'], typeof schema['type'] === 'object' ? schema['type'] : undefined];
  const fields = (schema['fields'] ?? []) as Definition[];
  return [
    ...own,
    ...fields.flatMap((field) => definitionsIn(field['type'] as Json)),
    ...inside.flatMap((part) => (part === undefined ? [] : definitionsIn(part as Json))),
  ];
}
