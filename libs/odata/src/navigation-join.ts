import { sql } from 'kysely';
import { type Sql, columnOf } from './columns.js';
import type { EntityModel, NavigationModel } from './model.js';

/** The condition under which rows of a set are those that a way leads to from a row of another one. */
export function joinOf<S>(
  { on = [], where = {} }: NavigationModel,
  from: EntityModel<S>,
  alias: string,
  to: EntityModel<S>,
  next: string,
): Sql {
  return sql.join(
    [
      sql`${sql.id(next, 'key')} = ${sql.id(alias, 'key')}`,
      ...on.map((property) => sql`${columnOf(to, property, next)} = ${columnOf(from, property, alias)}`),
      ...fixedOf(where, to, next),
    ],
    sql` and `,
  );
}

/** What a way fixes of the entities it leads to. */
export function fixedOf<S>(where: Readonly<Record<string, string>>, to: EntityModel<S>, alias: string): Sql[] {
  return Object.entries(where).map(([property, value]) => sql`${columnOf(to, property, alias)} = ${value}::text`);
}
