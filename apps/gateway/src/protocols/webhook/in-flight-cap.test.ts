import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InFlightCap } from './in-flight-cap.js';

it('the cap never leaves its bounds, and moves by one up or by half down', () => {
  const steps = fc.array(fc.constantFrom('success', 'idle', 'overloaded', 'lower'), { maxLength: 500 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), steps, (max, moves) => {
      const cap = new InFlightCap(max);
      let limit = max;
      moves.forEach((move, now) => {
        const before = cap.value;
        if (move === 'success') cap.succeeded(before);
        else if (move === 'idle') cap.succeeded(0);
        else if (move === 'overloaded') cap.overloaded(now, now);
        else cap.limit((limit = Math.max(1, limit - 1)));
        expect(cap.value).toBeGreaterThanOrEqual(1);
        expect(cap.value).toBeLessThanOrEqual(limit);
        if (move === 'success') expect(cap.value - before).toBeLessThanOrEqual(1);
        if (move === 'idle') expect(cap.value).toBe(before);
        if (move === 'overloaded') expect(cap.value).toBe(Math.max(1, Math.floor(before / 2)));
      });
    }),
  );
});

it('a window of successes adds one, until the endpoint has all it is allowed', () => {
  const cap = new InFlightCap(18);
  expect(cap.value).toBe(16);
  for (let success = 0; success < 15; success += 1) cap.succeeded(16);
  expect(cap.value).toBe(16);
  cap.succeeded(16);
  expect(cap.value).toBe(17);
  for (let success = 0; success < 1000; success += 1) cap.succeeded(16);
  expect(cap.value).toBe(18);
});

it('one crowd of failures halves it once, the next crowd again', () => {
  const cap = new InFlightCap(64);
  for (let failure = 0; failure < 16; failure += 1) cap.overloaded(0, 100 + failure);
  expect(cap.value).toBe(8);
  cap.overloaded(120, 130);
  expect(cap.value).toBe(4);
});
