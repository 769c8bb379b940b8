import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answeredPage, namePage, pageByName, pageOf } from './name-page.js';

it('pages one after the other are the whole list, each name once and in order', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.integer({ min: 1, max: 5 }), (names, limit) => {
      const all = names.map((name) => ({ name }));
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const { entries, next } = answeredPage({ limit, after }, (page) => pageByName(all, page));
        expect(entries.length).toBeLessThanOrEqual(limit);
        seen.push(...entries.map(({ name }) => name));
        after = next;
      } while (after !== undefined);
      expect(seen).toEqual(names.toSorted());
    }),
  );
});

it('a page that nobody bounds has a bound', () => {
  expect(namePage.parse({})).toEqual({ limit: 1000 });
  expect(namePage.safeParse({ limit: '1001' }).success).toBe(false);
});

it.each(['rising', 'falling'] as const)(
  'pages in %s order are the whole list, whatever is added behind them meanwhile',
  (order) => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.integer({ min: 1, max: 5 }), (all, limit) => {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const { entries, next } = pageOf(all, { limit, after }, (name) => name, order);
          expect(entries.length).toBeLessThanOrEqual(limit);
          seen.push(...entries);
          // What was shown may be gone by then.
          all = all.filter((name) => name !== next);
          after = next;
        } while (after !== undefined);
        const rising = seen.toSorted((one, other) => (one < other ? -1 : 1));
        expect(seen).toEqual(order === 'rising' ? rising : rising.toReversed());
        expect(new Set(seen).size).toBe(seen.length);
        expect(all.every((name) => seen.includes(name))).toBe(true);
      }),
    );
  },
);
