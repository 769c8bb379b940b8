import type { StoredEvent } from '@heddle/event';
import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileCel } from './cel-expression.js';

const data = {
  SalesOrder: '4711',
  Count: 5,
  Net: '12.50',
  Big: '9007199254740993',
  Open: true,
  Note: null,
  Raised: '2026-01-31T12:00:00.000Z',
  Day: '2026-01-31',
  to_Item: [
    { Product: 'TG11', Quantity: 1 },
    { Product: 'TG12', Quantity: 20, Plant: '1710' },
  ],
  Tags: ['a', 'b'],
};

function storedEvent(of: unknown = data): StoredEvent {
  return {
    topic: 'sales-order',
    partition: 0,
    offset: 0,
    key: '4711',
    appendedAt: 0,
    value: new Uint8Array(),
    attributes: {
      id: 'e1',
      source: '/sales-order',
      type: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
      subject: '4711',
      time: '2026-01-31T12:00:00.000Z',
      sequence: '000000000005',
      int: '7',
    },
    data: of,
  };
}

describe('an expression sees', () => {
  it.each<[string, boolean | undefined]>([
    // attributes
    ['type == "sap.s4.beh.salesorder.v1.SalesOrder.Created.v1"', true],
    ['type.endsWith(".Created.v1") && source == "/sales-order"', true],
    ['attributes.type == type && attributes.int == "7"', true],
    ['type(type) == string && type(data.Count) == double', true],
    ['has(attributes.subject) && !has(attributes.correlationid)', true],
    ['sequence > "000000000004"', true],
    ['timestamp(time) < timestamp("2026-02-01T00:00:00Z")', true],
    ['specversion == "1.0" && key == "4711"', true],
    // data
    ['data.SalesOrder == "4711"', true],
    ['data["SalesOrder"] in ["4710", "4711"]', true],
    ['data.Count == 5 && data.Count > 4 && data.Count in [1, 5]', true],
    ['data.Count + 1.0 == 6.0 && int(data.Count) % 2 == 1', true],
    ['double(data.Net) > 12.4 && data.Net == "12.50"', true],
    ['int(data.Big) == 9007199254740993', true],
    ['data.Open && data.Note == null', true],
    ['timestamp(data.Raised).getFullYear() == 2026', true],
    ['data.Day >= "2026-01-01" && data.Day < "2026-02-01"', true],
    ['data.to_Item.exists(i, i.Product == "TG12" && i.Quantity > 10)', true],
    ['data.to_Item.all(i, i.Product.startsWith("TG"))', true],
    ['data.to_Item.exists_one(i, has(i.Plant))', true],
    ['data.to_Item.filter(i, i.Quantity > 10).size() == 1', true],
    ['data.to_Item.map(i, i.Product) == ["TG11", "TG12"]', true],
    ['data.to_Item.map(i, i.Quantity > 10, i.Product) == ["TG12"]', true],
    ['data.to_Item.exists(i, data.Tags.exists(t, t == "b" && i.Product == "TG11"))', true],
    ['data.to_Item[1].Plant == "1710" && size(data.Tags) == 2', true],
    ['"a" in data.Tags && "Count" in data && !("z" in data.Tags)', true],
    ['data.SalesOrder.matches("^47[0-9]{2}$")', true],
    ['(data.SalesOrder + "/" + data.Tags.join("+")).lowerAscii() == "4711/a+b"', true],
    ['duration("90m") > duration("1h")', true],
    ['data.Count > 4 ? data.Open : data.Nix', true],
    ['10 - (3 - 2) == 9 && 2 * (3 + 4) == 14 && -(-3) == 3 && !(!true)', true],
    // errors are taken in where the outcome does not hang on them
    ['data.Nix == 1 || data.Open', true],
    ['data.Nix == 1 && data.Count == 6', false],
    // what cannot be decided
    ['data.Nix == 1', undefined],
    ['data.Nix.Nix == 1', undefined],
    ['correlationid == "c"', undefined],
    ['constructor == "c"', undefined],
    ['data.constructor == "c"', undefined],
    ['data.Count', undefined],
    ['data.Note', undefined],
    ['data.Count < "a"', undefined],
    ['data.Count + 1 == 6', undefined],
    ['data.to_Item[2].Product == "x"', undefined],
    ['int(data.SalesOrder) / 0 == 1', undefined],
  ])('%s: %s', (text, verdict) => {
    const expression = compileCel(text);
    expect(expression.find(storedEvent())).toMatchObject({ verdict });
    expect(expression.decide(storedEvent())).toBe(verdict);
  });

  it.each([undefined, null, 'text', 5, []])('nothing in data that is no object: %j', (of) => {
    expect(compileCel('data.SalesOrder == "4711"').decide({ ...storedEvent(), data: of })).toBeUndefined();
  });

  it('the event that is asked about, and none from before', () => {
    const expression = compileCel('data.SalesOrder == "4711"');
    expect(expression.decide(storedEvent())).toBe(true);
    expect(expression.decide(storedEvent({ SalesOrder: '4712' }))).toBe(false);
    expect(expression.decide(storedEvent({}))).toBeUndefined();
    expect(expression.decide(storedEvent())).toBe(true);
  });
});

describe('an expression is refused', () => {
  it.each<[string, RegExp]>([
    ['1 ==', /Unexpected token: EOF \(line 1, column 5\)/],
    ['true ||\n  nope(1)', /no matching overload for 'nope\(int\)' \(line 2, column 3\)/],
    ['type == 5', /no such overload: string == int \(line 1, column 1\)/],
    ['data.Open && type < 5', /string < int \(line 1, column 14\)/],
    ['"x"', /must be true or false, and is of type string/],
    ['data.to_Item.map(i, i.Product)', /is of type list/],
    ['SalesOrder == "4711"', /no variable SalesOrder: .* data\.SalesOrder \(line 1, column 1\)/],
    ['data.Net.matches(data.SalesOrder)', /only a pattern that is written out/],
    ['data.Net.matches("(a")', /RE2 does not take: .*missing closing \).* \(line 1, column 18\)/],
    ['data.Net.matches("(?=a)b")', /RE2 does not take/],
    ['data.Net.matches("(a)\\\\1")', /RE2 does not take/],
    ['data.Net.matches("(a{0,100}){10}")', /too large, for its repetitions/],
    ['timestamp(time).getHours("Europe/Berlin") > 8', /takes times in UTC/],
    ['cel.bind(x, data.Count, x > 1)', /no cel\.bind/],
    ['bytes(data.Net).json().a == 1', /no json\(\)/],
    ['data.to_Item.exists(type, type.Product == "x")', /calls an element type/],
    ['_spend(1.0)', /no _spend|no matching overload/],
    ['_typ == "x"', /no _typ/],
    ['data._look(1)', /no _look|no matching overload/],
    ['"\ud800" == key', /surrogate/],
    [`key == "${'x'.repeat(4096)}"`, /at most 4096 characters/],
    [`${'!'.repeat(600)}true`, /maxAstNodes/],
    [`${'('.repeat(50)}true${')'.repeat(50)}`, /maxDepth/],
    [`key in [${'"x",'.repeat(251)}"y"]`, /maxListElements/],
    [`data${'.x'.repeat(50)}`, /maxDepth/],
  ])('%s', (text, rule) => {
    expect(() => compileCel(text)).toThrow(rule);
  });

  it('with the name that was written, not the one that stands for it', () => {
    expect(() => compileCel('type == 5')).not.toThrow(/_typ/);
  });
});

it('white space, comments and needless parentheses make no other expression; patterns and values do', () => {
  const key = (text: string): string => compileCel(text).key;
  expect(key('((data.Count) == 5) // five')).toBe(key('data.Count==5'));
  expect(key('a - (b - c) == 1')).not.toBe(key('(a - b) - c == 1'));
  expect(key('data.Net.matches("a")')).not.toBe(key('data.Net.matches("b")'));
  expect(key('data.Count == 5')).not.toBe(key('data.Count == 5.0'));
});

describe('metering changes no result', () => {
  const library = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false });
  const inner = { n: 3, items: [1, 2, 3], s: 'ab', yes: true };
  const binary = (left: fc.Arbitrary<string>, ops: string[], right: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc.tuple(left, fc.constantFrom(...ops), right).map(([one, op, other]) => `(${one}) ${op} (${other})`);
  const expressions = fc.letrec<{ number: string; bool: string }>((tie) => {
    const [number, bool] = [tie('number'), tie('bool')];
    return {
      number: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('data.n', 'data.items[0]', 'size(data.items)', 'size(data.s)', 'x', '1e-12', '1e21', '2.5'),
        fc.nat(9).map(String),
        binary(number, ['+', '-', '*', '/', '%'], number),
        number.map((of) => `-(${of})`),
        fc.tuple(bool, number, number).map(([condition, yes, no]) => `(${condition}) ? (${yes}) : (${no})`),
      ),
      bool: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom('data.yes', 'data.nix', 'data.s == "ab"', 'data.s.contains("b")', 'data.s + data.s == "abab"'),
        fc.constantFrom('"ab" in [data.s]', 'data.n in data.items', 'has(data.nix)', 'x in data.items', 'x == data.n'),
        binary(number, ['==', '!=', '<', '<=', '>', '>='], number),
        binary(bool, ['&&', '||', '=='], bool),
        bool.map((of) => `!(${of})`),
        fc
          .tuple(fc.constantFrom('exists', 'all', 'exists_one'), bool)
          .map(([loop, of]) => `data.items.${loop}(x, ${of})`),
        fc.tuple(bool, number).map(([of, to]) => `data.items.filter(x, ${of}).map(x, ${to}).size() == 2`),
        fc.tuple(bool, number).map(([of, to]) => `data.items.map(x, ${of}, ${to}) == data.items`),
      ),
    };
  });

  it('of any expression that is taken', () => {
    const seen = { true: 0, false: 0, undefined: 0 };
    fc.assert(
      fc.property(expressions.bool, (text) => {
        const expected = verdictOf(() => library.evaluate(text, { data: inner }));
        let expression;
        try {
          expression = compileCel(text);
        } catch {
          return;
        }
        seen[`${expected}`] += 1;
        expect(expression.decide(storedEvent(inner))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(50);
  });

  function verdictOf(evaluate: () => unknown): boolean | undefined {
    try {
      const result = evaluate();
      return typeof result === 'boolean' ? result : undefined;
    } catch {
      return undefined;
    }
  }
});

describe('no expression takes long, whatever the event', () => {
  const list = Array.from({ length: 50_000 }, (_, index) => index);
  const big = {
    text: 'a'.repeat(1_000_000),
    digits: '1'.repeat(100_000),
    list,
    texts: Array.from({ length: 1000 }, (_, index) => `${'x'.repeat(900)}${index}`),
    objects: Array.from({ length: 5000 }, (_, index) => ({ a: index, b: [index] })),
  };
  const doubled = (of: string, last: string): string =>
    ['b', 'c', 'd', 'e', 'f', 'g'].reduceRight((body, name, index) => {
      const from = index === 0 ? of : (['b', 'c', 'd', 'e', 'f', 'g'][index - 1] ?? '');
      return `[${from} + ${from}].all(${name}, ${body})`;
    }, last);

  it.each([
    'data.list.all(a, data.list.all(b, data.list.all(c, a + b + c >= 0.0)))',
    'data.list.exists(a, data.list.exists(b, a + b < 0.0))',
    'data.list.map(a, data.list.map(b, a)).size() > 0',
    'data.list.filter(a, data.list.exists_one(b, a == b)).size() > 0',
    'data.list.all(a, data.list.filter(b, data.list.exists(c, c < 0.0)).size() == 0)',
    'data.list.exists(a, !data.list.all(b, data.gone || b < 0.0))',
    'data.list.exists(a, data.gone == 1 || data.nix == 2)',
    'data.objects.all(a, a in data.objects)',
    'data.texts.exists(a, data.texts.exists(b, data.text.contains(a + b)))',
    'data.list.map(a, data.text).join("").size() > 1',
    'data.texts.join(data.text).size() > 1',
    'data.text.split("").size() > 1',
    `${Array.from({ length: 40 }, () => 'size(data.text)').join(' + ')} > 1`,
    doubled('data.text', 'g == "x"'),
    doubled('data.list', 'g == []'),
    'data.text.matches("(a+)+b")',
    'data.text.matches("(a*)*(a*)*[ab]{50}c")',
    'data.list.all(a, data.texts.all(b, b.matches("x*[0-9]+$")))',
    'duration(data.digits) > duration("1s")',
    `duration("${'1'.repeat(4000)}") > duration("1s")`,
  ])('%s', (text) => {
    const expression = compileCel(text);
    const started = process.threadCpuUsage();
    const { verdict } = expression.find(storedEvent(big));
    // Some 60 ms of a processor, whatever else the machine does; unbounded, each takes seconds to years.
    expect(process.threadCpuUsage(started).user / 1000).toBeLessThan(1500);
    expect(verdict).toBeUndefined();
  });

  it('and what is left over from one evaluation is not taken from the next', () => {
    const greedy = compileCel('data.list.all(a, data.list.all(b, true))');
    const modest = compileCel('data.list.exists(a, a == 100.0)');
    expect(greedy.find(storedEvent(big))).toEqual({
      verdict: undefined,
      problem: 'it takes too many steps for this event',
    });
    expect(modest.decide(storedEvent(big))).toBe(true);
  });

  it('and an order with as many items as there can be is no trouble', () => {
    const items = Array.from({ length: 9999 }, (_, index) => ({ Product: `TG${index}`, Quantity: 1 }));
    const event = storedEvent({ to_Item: items });
    expect(compileCel('data.to_Item.exists(i, i.Product == "TG9998")').decide(event)).toBe(true);
    expect(compileCel('data.to_Item.all(i, i.Quantity > 0)').decide(event)).toBe(true);
  });
});
