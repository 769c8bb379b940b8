import { expect, it } from 'vitest';
import { zipfDraws } from './zipf.js';

it('draws the first key twice as often as the second, ten times as often as the tenth, and none beyond the last', () => {
  const counts = new Array<number>(1000).fill(0);
  for (const key of zipfDraws(1000)) counts[key] = (counts[key] ?? 0) + 1;

  expect((counts[0] ?? 0) / (counts[1] ?? 0)).toBeCloseTo(2, 0);
  expect((counts[0] ?? 0) / (counts[9] ?? 0)).toBeGreaterThan(9);
  expect((counts[0] ?? 0) / (counts[9] ?? 0)).toBeLessThan(11);
  expect(counts).toHaveLength(1000);
});
