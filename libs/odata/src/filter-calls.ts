import { sql } from 'kysely';
import type { Sql } from './columns.js';
import type { EdmKind, EdmType } from './edm.js';

/** A function of `$filter`: what it takes, how many of it at least, and what it gives. */
export interface Call {
  takes: readonly (readonly EdmKind[])[];
  least?: number;
  /** Whether its result may be many times what it takes. */
  isGrowing?: true;
  of(args: readonly Sql[], kinds: readonly EdmKind[]): { type: EdmType; sql: Sql };
}

const TEXT: readonly EdmKind[] = ['text'];
const NUMBER: readonly EdmKind[] = ['number'];
const DATES: readonly EdmKind[] = ['DateTime', 'DateTimeOffset'];
const TIMES: readonly EdmKind[] = [...DATES, 'Time'];
const INT_MAX = 2_147_483_646;

/** Letters as Unicode has them, whatever the language of the database. */
const LETTERS = sql.raw('collate "und-x-icu"');

/** The functions of OData V2 (URI conventions 2.0 §4.5.1), but those that take a type: see `filter-types.ts`. */
export const CALLS: Readonly<Record<string, Call>> = {
  substringof: condition(([part, whole]) => sql`(strpos(${whole}, ${part}) > 0)`),
  startswith: condition(([whole, part]) => sql`starts_with(${whole}, ${part})`),
  endswith: condition(([whole, part]) => sql`(right(${whole}, length(${part})) = ${part})`),
  length: { takes: [TEXT], of: ([whole]) => ({ type: 'Edm.Int32', sql: sql`length(${whole})` }) },
  indexof: {
    takes: [TEXT, TEXT],
    of: ([whole, part]) => ({ type: 'Edm.Int32', sql: sql`(strpos(${whole}, ${part}) - 1)` }),
  },
  replace: {
    takes: [TEXT, TEXT, TEXT],
    isGrowing: true,
    of: ([whole, part, other]) => ({ type: 'Edm.String', sql: sql`replace(${whole}, ${part}, ${other})` }),
  },
  substring: {
    takes: [TEXT, NUMBER, NUMBER],
    least: 2,
    of: ([whole, from, count]) => ({
      type: 'Edm.String',
      sql:
        count === undefined
          ? sql`substr(${whole}, ${placeOf(from!)} + 1)`
          : sql`substr(${whole}, ${placeOf(from!)} + 1, ${placeOf(count)})`,
    }),
  },
  tolower: textual(([whole]) => sql`lower(${whole} ${LETTERS})`),
  toupper: textual(([whole]) => sql`upper(${whole} ${LETTERS})`),
  trim: textual(([whole]) => sql`trim(${whole})`),
  concat: {
    takes: [TEXT, TEXT],
    of: ([one, other]) => ({ type: 'Edm.String', sql: sql`(${one} || ${other})` }),
  },
  year: part('year', DATES),
  month: part('month', DATES),
  day: part('day', DATES),
  hour: part('hour', TIMES),
  minute: part('minute', TIMES),
  second: part('second', TIMES),
  round: rounded('round'),
  floor: rounded('floor'),
  ceiling: rounded('ceiling'),
};

function condition(of: (args: readonly Sql[]) => Sql): Call {
  return { takes: [TEXT, TEXT], of: (args) => ({ type: 'Edm.Boolean', sql: of(args) }) };
}

function textual(of: (args: readonly Sql[]) => Sql): Call {
  return { takes: [TEXT], of: (args) => ({ type: 'Edm.String', sql: of(args) }) };
}

/** Instants are looked at in UTC. */
function part(name: string, takes: readonly EdmKind[]): Call {
  return {
    takes: [takes],
    of: ([value], [kind]) => {
      const local = kind === 'DateTimeOffset' ? sql`(${value} at time zone 'UTC')` : value!;
      return { type: 'Edm.Int32', sql: sql`floor(extract(${sql.raw(name)} from ${local}))` };
    },
  };
}

/** Halves are rounded away from zero. */
function rounded(name: string): Call {
  return {
    takes: [NUMBER],
    of: ([value]) => ({ type: 'Edm.Decimal', sql: sql`${sql.raw(name)}(${value}::numeric)` }),
  };
}

/** A place in a text, or a length, within what the database takes for one. `least` and `greatest` pass over null. */
function placeOf(value: Sql): Sql {
  const bounded = sql`least(greatest(trunc(x), 0), ${sql.lit(INT_MAX)})::int`;
  return sql`(select case when x is null then null else ${bounded} end from (select ${value}::numeric as x) as place)`;
}
