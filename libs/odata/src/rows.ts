import { type Kysely, sql } from 'kysely';
import { type Sql, boundOf, columnOf, orderedOf, writtenOf } from './columns.js';
import { type EdmType, valueOf } from './edm.js';
import type { EntityModel, Row } from './model.js';
import { fixedOf } from './navigation-join.js';
import type { Keys } from './changes.js';

/** A reader of one transaction: what it reads is of one moment. */
// oxlint-disable-next-line typescript/no-explicit-any -- views are named by the model, not by the types of the tables
export type Reader = Kysely<any>;

/** What rows are ordered by; all texts are given as they are compared. */
export interface Order {
  sql: Sql;
  type: EdmType;
  isDescending: boolean;
}

export interface Wanted<S> {
  entity: EntityModel<S>;
  properties: readonly string[];
  where: readonly Sql[];
  order: readonly Order[];
  skip?: number;
  limit?: number;
}

/** A row, and what it was ordered by. */
export interface OrderedRow extends Row {
  order: readonly (string | null)[];
}

export const ALIAS = 't';
/** Statements with every new filter another text: they are not prepared, for the server would keep each. */
const ONCE = sql.raw('/* once */');

export async function rowsOf<S>(reader: Reader, wanted: Wanted<S>): Promise<OrderedRow[]> {
  const { entity, where, order, skip = 0, limit } = wanted;
  const properties = [...new Set(wanted.properties)];
  const columns = [
    sql`${sql.id(ALIAS, 'key')} as "k"`,
    sql`${sql.id(ALIAS, 'version')}::text as "v"`,
    ...properties.map((name, index) => {
      const { type } = entity.properties[name]!;
      return sql`${writtenOf(type, columnOf(entity, name, ALIAS))} as ${sql.id(`p${index}`)}`;
    }),
    ...order.map((one, index) => sql`${one.sql}::text as ${sql.id(`o${index}`)}`),
  ];
  // Null is before everything else.
  const sorted = order.map(({ sql: value, isDescending }) =>
    isDescending ? sql`${value} desc nulls last` : sql`${value} asc nulls first`,
  );
  const { rows } = await sql<
    Record<string, string | null>
  >`${ONCE} select ${sql.join(columns)} from ${sql.id(entity.view)} as ${sql.id(ALIAS)}
    ${whereOf(where)}
    ${sorted.length === 0 ? sql`` : sql`order by ${sql.join(sorted)}`}
    ${limit === undefined ? sql`` : sql`limit ${limit}::bigint`} ${skip === 0 ? sql`` : sql`offset ${skip}::bigint`}
  `.execute(reader);
  return rows.map((row) => ({
    key: row['k'] ?? '',
    version: row['v'] ?? '',
    values: Object.fromEntries(
      properties.map((name, index) => [name, valueOf(entity.properties[name]!.type, row[`p${index}`] ?? null)]),
    ),
    order: order.map((_, index) => row[`o${index}`] ?? null),
  }));
}

/** How many rows there are, however many of them are answered with. */
export async function countOf<S>(reader: Reader, entity: EntityModel<S>, where: readonly Sql[]): Promise<string> {
  const { rows } = await sql<{
    count: string;
  }>`${ONCE} select count(*)::text as "count" from ${sql.id(entity.view)} as ${sql.id(ALIAS)} ${whereOf(where)}
  `.execute(reader);
  return rows[0]?.count ?? '0';
}

/** The rows behind a way, for all rows that it goes from at once: one statement, however many they are. */
export async function rowsBehind<S>(
  reader: Reader,
  from: readonly Row[],
  {
    entity,
    properties,
    limit,
    on,
    where,
  }: Omit<Wanted<S>, 'where' | 'order'> & {
    on: readonly string[];
    where: Readonly<Record<string, string>>;
  },
): Promise<OrderedRow[]> {
  const columns = ['key', ...on];
  const values = columns.map((name) => from.map((row) => (name === 'key' ? row.key : String(row.values[name] ?? ''))));
  const lists = sql.join(values.map((list) => sql`${list}::text[]`));
  const wanted = sql`(select distinct * from unnest(${lists}) as w(${sql.join(columns.map((name) => sql.id(name)))}))`;
  const own = columns.map((name) => (name === 'key' ? sql.id(ALIAS, 'key') : columnOf(entity, name, ALIAS)));
  const condition = sql`(${sql.join(own)}) in ${wanted}`;
  return rowsOf(reader, {
    entity,
    properties,
    where: [condition, ...fixedOf(where, entity, ALIAS)],
    order: keyOrder(entity),
    ...(limit === undefined ? {} : { limit }),
  });
}

/** By the object, then by the keys and what else tells rows apart: no two are alike in all of them. */
export function keyOrder<S>(entity: EntityModel<S>): Order[] {
  const names = [...entity.keys, ...(entity.place?.needs ?? [])];
  const keys = names.map((name) => {
    const property = entity.properties[name]!;
    const { type } = property;
    return { sql: orderedOf(type, columnOf(entity, name, ALIAS), property), type, isDescending: false };
  });
  if (entity.objectKey !== undefined && entity.keys.includes(entity.objectKey)) return keys;
  const object = { sql: sql`(${sql.id(ALIAS, 'key')} collate "C")`, type: 'Edm.String' as const, isDescending: false };
  return [object, ...keys];
}

/** The condition that keys are these. */
export function keysAre<S>(entity: EntityModel<S>, keys: Keys): Sql[] {
  return Object.entries(keys).map(([name, value]) => {
    const { type } = entity.properties[name]!;
    return value === null ? sql`false` : sql`${columnOf(entity, name, ALIAS)} = ${boundOf(type, value)}`;
  });
}

function whereOf(where: readonly Sql[]): Sql {
  return where.length === 0 ? sql`` : sql`where ${sql.join([...where], sql` and `)}`;
}
