import { type StoredEvent, typeMatcher } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FilterSet } from './filter-set.js';
import type { CompiledFilter, FilterExpression } from './filter.js';
import { compileFilter } from './filters.js';

function storedEvent(type: string, attributes: Record<string, string> = {}, topic = 'sales-order'): StoredEvent {
  return {
    topic,
    partition: 0,
    offset: 0,
    key: '4711',
    appendedAt: 0,
    value: new Uint8Array(),
    attributes: { id: 'e1', source: '/s', type, ...attributes },
    data: {},
  };
}

const sorted = (members: readonly string[]): string[] => [...members].sort();

/** A filter that says how often it was asked. */
function counted(filter: FilterExpression[], calls: { count: number }): CompiledFilter {
  const compiled = compileFilter(filter);
  return {
    ...compiled,
    matches(event) {
      calls.count += 1;
      return compiled.matches(event);
    },
  };
}

describe('a set of filters', () => {
  it('finds members by type, topic and filter', () => {
    const set = new FilterSet<string>();
    set.add('everything', ['*'], compileFilter([]));
    set.add('a types', ['a.*'], compileFilter([]));
    set.add('one type', ['a.b'], compileFilter([]));
    set.add('contracts', ['*'], compileFilter([]), (topic) => topic === 'contract');
    set.add('key 1', ['a.*'], compileFilter([{ exact: { subject: '1' } }]));
    set.add('exact type', ['*'], compileFilter([{ exact: { type: 'a.c' } }]));
    expect(sorted(set.match(storedEvent('a.b')))).toEqual(['a types', 'everything', 'one type']);
    expect(sorted(set.match(storedEvent('a.c', { subject: '1' })))).toEqual([
      'a types',
      'everything',
      'exact type',
      'key 1',
    ]);
    expect(sorted(set.match(storedEvent('x', {}, 'contract')))).toEqual(['contracts', 'everything']);
    expect(set.size).toBe(6);
  });

  it('asks each distinct filter once per event, and exact ones not at all', () => {
    const set = new FilterSet<string>();
    const [cel, exact] = [{ count: 0 }, { count: 0 }];
    for (let index = 0; index < 100; index += 1) {
      set.add(`cel ${index}`, ['*'], counted([{ cel: index % 2 === 0 ? 'id == "e1"' : '(id == "e1") // odd' }], cel));
      set.add(`exact ${index}`, ['*'], counted([{ exact: { subject: `${index}` } }], exact));
    }
    expect(set.match(storedEvent('a', { subject: '7' }))).toHaveLength(101);
    expect([cel.count, exact.count]).toEqual([1, 0]);
  });

  it('asks only those filters whose exact values the event has', () => {
    const set = new FilterSet<string>();
    const calls = { count: 0 };
    for (let index = 0; index < 100; index += 1) {
      const exact = { subject: `${index}`, source: '/s' };
      set.add(`${index}`, ['*'], counted([{ exact }, { cel: `id != "${index}"` }], calls));
    }
    expect(set.match(storedEvent('a', { subject: '7' }))).toEqual(['7']);
    expect(calls.count).toBe(1);
    expect(set.match(storedEvent('a', { subject: 'other' }))).toEqual([]);
    expect(calls.count).toBe(1);
  });

  it('does not take the values of two attributes for those of two others', () => {
    const set = new FilterSet<string>();
    set.add('member', ['*'], compileFilter([{ exact: { subject: '1:b', partitionkey: 'c' } }]));
    expect(set.match(storedEvent('a', { subject: 'c', partitionkey: '1:b' }))).toEqual([]);
    expect(set.match(storedEvent('a', { subject: '1:b', partitionkey: 'c' }))).toEqual(['member']);
    set.add('other version', ['*'], compileFilter([{ exact: { specversion: '0.3' } }]));
    expect(set.match(storedEvent('a'))).toEqual([]);
  });

  it('leaves a list it handed out as it was', () => {
    const set = new FilterSet<string>();
    set.add('one', ['*'], compileFilter([]));
    const before = set.match(storedEvent('a'));
    set.add('two', ['*'], compileFilter([]));
    set.remove('one');
    expect(before).toEqual(['one']);
    expect(set.match(storedEvent('a'))).toEqual(['two']);
  });

  it('matches as asking every member would, through all changes', () => {
    const attribute = fc.constantFrom('subject', 'partitionkey', 'type');
    const value = fc.constantFrom('a', 'b', 'a.b');
    const values = fc.dictionary(attribute, value, { minKeys: 1, maxKeys: 3 });
    const expression: fc.Arbitrary<FilterExpression> = fc.oneof(
      values.map((exact) => ({ exact })),
      values.map((prefix) => ({ prefix })),
      values.map((exact) => ({ not: { exact } })),
      values.map((exact) => ({ any: [{ exact }, { cel: 'subject == "b"' }] })),
      values.map((exact) => ({ all: [{ exact }, { cel: 'partitionkey == "a"' }] })),
    );
    const selection = fc.record({
      types: fc.subarray(['*', 'a', 'a*', 'b', 'a.b'], { minLength: 1 }),
      filter: fc.array(expression, { maxLength: 2 }),
      topics: fc.option(fc.subarray(['t', 'u']), { nil: undefined }),
    });
    const change = fc.tuple(fc.constantFrom('1', '2', '3', '4', '5', '6'), fc.option(selection, { freq: 4 }));
    const event = fc
      .tuple(
        fc.constantFrom('a', 'b', 'a.b'),
        fc.dictionary(fc.constantFrom('subject', 'partitionkey'), value),
        fc.constantFrom('t', 'u'),
      )
      .map(([type, attributes, topic]) => storedEvent(type, attributes, topic));

    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.array(event, { maxLength: 4 })), { maxLength: 20 }), (steps) => {
        const set = new FilterSet<string>();
        const wanted = new Map<string, { types: string[]; filter: FilterExpression[]; topics: string[] | undefined }>();
        for (const [[member, selected], events] of steps) {
          if (selected === null) {
            set.remove(member);
            wanted.delete(member);
          } else {
            set.add(
              member,
              selected.types,
              compileFilter(selected.filter),
              (topic) => selected.topics?.includes(topic) ?? true,
            );
            wanted.set(member, selected);
          }
          for (const one of events) {
            const expected = [...wanted].filter(
              ([, { types, filter, topics }]) =>
                typeMatcher(types)(one.attributes.type) &&
                (topics === undefined || topics.includes(one.topic)) &&
                compileFilter(filter).matches(one),
            );
            expect(sorted(set.match(one))).toEqual(sorted(expected.map(([member]) => member)));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps working when there are more types than it remembers', () => {
    const set = new FilterSet<string>();
    set.add('member', ['t1*'], compileFilter([]));
    for (let index = 0; index < 10_050; index += 1) set.match(storedEvent(`t${index}`));
    set.add('late', ['*'], compileFilter([]));
    expect(sorted(set.match(storedEvent('t10049')))).toEqual(['late', 'member']);
    expect(set.match(storedEvent('t2'))).toEqual(['late']);
  });
});
