import { expect, it } from 'vitest';
import { StateCache } from './state-cache.js';

const state = (version: number, text = 'x'.repeat(10)) => ({ version, etag: `"${version}"`, text });

it('what was used longest ago goes first when there is no more room', () => {
  const cache = new StateCache(30);
  for (const url of ['a', 'b', 'c']) cache.put(url, state(1));
  cache.get('a');
  cache.put('d', state(1));
  expect(['a', 'b', 'c', 'd'].map((url) => cache.get(url)?.version)).toEqual([1, undefined, 1, 1]);
  cache.put('e', state(1, 'x'.repeat(31)));
  expect(['a', 'b', 'c', 'd', 'e'].map((url) => cache.get(url))).toEqual(Array(5).fill(undefined));
});

it('an older answer that comes later does not take the place of a newer one', () => {
  const cache = new StateCache(100);
  cache.put('a', state(2));
  cache.put('a', state(1));
  expect(cache.get('a')?.version).toBe(2);
  cache.forget('a');
  cache.put('a', state(1));
  expect(cache.get('a')?.version).toBe(1);
});
