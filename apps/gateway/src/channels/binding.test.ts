import type { StoredEvent } from '@heddle/event';
import { typeMatcher } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFilter } from '../filters/filters.js';
import { type Alternative, type Binding, type BindingFilter, compileBindings } from './binding.js';

const RUNS = { numRuns: 1000 };
const TYPES = ['a.b.v1.C.Created.v1', 'a.b.v1.C.Changed.v1', 'a.x.v1.D.Created.v1', 'e.v1'];

/** Whether something holds; undefined where it cannot be decided. */
type Verdict = boolean | undefined;

const TEXTS = ['', 'A', 'a', 'B', 'OR', '10', '9', '0010', '1.5', '"', '\\', '\n', '‿', '🙂'];
const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(-1.5, 0, 1, 9, 10, 1.5, 1e21, 1e-7);
const ordered = <T extends string | number>(value: fc.Arbitrary<T>): fc.Arbitrary<{ low: T; high: T }> =>
  fc.tuple(value, value).map(([one, other]) => (one <= other ? { low: one, high: other } : { low: other, high: one }));
const alternative: fc.Arbitrary<Alternative> = fc.oneof(text, number, ordered(text), ordered(number));
const alternatives = fc.array(alternative, { minLength: 1, maxLength: 4 });
const place = fc.constantFrom<Pick<BindingFilter, 'attribute' | 'data'>>(
  { attribute: 'subject' },
  { attribute: 'namespace' },
  { data: 'Org' },
  { data: 'Nested.Part' },
);
const filter: fc.Arbitrary<BindingFilter> = fc
  .tuple(place, alternatives, alternatives, fc.constantFrom('include', 'exclude', 'both'))
  .map(([where, include, exclude, which]) => ({
    ...where,
    ...(which === 'exclude' ? {} : { include }),
    ...(which === 'include' ? {} : { exclude }),
  }));
const bindings: fc.Arbitrary<Binding[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...TYPES), fc.array(filter, { maxLength: 3 })), {
    minLength: 1,
    selector: ([type]) => type,
  })
  .map((all) => all.map(([type, filters]) => ({ type, filters })));

const value = fc.oneof(text, number, fc.boolean(), fc.constantFrom(null, undefined));
const event: fc.Arbitrary<StoredEvent> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    subject: fc.option(text),
    org: value,
    part: value,
    hasNested: fc.boolean(),
  })
  .map(({ type, subject, org, part, hasNested }) =>
    storedEvent(
      { type, ...(subject === null ? {} : { subject }) },
      without({ Org: org, ...(hasNested ? { Nested: without({ Part: part }) } : {}) }),
    ),
  );

function storedEvent(attributes: { type: string; subject?: string }, data: unknown): StoredEvent {
  return {
    topic: 'any',
    partition: 0,
    offset: 0,
    key: 'k',
    appendedAt: 0,
    value: new Uint8Array(0),
    data,
    attributes: { id: '1', source: '/s', time: '2026-01-31T12:00:00Z', ...attributes },
  } as StoredEvent;
}

function without(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== undefined));
}

/** What a binding says, said plainly. */
function leaves(all: readonly Binding[], { attributes, data }: StoredEvent): boolean {
  const binding = all.find(({ type }) => typeMatcher([type])(attributes.type));
  if (binding === undefined) return false;
  return (binding.filters ?? []).every((one) => {
    const found = one.attribute === undefined ? at(data, one.data!) : attributes[one.attribute];
    const included = one.include === undefined ? true : isIn(one.include, found);
    const excluded = one.exclude === undefined ? false : isIn(one.exclude, found);
    return included === true && excluded === false;
  });
}

function at(data: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((from, name) => (from as Record<string, unknown> | undefined)?.[name], data);
}

function isIn(list: readonly Alternative[], value: unknown): Verdict {
  if (value === undefined || value === null) return false;
  const found = value as string | number | boolean;
  const verdicts = list.map((one): Verdict => {
    if (typeof one === 'string') return String(found) === one;
    if (typeof one === 'number') return asNumber(found, (it) => it === one);
    const { low, high } = one;
    if (typeof low === 'string') return String(found) >= low && String(found) <= String(high);
    return asNumber(found, (it) => it >= low && it <= Number(high));
  });
  if (verdicts.includes(true)) return true;
  return verdicts.includes(undefined) ? undefined : false;
}

/** A number, or a decimal, which is a text; of anything else nothing can be said. */
function asNumber(found: unknown, holds: (it: number) => boolean): Verdict {
  const isNumber = typeof found === 'number' || (typeof found === 'string' && /^-?\d+(\.\d+)?$/.test(found));
  return isNumber ? holds(Number(found)) : undefined;
}

function compiled(all: readonly Binding[]): (event: StoredEvent) => boolean {
  const { types, filter: expressions } = compileBindings(all);
  const [isType, condition] = [typeMatcher(types), compileFilter(expressions)];
  return (one) => isType(one.attributes.type) && condition.matches(one);
}

describe('bindings, compiled into types and a filter', () => {
  it('let through exactly what they say', () => {
    fc.assert(
      fc.property(bindings, fc.array(event, { minLength: 1, maxLength: 5 }), (all, events) => {
        const wants = compiled(all);
        for (const one of events) expect(wants(one)).toBe(leaves(all, one));
      }),
      RUNS,
    );
  });

  it('let through the same in whatever order they stand', () => {
    fc.assert(
      fc.property(bindings, event, (all, one) => {
        expect(compiled(all.toReversed())(one)).toBe(compiled(all)(one));
      }),
      RUNS,
    );
  });

  it('say nothing about types that others are bound to', () => {
    fc.assert(
      fc.property(bindings, event, (all, one) => {
        const own = all.filter(({ type }) => type === one.attributes.type);
        fc.pre(own.length > 0);
        expect(compiled(all)(one)).toBe(compiled(own)(one));
      }),
      RUNS,
    );
  });

  it('without filters cost no filter, and with the same ones share it', () => {
    expect(compileBindings([{ type: 'a.*' }, { type: 'b', filters: [] }])).toEqual({ types: ['a.*', 'b'], filter: [] });
    const filters = [{ data: 'Org', include: ['1710'] }];
    const same = compileBindings(TYPES.map((type) => ({ type, filters })));
    expect(same.filter).toHaveLength(1);
    const many = Array.from({ length: 60 }, (_, n) => ({ type: `${'long.'.repeat(20)}${n}`, filters }));
    expect(compileBindings(many).filter).toHaveLength(3);
    expect(() => compileFilter(compileBindings(many).filter)).not.toThrow();
  });
});
