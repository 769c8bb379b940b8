import { openDatabase, type Database } from '@heddle/outbox';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { fits } from './evaluate-trial.js';
import type { Expression, Operator } from './filter.js';
import { parseFilter } from './filter-parse.js';
import { FilterSql } from './filter-sql.js';
import type { Literal } from './literal.js';
import { dayAsInstant, dayOfInstant, timeOfInstant } from './model.js';
import { TRIAL_SERVICE, TRIAL_STATEMENTS, type TrialOrder, trialOrder } from './model-trial.js';
import { ALIAS, type Reader, keyOrder, rowsOf } from './rows.js';

let database: Database<unknown>;
let orders: TrialOrder[];

const WORDS = ['', 'a', 'A', 'Ab', 'aBc', "it's", 'ä', 'Ä', ' a ', '%', '_', '😀b', '10', '$&'];
const DAYS = ['2026-01-31', '2026-11-21', '1999-12-31', '2024-02-29'];
const TIMES = ['T00:00:00Z', 'T23:59:59Z', 'T10:30:05Z'];

beforeAll(async () => {
  database = await openDatabase<unknown>({
    url: inject('stack').databaseUrl,
    database: `odata_filters_${process.pid}`,
    pool: 4,
    migrations: {},
  });
  for (const statement of TRIAL_STATEMENTS) await sql.raw(statement).execute(database.db);
  const word = fc.constantFrom(...WORDS);
  const whole = fc.integer({ min: -20, max: 20 });
  const day = fc.option(fc.constantFrom(...DAYS), { nil: null });
  const one = fc.record({
    Text: word,
    Note: fc.option(word, { nil: null }),
    Amount: whole.map(String),
    Count: whole,
    Big: whole.map(String),
    IsOpen: fc.boolean(),
    Day: day,
    At: fc.option(
      fc.tuple(fc.constantFrom(...DAYS), fc.constantFrom(...TIMES)).map((parts) => parts.join('')),
      { nil: null },
    ),
    Id: fc.constantFrom('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'),
    to_Buyer: fc.option(
      word.map((Name) => ({ Name })),
      { nil: null },
    ),
  });
  orders = fc.sample(one, { numRuns: 150, seed: 1 }).map((more, index) => trialOrder(String(index + 1), more));
  for (const order of orders) {
    await sql`insert into trial_order (key, version, state) values (${order.Order}, 1, ${JSON.stringify(order)}::jsonb)`.execute(
      database.db,
    );
  }
});

afterAll(() => database.close());

/** The orders that the database finds. */
async function found(filter: Expression): Promise<string[]> {
  const entity = TRIAL_SERVICE.entities['A_Order']!;
  const condition = new FilterSql(TRIAL_SERVICE, '$filter').condition(filter, entity, ALIAS);
  const db = database.db as Reader;
  const rows = await rowsOf(db, { entity, properties: [], where: [condition], order: keyOrder(entity) });
  return rows.map(({ key }) => key);
}

const literal = (type: Literal['type'], value: Literal['value']): Expression => ({
  kind: 'literal',
  literal: { type, value },
});
const path = (...names: string[]): Expression => ({ kind: 'path', path: names });
const call = (name: string, ...args: Expression[]): Expression => ({ kind: 'call', name, args });
const binary = (operator: Operator, left: Expression, right: Expression): Expression => ({
  kind: 'binary',
  operator,
  left,
  right,
});

/** Filters that fit the types of what they are about. */
const filters = fc.letrec<{
  text: Expression;
  whole: Expression;
  when: Expression;
  instant: Expression;
  flag: Expression;
}>((tie) => ({
  text: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(path('Text'), path('Note'), path('to_Buyer', 'Name')),
    fc.constantFrom(...WORDS).map((word) => literal('Edm.String', word)),
    fc.tuple(fc.constantFrom('tolower', 'toupper', 'trim'), tie('text')).map(([name, arg]) => call(name, arg)),
    fc.tuple(tie('text'), tie('text')).map(([one, other]) => call('concat', one, other)),
    fc.tuple(tie('text'), tie('whole')).map(([one, at]) => call('substring', one, at)),
    fc.tuple(tie('text'), tie('whole'), tie('whole')).map(([one, at, count]) => call('substring', one, at, count)),
    fc
      .tuple(fc.constantFrom(path('Text'), path('Note')), fc.constantFrom(...WORDS))
      .map(([one, word]) => call('replace', one, literal('Edm.String', word), literal('Edm.String', 'x$&'))),
  ),
  whole: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(path('Count'), path('Big')),
    fc.integer({ min: -5, max: 25 }).map((value) => literal('Edm.Int32', value)),
    fc
      .tuple(fc.constantFrom<Operator>('add', 'sub', 'mul', 'div', 'mod'), tie('whole'), tie('whole'))
      .map(([operator, one, other]) => binary(operator, one, other)),
    tie('text').map((one) => call('length', one)),
    fc.tuple(tie('text'), tie('text')).map(([one, other]) => call('indexof', one, other)),
    fc
      .tuple(fc.constantFrom('year', 'month', 'day', 'hour', 'minute', 'second'), tie('when'))
      .map(([name, one]) => call(name, one)),
    fc.tuple(fc.constantFrom('year', 'day', 'hour', 'second'), tie('instant')).map(([name, one]) => call(name, one)),
    tie('whole').map((operand): Expression => ({ kind: 'minus', operand })),
  ),
  when: fc.oneof(
    fc.constant(path('Day')),
    fc.constantFrom(...DAYS).map((day) => literal('Edm.DateTime', Date.parse(day))),
  ),
  instant: fc.oneof(
    fc.constant(path('At')),
    fc.constantFrom(...DAYS).map((day) => literal('Edm.DateTimeOffset', Date.parse(`${day}T10:30:05Z`))),
  ),
  flag: fc.oneof(
    { maxDepth: 4 },
    ...(['text', 'whole', 'when', 'instant'] as const).map((kind) =>
      fc
        .tuple(fc.constantFrom<Operator>('eq', 'ne', 'lt', 'le', 'gt', 'ge'), tie(kind), tie(kind))
        .map(([operator, one, other]) => binary(operator, one, other)),
    ),
    fc
      .tuple(fc.constantFrom<Operator>('eq', 'ne', 'gt'), fc.constantFrom('Note', 'Day', 'At', 'Text'))
      .map(([operator, name]) => binary(operator, path(name), literal('null', null))),
    fc
      .tuple(fc.constantFrom('substringof', 'startswith', 'endswith'), tie('text'), tie('text'))
      .map(([name, one, other]) => call(name, one, other)),
    fc.constant(path('IsOpen')),
    fc
      .tuple(fc.constantFrom<Operator>('and', 'or'), tie('flag'), tie('flag'))
      .map(([operator, one, other]) => binary(operator, one, other)),
    tie('flag').map((operand): Expression => ({ kind: 'not', operand })),
    fc.tuple(tie('flag'), fc.boolean()).map(([one, value]) => binary('eq', one, literal('Edm.Boolean', value))),
  ),
})).flag;

it('days and times of instants are those of UTC, whatever time zone the database speaks in', async () => {
  const order = TRIAL_SERVICE.entities['A_Order']!;
  const more = { AtDay: dayOfInstant('At'), AtTime: timeOfInstant('At'), Day: dayAsInstant() };
  const entity = { ...order, properties: { ...order.properties, ...more } };
  const rows = await (database.db as Reader).transaction().execute(async (tx) => {
    await sql`set local time zone 'Pacific/Kiritimati'`.execute(tx);
    return rowsOf(tx, { entity, properties: ['At', 'AtDay', 'AtTime', 'Day'], where: [], order: keyOrder(entity) });
  });
  const DAY_MS = 86_400_000;
  for (const [index, { values }] of rows.entries()) {
    const { At, Day } = orders[index]!;
    const at = At === null ? null : Date.parse(At);
    expect(values).toEqual({
      At: at,
      AtDay: at === null ? null : at - (at % DAY_MS),
      AtTime: at === null ? null : at % DAY_MS,
      Day: Day === null ? null : Date.parse(Day),
    });
  }
});

describe('a filter', () => {
  it('finds in the database what it means', async () => {
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const wanted = orders.filter((order) => fits(filter, order)).map(({ Order }) => Order);
        expect(await found(filter)).toEqual(wanted);
      }),
      { numRuns: 400 },
    );
  });

  it.each<[filter: string, wanted: (order: TrialOrder) => boolean]>([
    ["Order eq '0000000007'", ({ Order }) => Order === '7'],
    ["Order le '9' and Order ge '0000000003'", ({ Order }) => Number(Order) >= 3 && Number(Order) <= 9],
    ["Id eq guid'00000000-0000-0000-0000-000000000001'", ({ Id }) => Id.endsWith('1')],
    ['Amount eq 5.00M or Amount eq -3.0', ({ Amount }) => Amount === '5' || Amount === '-3'],
    ['Amount div 4 eq 1.25M', ({ Amount }) => Amount === '5'],
    ['round(Amount div 2) eq 3', ({ Amount }) => Amount === '5' || Amount === '6'],
    ["Day eq datetime'2026-11-21T00:00:00'", ({ Day }) => Day === '2026-11-21'],
    ["At eq datetimeoffset'2026-11-21T12:30:05+02:00'", ({ At }) => At === '2026-11-21T10:30:05Z'],
    ['IsOpen eq false', ({ IsOpen }) => !IsOpen],
    // A plus that nobody escaped has become a space.
    ["At eq datetimeoffset'2026-11-21T12:30:05 02:00'", ({ At }) => At === '2026-11-21T10:30:05Z'],
    ["cast(Count, 'Edm.String') eq '5'", ({ Count }) => Count === 5],
    ["startswith(cast(Amount,'Edm.String'),'-1')", ({ Amount }) => Amount.startsWith('-1')],
    ["cast(Text,'Edm.Int32') eq 10", ({ Text }) => Text === '10'],
    ["cast(Amount div 4M,'Edm.Int32') eq 1", ({ Amount }) => Number(Amount) >= 4 && Number(Amount) < 8],
    ["cast(Count mul 1000000000,'Edm.Int32') eq null", ({ Count }) => Math.abs(Count) > 2],
    ["cast(IsOpen,'Edm.String') eq 'true'", ({ IsOpen }) => IsOpen],
    ["cast(Day,'Edm.String') eq '2026-11-21T00:00:00'", ({ Day }) => Day === '2026-11-21'],
    ["cast(At,'Edm.String') eq '2026-11-21T10:30:05Z'", ({ At }) => At === '2026-11-21T10:30:05Z'],
    ["cast(At,'Edm.DateTime') eq datetime'2026-11-21T10:30:05'", ({ At }) => At === '2026-11-21T10:30:05Z'],
    [
      "cast(cast(Id,'Edm.String'),'Edm.Guid') eq Id and endswith(cast(Id,'Edm.String'),'1')",
      ({ Id }) => Id.endsWith('1'),
    ],
    ["cast(Note,'Edm.String') eq null", ({ Note }) => Note === null],
    ["isof('API_TRIAL.A_OrderType') and Count eq 5", ({ Count }) => Count === 5],
    ["isof('API_TRIAL.A_ItemType') or Count eq 5", ({ Count }) => Count === 5],
    ["isof(Note,'Edm.String')", ({ Note }) => Note !== null],
    ["isof(Count,'Edm.Int16') or isof(cast(Count,'Edm.Int64'),'Edm.Int64') and Count eq 5", ({ Count }) => Count === 5],
    ["substringof('A', Text) eq true", ({ Text }) => Text.includes('A')],
  ])('%s finds what it says', async (text, wanted) => {
    const expected = orders.filter(wanted).map(({ Order }) => Order);
    expect(expected).not.toEqual([]);
    expect(await found(parseFilter(text))).toEqual(expected);
  });

  it.each<[filter: string, rule: RegExp]>([
    ['None eq 1', /"None" is no property of A_Order/],
    ['constructor eq 1', /"constructor" is no property/],
    ["Count eq 'x'", /compares Edm.Int32 with Edm.String/],
    ["Day eq datetimeoffset'2026-11-21T00:00:00Z'", /compares Edm.DateTime with Edm.DateTimeOffset/],
    ['Count', /is neither true nor false/],
    ['null', /is neither true nor false/],
    ['not Count', /is no condition/],
    ['Count add Text eq 1', /is no number/],
    ["to_Item/Text eq 'x'", /leads to many/],
    ["to_None/Text eq 'x'", /leads nowhere/],
    ["isof('API_TRIAL.None')", /is no type of entities here/],
    ["isof(Text,'Edm.None')", /"Edm.None" is no type/],
    ['isof(Text,Note)', /takes the name of a type in quotes/],
    ["cast(Text) eq 'x'", /cast takes 2 operands/],
    ["cast(Text,'Edm.DateTime') eq Day", /cast makes no Edm.DateTime of Edm.String/],
    ["cast(Text,'Edm.Byte') eq 1", /"Edm.Byte" is no type to cast to/],
    ["nosuch(Text) eq 'x'", /is no function; there are substringof/],
    ['length(Count) eq 1', /is Edm.Int32, and length takes text/],
    ['length() eq 1', /length takes 1 operands/],
    ["replace(replace(Text,'a','aa'),'a','aa') eq 'x'", /does not stand within/],
  ])('%s is refused, and the rule is named', async (text, rule) => {
    await expect(async () => found(parseFilter(text))).rejects.toMatchObject({ status: 400, message: rule });
  });

  it('is bound, never written into the statement', () => {
    const entity = TRIAL_SERVICE.entities['A_Order']!;
    const filter = parseFilter(`Text eq 'x'') or 1=1 --' and substringof('";drop', Note)`);
    const condition = new FilterSql(TRIAL_SERVICE, '$filter').condition(filter, entity, ALIAS);
    const { sql: statement, parameters } = condition.compile(database.db);
    expect(statement).not.toMatch(/drop|1=1/);
    expect(parameters).toEqual(["x') or 1=1 --", '";drop']);
  });
});
