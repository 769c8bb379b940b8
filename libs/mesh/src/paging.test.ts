import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answerPage } from './answers.js';
import type { Stored } from './object-store.js';
import { listQueryShape, readPage } from './paging.js';

const storeOf = (keys: readonly string[]) => ({
  list: async (limit: number, after: string): Promise<Stored<string>[]> =>
    keys
      .filter((key) => key > after)
      .slice(0, limit)
      .map((key) => ({ key, version: 1, state: key })),
});

function reply() {
  const headers: Record<string, unknown> = {};
  const said = {
    headers,
    header: (name: string, value: unknown) => ((headers[name] = value), said),
    status: () => said,
  };
  return said as never as Parameters<typeof answerPage>[0] & { headers: typeof headers };
}

it('following the pages sees every object once, in order, whatever the limit', async () => {
  const keys = fc.uniqueArray(fc.integer({ min: 1000, max: 9999 }).map(String), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(keys, fc.integer({ min: 1, max: 10 }), async (found, limit) => {
      const sorted = found.toSorted();
      const seen: string[] = [];
      let pages = 0;
      for (let query = `limit=${limit}`; query !== ''; pages += 1) {
        const page = await readPage(
          storeOf(sorted),
          listQueryShape.parse(Object.fromEntries(new URLSearchParams(query))),
        );
        const answer = answerPage(reply(), '/boxes', page);
        seen.push(...answer.value);
        query = answer.next?.split('?')[1] ?? '';
      }
      expect(seen).toEqual(sorted);
      expect(pages).toBe(Math.max(1, Math.ceil(sorted.length / limit)));
    }),
  );
});

it('a page says where the next one is in its body and as a link, and the last one says that it is the last', async () => {
  const first = reply();
  const page = answerPage(first, '/boxes', await readPage(storeOf(['1', '2', '3']), { limit: 2 }));
  expect(page).toEqual({ value: ['1', '2'], next: '/boxes?limit=2&after=2' });
  expect(first.headers).toEqual({ link: '</boxes?limit=2&after=2>; rel="next"' });
  const last = reply();
  expect(answerPage(last, '/boxes', await readPage(storeOf(['1', '2', '3']), { limit: 2, after: '2' }))).toEqual({
    value: ['3'],
    next: null,
  });
  expect(last.headers).toEqual({});
});
