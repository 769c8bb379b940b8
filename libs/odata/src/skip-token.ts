import { sql } from 'kysely';
import type { Sql } from './columns.js';
import { kindOf } from './edm.js';
import { refusal } from './refusal.js';
import type { Order } from './rows.js';

/** Behind which row the next part of a set begins: by what the rows are ordered by, so that no change shifts it. */
export function printSkipToken(order: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify(order)).toString('base64url');
}

/** The condition for the rows behind one. @throws HeddleError `parameter-invalid` for a token of another order, or none */
export function behindToken(token: string, order: readonly Order[]): Sql {
  const values = parse(token);
  if (values === undefined || values.length !== order.length) {
    throw refusal('$skiptoken', 'is none that the link to a next part of this set has');
  }
  const bounds = order.map((one, index) => ({ ...one, value: values[index]! }));
  const cases = bounds.map((bound, index) => {
    const before = bounds
      .slice(0, index)
      .map(({ sql: column, type, value }) =>
        value === null ? sql`${column} is null` : sql`${column} = ${castOf(type, value)}`,
      );
    return sql`(${sql.join([...before, isBehind(bound)], sql` and `)})`;
  });
  return sql`(${sql.join(cases, sql` or `)})`;
}

/** Null comes first in an order that rises, and last in one that falls. */
function isBehind({ sql: column, type, isDescending, value }: Order & { value: string | null }): Sql {
  if (value === null) return isDescending ? sql`false` : sql`${column} is not null`;
  const bound = castOf(type, value);
  return isDescending ? sql`(${column} < ${bound} or ${column} is null)` : sql`${column} > ${bound}`;
}

const FORMS = {
  text: /^[^\0]*$/s,
  number: /^-?\d{1,400}(?:\.\d{1,400})?$/,
  flag: /^(?:true|false)$/,
  DateTime: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?$/,
  DateTimeOffset: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d){0,2}$/,
  Time: /^\d\d:\d\d:\d\d(?:\.\d{1,6})?$/,
  Guid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
} as const;

const CASTS = {
  text: sql`::text`,
  number: sql`::numeric`,
  flag: sql`::boolean`,
  DateTime: sql`::timestamp`,
  DateTimeOffset: sql`::timestamptz`,
  Time: sql`::time`,
  Guid: sql`::uuid`,
} as const;

function castOf(type: Order['type'], value: string): Sql {
  const kind = kindOf(type);
  const isDate = kind === 'DateTime' || kind === 'DateTimeOffset';
  // A token is what a client sends: days that there are not would be an error of the database.
  const isWrong = !FORMS[kind].test(value) || (isDate && !isDay(value));
  if (isWrong) throw refusal('$skiptoken', `has a ${kind} that is none`);
  return sql`${value}${CASTS[kind]}`;
}

function isDay(value: string): boolean {
  const time = Date.parse(`${value.slice(0, 10)}T${value.slice(11, 19)}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value.slice(0, 10));
}

const MAX_TOKEN = 8192;

function parse(token: string): (string | null)[] | undefined {
  if (token.length > MAX_TOKEN || !/^[\w-]*$/.test(token)) return undefined;
  try {
    const values: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (!Array.isArray(values)) return undefined;
    return values.every((value) => value === null || typeof value === 'string')
      ? (values as (string | null)[])
      : undefined;
  } catch {
    return undefined;
  }
}
