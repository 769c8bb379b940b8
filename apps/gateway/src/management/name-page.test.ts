import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answeredPage, namePage, pageByName } from './name-page.js';

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
