import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETRY, retryRule, waitFor } from './retry-schedule.js';

describe('a retry schedule', () => {
  it('is five attempts within 21 seconds and a fifth when nothing is said', () => {
    const rule = retryRule(DEFAULT_RETRY);
    expect(rule.attempts).toBe(5);
    const delays = [1, 2, 3, 4].map((attempt) => rule.delayAfter(attempt));
    for (const [index, least] of [200, 1000, 5000, 15_000].entries()) {
      expect(delays[index]).toBeGreaterThanOrEqual(least);
      expect(delays[index]).toBeLessThanOrEqual(least * 1.2);
    }
  });

  it('grows up to its cap, and never shrinks but by chance', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(60_000), fc.integer({ min: 2, max: 40 }), (firstMs, capMs, attempts) => {
        const rule = retryRule({ attempts, firstMs, capMs, jitter: 0 });
        const delays = Array.from({ length: attempts }, (_, index) => rule.delayAfter(index + 1));
        expect(delays).toEqual(delays.toSorted((a, b) => a - b));
        expect(Math.max(...delays)).toBeLessThanOrEqual(capMs);
      }),
    );
  });

  it('that is none is refused', () => {
    for (const wrong of [
      { attempts: 0, firstMs: 1 },
      { attempts: 1.5, firstMs: 1 },
      { attempts: 2, firstMs: -1 },
      { attempts: 2, firstMs: Number.NaN },
      { attempts: 2, firstMs: 1, factor: 0.5 },
      { delaysMs: [1, Number.POSITIVE_INFINITY] },
      { delaysMs: [1], jitter: 2 },
    ]) {
      expect(() => retryRule(wrong)).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
    }
  });

  it('of waiting for what is down doubles up to half a minute', () => {
    expect(waitFor(0, 200)).toBeLessThanOrEqual(200);
    expect(waitFor(3, 200)).toBeGreaterThanOrEqual(1280);
    for (const waits of [10, 100, 100_000]) {
      expect(waitFor(waits, 200)).toBeLessThanOrEqual(30_000);
      expect(waitFor(waits, 200)).toBeGreaterThanOrEqual(24_000);
    }
  });
});
