import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countByBinding } from './binding-counts.js';

const NAMES = ['published', 'acknowledged', 'consumed', 'failed', 'dropped', 'retrying', 'attempts', 'open'] as const;
const counts = fc.record({
  ...(Object.fromEntries(NAMES.map((name) => [name, fc.nat(1000)])) as Record<
    (typeof NAMES)[number],
    fc.Arbitrary<number>
  >),
  lastPublishedAt: fc.constantFrom('2026-01-31T12:00:00.000Z', '2026-01-31T12:00:01.000Z'),
});
const types = fc
  .dictionary(fc.constantFrom('a.b', 'a.c', 'b.b', 'c.d', 'e'), counts)
  .map((all) => Object.entries(all).map(([type, one]) => ({ type, ...one })));

describe('counts by binding', () => {
  it('add up to those by type, whatever is bound', () => {
    const bound = fc.uniqueArray(fc.constantFrom('a.*', 'b.b', 'c.*', 'e'));
    fc.assert(
      fc.property(types, bound, (all, patterns) => {
        const { bindings, unbound } = countByBinding(
          patterns.map((type) => ({ type })),
          all,
        );
        expect(bindings.map(({ type }) => type)).toEqual(patterns);
        for (const name of NAMES) {
          const sum = (list: readonly { [N in typeof name]: number }[]): number =>
            list.reduce((total, one) => total + one[name], 0);
          expect(sum([...bindings, ...unbound])).toBe(sum(all));
        }
      }),
    );
  });

  it('have what was last of all their types, and nothing where there was none', () => {
    const nothing = Object.fromEntries(NAMES.map((name) => [name, 0])) as Record<(typeof NAMES)[number], number>;
    const at = (time: string) => ({ ...nothing, lastFailedAt: time });
    const all = [
      { type: 'a.b', ...at('2026-01-31T12:00:01.000Z') },
      { type: 'a.c', ...at('2026-01-31T12:00:02.000Z') },
      { type: 'x', ...at('2026-01-31T12:00:03.000Z') },
    ];
    const { bindings, unbound } = countByBinding([{ type: 'a.*' }, { type: 'e' }], all);
    expect(bindings).toEqual([
      { type: 'a.*', ...at('2026-01-31T12:00:02.000Z') },
      { type: 'e', ...nothing },
    ]);
    expect(unbound).toMatchObject([{ type: 'x' }]);
  });
});
