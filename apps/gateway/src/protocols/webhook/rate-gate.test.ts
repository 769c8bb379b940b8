import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RateGate, burstOf } from './rate-gate.js';

it('in any time no more requests pass than the rate times that time, and the burst', () => {
  const rates = fc.double({ min: 0.02, max: 5000, noNaN: true });
  const waits = fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { maxLength: 200 });
  fc.assert(
    fc.property(rates, waits, (rate, idleMs) => {
      const gate = new RateGate(rate);
      const passed: number[] = [];
      let now = 0;
      // Asks whenever it may, and sometimes rests.
      for (const idle of idleMs) {
        now = Math.max(now + (idle > 1000 ? idle : 0), gate.nextAt);
        gate.pass(now);
        passed.push(now);
      }
      for (let from = 0; from < passed.length; from += 7) {
        for (let to = from; to < passed.length; to += 3) {
          const seconds = (passed[to]! - passed[from]!) / 1000;
          expect(to - from + 1).toBeLessThanOrEqual(rate * seconds + burstOf(rate) + 1e-6);
        }
      }
    }),
  );
});

it('asking whenever it may, a request passes as often as the rate says', () => {
  const gate = new RateGate(40);
  let now = 0;
  for (let request = 0; request < 401; request += 1) {
    now = Math.max(now, gate.nextAt);
    gate.pass(now);
  }
  expect(now).toBeCloseTo(10_000 - (burstOf(40) - 1) * 25, 3);
});

it('without a rate everything passes, and a rate that is changed holds from then on', () => {
  const gate = new RateGate(undefined);
  for (let request = 0; request < 1000; request += 1) {
    expect(gate.nextAt).toBeLessThanOrEqual(0);
    gate.pass(0);
  }
  gate.limit(1);
  gate.pass(0);
  expect(gate.nextAt).toBe(1000);
  gate.limit(undefined);
  gate.pass(1000);
  expect(gate.nextAt).toBeLessThanOrEqual(1000);
});
