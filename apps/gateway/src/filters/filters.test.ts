import { HeddleError, type StoredEvent } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FilterExpression } from './filter.js';
import { FILTER_LIMITS, compileFilter, filterDialects } from './filters.js';

const TYPE = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';

function storedEvent(attributes: Record<string, string> = {}, data: unknown = {}): StoredEvent {
  return {
    topic: 'sales-order',
    partition: 0,
    offset: 7,
    key: '4711',
    appendedAt: 0,
    value: new Uint8Array(),
    attributes: { id: 'e1', source: '/sales-order', type: TYPE, subject: '4711', ...attributes },
    data,
  };
}

const holds = (filter: unknown, event = storedEvent()): boolean =>
  compileFilter(filter as FilterExpression[]).matches(event);

describe('each dialect', () => {
  it.each<[filter: FilterExpression, matches: boolean]>([
    [{ exact: { type: TYPE } }, true],
    [{ exact: { type: TYPE.toLowerCase() } }, false],
    [{ exact: { type: 'sap' } }, false],
    [{ exact: { subject: '4711', source: '/sales-order' } }, true],
    [{ exact: { subject: '4711', source: '/other' } }, false],
    [{ exact: { correlationid: 'c' } }, false],
    [{ exact: { specversion: '1.0' } }, true],
    [{ exact: { specversion: '0.3' } }, false],
    [{ exact: { constructor: 'x' } } as unknown as FilterExpression, false],
    [{ prefix: { type: 'sap.s4.' } }, true],
    [{ prefix: { type: 'SAP.S4.' } }, false],
    [{ prefix: { type: `${TYPE}.` } }, false],
    [{ prefix: { type: 'sap.', subject: '48' } }, false],
    [{ prefix: { correlationid: 'c' } }, false],
    [{ suffix: { type: '.Created.v1' } }, true],
    [{ suffix: { type: '.created.v1' } }, false],
    [{ suffix: { type: '.v1', subject: '11' } }, true],
    [{ suffix: { type: '.v1', subject: '12' } }, false],
    [{ all: [{ exact: { subject: '4711' } }, { prefix: { type: 'sap.' } }] }, true],
    [{ all: [{ exact: { subject: '4711' } }, { prefix: { type: 'x.' } }] }, false],
    [{ any: [{ exact: { subject: '1' } }, { prefix: { type: 'sap.' } }] }, true],
    [{ any: [{ exact: { subject: '1' } }, { prefix: { type: 'x.' } }] }, false],
    [{ not: { exact: { subject: '1' } } }, true],
    [{ not: { exact: { subject: '4711' } } }, false],
    [{ not: { exact: { correlationid: 'c' } } }, true],
    [{ not: { any: [{ exact: { subject: '1' } }, { not: { suffix: { type: '.v1' } } }] } }, true],
    [{ cel: 'subject == "4711"' }, true],
    [{ cel: 'subject == "4712"' }, false],
  ])('%j decides %s', (filter, matches) => {
    expect(holds([filter])).toBe(matches);
    expect(compileFilter([filter]).explain(storedEvent()).matches).toBe(matches);
  });

  it('no filter matches everything, several must all match', () => {
    expect(holds([])).toBe(true);
    expect(holds([{ exact: { subject: '4711' } }, { suffix: { type: '.v1' } }])).toBe(true);
    expect(holds([{ exact: { subject: '4711' } }, { suffix: { type: '.v2' } }])).toBe(false);
  });

  it('two wanted values of one attribute never match, whichever is asked for first', () => {
    const [one, other] = [{ exact: { subject: '4711' } }, { exact: { subject: '4712' } }];
    expect([holds([one, other]), holds([other, one])]).toEqual([false, false]);
    expect(compileFilter([one, other]).isExact).toBe(false);
  });
});

describe('a filter that breaks a rule is refused with the path of its wrong part', () => {
  const deep = (levels: number): unknown => (levels === 0 ? { exact: { id: 'x' } } : { not: deep(levels - 1) });
  const many = (count: number): unknown[] =>
    Array.from({ length: count }, (_, index) => ({ exact: { id: `${index}` } }));

  const refused: [filter: unknown, path: string, rule: RegExp][] = [
    [{ exact: {} }, 'filter', /must be a list/],
    [['x'], 'filter.0', /must be an object with one dialect of exact, prefix, suffix, all, any, not, cel/],
    [[null], 'filter.0', /must be an object/],
    [[[]], 'filter.0', /must be an object/],
    [[{}], 'filter.0', /must name a dialect/],
    [[{ sql: 'x' }], 'filter.0', /unknown dialect "sql"; there are exact, prefix, suffix, all, any, not, cel/],
    [[{ toString: {} }], 'filter.0', /unknown dialect/],
    [[{ exact: { id: 'a' }, prefix: { id: 'a' } }], 'filter.0', /one dialect only/],
    [[{ exact: {} }], 'filter.0.exact', /at least one attribute/],
    [[{ exact: 'x' }], 'filter.0.exact', /object of attribute names/],
    [[{ exact: ['x'] }], 'filter.0.exact', /object of attribute names/],
    [[{ exact: { type: '' } }], 'filter.0.exact.type', /not empty/],
    [[{ exact: { sequence: 5 } }], 'filter.0.exact.sequence', /string/],
    [[{ prefix: { Type: 'x' } }], 'filter.0.prefix.Type', /a-z and 0-9/],
    [[{ suffix: { data: 'x' } }], 'filter.0.suffix.data', /no attribute/],
    [[{ exact: { id: 'a' } }, { exact: { id: 'x'.repeat(4097) } }], 'filter.1.exact.id', /4096 bytes/],
    [[{ all: [] }], 'filter.0.all', /empty list/],
    [[{ any: {} }], 'filter.0.any', /list of filters/],
    [[{ all: [{ exact: { id: 'a' } }, { exact: {} }] }], 'filter.0.all.1.exact', /at least one/],
    [[{ any: [{ all: [{ not: { nix: 1 } }] }] }], 'filter.0.any.0.all.0.not', /unknown dialect "nix"/],
    [[{ not: [] }], 'filter.0.not', /must be an object/],
    [[{ not: { exact: { id: '' } } }], 'filter.0.not.exact.id', /not empty/],
    [[{ cel: 5 }], 'filter.0.cel', /CEL expression in a string/],
    [[{ cel: ' ' }], 'filter.0.cel', /CEL expression in a string/],
    [[{ any: [{ cel: 'data.x ==' }] }], 'filter.0.any.0.cel', /Unexpected token: EOF \(line 1, column 10\)/],
    [many(FILTER_LIMITS.list + 1), 'filter', /at most 100/],
    [[deep(FILTER_LIMITS.depth)], `filter.0${'.not'.repeat(FILTER_LIMITS.depth)}`, /nested too deep/],
    [Array.from({ length: 11 }, (_, index) => ({ cel: `data.x == ${index}` })), 'filter.10', /at most 10 .* in cel/],
  ];

  it.each(refused.map(([filter, path, rule]) => ({ filter, path, rule })))('$path: $rule', ({ filter, path, rule }) => {
    const error = refusalOf(filter);
    expect(error.code).toBe('filter-invalid');
    expect(error.status).toBe(422);
    expect(error.field).toBe(path);
    expect(error.message).toMatch(rule);
  });

  it('that has more expressions than a filter may have', () => {
    const error = refusalOf(Array.from({ length: 6 }, () => ({ all: many(99) })));
    expect(error.field).toBe('filter.5');
    expect(error.message).toMatch(/at most 500 expressions/);
  });

  it('and what is at the bounds is taken', () => {
    expect(holds([deep(FILTER_LIMITS.depth - 1)])).toBe(true);
    expect(holds(many(FILTER_LIMITS.list))).toBe(false);
  });
});

describe('an event that does not match is told why', () => {
  it.each<[filter: FilterExpression[], reason: string]>([
    [[{ exact: { subject: '4712' } }], 'filter.0.exact.subject: "4711" is not "4712"'],
    [[{ exact: { subject: '4711' } }, { exact: { id: 'x' } }], 'filter.1.exact.id: "e1" is not "x"'],
    [[{ exact: { correlationid: 'x' } }], 'filter.0.exact.correlationid: the event has none'],
    [[{ prefix: { subject: '5' } }], 'filter.0.prefix.subject: "4711" does not begin with "5"'],
    [
      [{ all: [{ exact: { id: 'e1' } }, { suffix: { subject: '2' } }] }],
      'filter.0.all.1.suffix.subject: "4711" does not end with "2"',
    ],
    [
      [{ any: [{ exact: { id: 'x' } }, { exact: { id: 'y' } }] }],
      'filter.0.any: none of 2 holds; filter.0.any.0.exact.id: "e1" is not "x"',
    ],
    [[{ not: { exact: { id: 'e1' } } }], 'filter.0.not: must not hold; filter.0.not.exact holds'],
    [[{ not: { not: { exact: { id: 'x' } } } }], 'filter.0.not.not.exact.id: "e1" is not "x"'],
    [[{ cel: 'id == "x"' }], 'filter.0.cel: is false'],
    [[{ cel: 'data.Nix == "x"' }], 'filter.0.cel: No such key: Nix'],
    [[{ cel: 'correlationid == "x"' }], 'filter.0.cel: the event has no correlationid'],
    [[{ not: { cel: 'data.Nix == "x"' } }], 'filter.0.not.cel: No such key: Nix'],
  ])('%j', (filter, reason) => {
    expect(compileFilter(filter).explain(storedEvent())).toEqual({ matches: false, reason });
  });
});

describe('what cannot be decided', () => {
  const broken: FilterExpression = { cel: 'data.Nix == "x"' };
  const yes: FilterExpression = { exact: { id: 'e1' } };
  const no: FilterExpression = { exact: { id: 'x' } };

  it.each<[filter: FilterExpression[], matches: boolean, errors: number]>([
    [[broken], false, 1],
    [[{ not: broken }], false, 1],
    [[{ not: { not: broken } }], false, 1],
    [[broken, yes], false, 1],
    [[broken, no], false, 0],
    [[{ any: [broken, yes] }], true, 0],
    [[{ any: [broken, no] }], false, 1],
    [[{ not: { all: [broken, no] } }], true, 0],
    [[{ not: { any: [broken, no] } }], false, 1],
  ])('%j never matches for its sake, and is counted if it mattered', (filter, matches, errors) => {
    const seen: string[] = [];
    const compiled = compileFilter(filter, { onError: (key) => seen.push(key) });
    expect(compiled.matches(storedEvent())).toBe(matches);
    expect(seen).toEqual(Array.from({ length: errors }, () => compiled.key));
  });
});

describe('laws, for any filters and events', () => {
  const attribute = fc.constantFrom('id', 'subject', 'correlationid');
  const values = fc.dictionary(attribute, fc.stringMatching(/^[ab]{1,2}$/), { minKeys: 1, maxKeys: 2 });
  const filters = fc.letrec<{ filter: FilterExpression }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3 },
      values.map((exact) => ({ exact })),
      values.map((prefix) => ({ prefix })),
      values.map((suffix) => ({ suffix })),
      fc.constantFrom('id == "a"', 'subject == "ab"', 'data.Nix == 1', 'data.n > 1').map((cel) => ({ cel })),
      tie('filter').map((not) => ({ not })),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
      fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
    ),
  })).filter;
  const filter = filters.filter((one) => {
    try {
      return compileFilter([{ not: { not: { all: [one] } } }]) !== undefined;
    } catch {
      return false;
    }
  });
  const event = fc
    .tuple(fc.dictionary(attribute, fc.stringMatching(/^[ab]{1,3}$/)), fc.constantFrom({}, { n: 1 }, { n: 2 }))
    .map(([attributes, data]) => storedEvent(attributes, data));

  /** What both ways of asking say, as one word. */
  const said = (filters: FilterExpression[], at: StoredEvent): string => {
    const compiled = compileFilter(filters);
    return `${compiled.matches(at)} ${compiled.explain(at).matches}`;
  };

  it('not of not is the filter itself, in its key too', () => {
    fc.assert(
      fc.property(filter, event, (one, at) => {
        expect(said([{ not: { not: one } }], at)).toBe(said([one], at));
        expect(said([one], at)).toMatch(/^(true true|false false)$/);
        expect(compileFilter([{ not: { not: one } }]).key).toBe(compileFilter([one]).key);
      }),
    );
  });

  it('not of all is any of not, and the other way round', () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 3 }), event, (some, at) => {
        const nots = some.map((not) => ({ not }));
        expect(said([{ not: { all: some } }], at)).toBe(said([{ any: nots }], at));
        expect(said([{ not: { any: some } }], at)).toBe(said([{ all: nots }], at));
      }),
      { numRuns: 200 },
    );
  });

  it('filters with equal keys decide alike, and neither order nor repetition changes a key', () => {
    fc.assert(
      fc.property(fc.array(filter, { minLength: 1, maxLength: 4 }), event, (some, at) => {
        const turned = [...some, ...some].reverse();
        expect(compileFilter(turned).key).toBe(compileFilter(some).key);
        expect(compileFilter([{ any: turned }]).key).toBe(compileFilter([{ any: some }]).key);
        expect(said(turned, at)).toBe(said(some, at));
        for (const one of some) {
          for (const other of some) {
            if (compileFilter([one]).key === compileFilter([other]).key)
              expect(said([one], at)).toBe(said([other], at));
          }
        }
      }),
    );
  });

  it('what a filter requires is there in every event that it matches, and is all if it is exact', () => {
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 3 }), event, (some, at) => {
        const compiled = compileFilter(some);
        const isThere = Object.entries(compiled.required).every(([name, value]) => at.attributes[name] === value);
        expect(compiled.matches(at) && !isThere).toBe(false);
        expect(compiled.isExact && isThere && !compiled.matches(at)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

it('every dialect has a name of its own', () => {
  expect(new Set(filterDialects.map(({ name }) => name)).size).toBe(filterDialects.length);
});

function refusalOf(filter: unknown): HeddleError {
  try {
    compileFilter(filter as FilterExpression[]);
  } catch (error) {
    if (error instanceof HeddleError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
