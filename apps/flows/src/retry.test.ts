import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DEFAULT_RETRY } from './flow.shape.js';
import { attemptsOf, retryDelayMs } from './retry.js';

it('there are five retries when nothing is said, and none where none is wanted', () => {
  expect(attemptsOf(DEFAULT_RETRY)).toBe(6);
  expect(attemptsOf({ ...DEFAULT_RETRY, times: 0 })).toBe(1);
});

it('delays never shrink, stay below the cap and what chance adds, and are no shorter than the receiver asks', () => {
  const rule = fc.record({
    times: fc.nat(99),
    firstMs: fc.nat(3_600_000),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    capMs: fc.nat(86_400_000),
  });
  fc.assert(
    fc.property(
      rule,
      fc.integer({ min: 1, max: 99 }),
      fc.nat(86_400_000),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (of, attempt, askedMs, chance) => {
        const delay = retryDelayMs(of, attempt, 0, chance);
        expect(retryDelayMs(of, attempt + 1, 0, chance)).toBeGreaterThanOrEqual(delay);
        expect(delay).toBeLessThanOrEqual(Math.ceil(of.capMs * 1.2));
        expect(retryDelayMs(of, attempt, askedMs, chance)).toBeGreaterThanOrEqual(askedMs);
      },
    ),
  );
});
