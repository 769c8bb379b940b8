import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.js';

/** Begins as soon as it may and fails; returns the time at which it did. */
function fail(
  breaker: CircuitBreaker,
  now: number,
  key: string,
  blame: 'connection' | 'endpoint' | 'event' = 'endpoint',
) {
  const at = Math.max(now, breaker.nextAt);
  breaker.failed(breaker.begin(), at, blame, key);
  return at;
}

function opened(chance = () => 0.5): CircuitBreaker {
  const breaker = new CircuitBreaker(chance);
  for (let n = 0; n < 10; n += 1) fail(breaker, 0, `key-${n}`);
  expect(breaker.state).toBe('open');
  return breaker;
}

describe('a circuit breaker', () => {
  it('opens after failures one after another, which a success breaks', () => {
    const breaker = new CircuitBreaker();
    for (let n = 0; n < 9; n += 1) fail(breaker, n, `key-${n}`, 'event');
    breaker.succeeded(breaker.begin(), 9);
    for (let n = 0; n < 9; n += 1) fail(breaker, 10 + n, `key-${n}`, 'event');
    expect(breaker.state).toBe('closed');
    fail(breaker, 20, 'key-9', 'event');
    expect(breaker.state).toBe('open');
  });

  it('opens when half of the outcomes are failures of the endpoint, though never many in a row', () => {
    const breaker = new CircuitBreaker();
    for (let n = 0; breaker.state === 'closed' && n < 40; n += 1) {
      if (n % 2 === 0) fail(breaker, n, `key-${n}`);
      else breaker.succeeded(breaker.begin(), n);
    }
    expect(breaker.state).toBe('open');
  });

  it('stays closed when many events are refused for what they are, while others are accepted', () => {
    const breaker = new CircuitBreaker();
    for (let n = 0; n < 400; n += 1) {
      if (n % 4 === 0) breaker.succeeded(breaker.begin(), n);
      else fail(breaker, n, `key-${n}`, 'event');
    }
    expect(breaker.state).toBe('closed');
  });

  it('stays closed for failures of one business key alone, and opens when nothing reaches the endpoint', () => {
    const breaker = new CircuitBreaker();
    for (let n = 0; n < 100; n += 1) fail(breaker, n, 'the-poisoned-one');
    expect(breaker.state).toBe('closed');
    for (let n = 0; n < 100; n += 1) fail(breaker, 100 + n, 'the-poisoned-one', 'connection');
    expect(breaker.state).not.toBe('closed');
  });

  it('lets one request through after its open time: if that succeeds it closes, if not it opens for longer', () => {
    const breaker = opened();
    expect(breaker.nextAt).toBe(1000);
    const probe = breaker.begin();
    expect(breaker.state).toBe('half-open');
    expect(breaker.nextAt).toBe(Infinity);
    expect(breaker.failed(probe, 1500, 'endpoint', 'key-1')).toBe(true);
    expect(breaker.nextAt).toBe(3500);
    breaker.succeeded(breaker.begin(), 3600);
    expect(breaker.state).toBe('closed');
    expect(breaker.nextAt).toBe(-Infinity);
  });

  it('takes no account of requests that began before it opened', () => {
    const breaker = new CircuitBreaker();
    const early = breaker.begin();
    for (let n = 0; n < 10; n += 1) fail(breaker, 0, `key-${n}`);
    breaker.succeeded(early, 10);
    expect(breaker.state).toBe('open');
    const probe = breaker.begin();
    expect(breaker.failed(early, 1200, 'endpoint', 'key-1')).toBe(false);
    expect(breaker.state).toBe('half-open');
    breaker.succeeded(probe, 1300);
    expect(breaker.state).toBe('closed');
  });

  it('makes the probe again when it ended without an outcome', () => {
    const breaker = opened();
    breaker.abandoned(breaker.begin());
    expect(breaker.nextAt).toBeLessThan(1000);
    expect(breaker.begin()).toBeGreaterThan(0);
    expect(breaker.state).toBe('half-open');
  });

  it('stays open for longer each time, up to a minute and the share of chance', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
        const breaker = opened(() => chance);
        let now = 0;
        let before = 0;
        for (let n = 0; n < 12; n += 1) {
          const openMs = breaker.nextAt - now;
          expect(openMs).toBeGreaterThanOrEqual(before - 1e-6);
          expect(openMs).toBeLessThanOrEqual(72_000 + 1e-6);
          before = openMs;
          now = fail(breaker, breaker.nextAt, `key-${n}`);
        }
        expect(before).toBeGreaterThanOrEqual(48_000 - 1e-6);
      }),
    );
  });

  it('never has two probes under way, whatever ends when and how', () => {
    const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(20), fc.boolean(), fc.nat(3000)), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (moves) => {
        const breaker = opened();
        const underWay: { period: number; isProbe: boolean }[] = [];
        let now = 0;
        for (const [what, which, ok, ms] of moves) {
          now += ms;
          if (what > 1 && breaker.nextAt <= now) {
            const isProbe = breaker.state === 'open';
            underWay.push({ period: breaker.begin(), isProbe });
          } else if (underWay.length > 0) {
            const [ended] = underWay.splice(which % underWay.length, 1);
            const { period } = ended!;
            if (what === 0) breaker.abandoned(period);
            else if (ok) breaker.succeeded(period, now);
            else breaker.failed(period, now, 'endpoint', `key-${which}`);
          }
          const probes = underWay.filter(({ isProbe }) => isProbe).length;
          expect(probes).toBe(breaker.state === 'half-open' ? 1 : 0);
        }
      }),
    );
  });
});
