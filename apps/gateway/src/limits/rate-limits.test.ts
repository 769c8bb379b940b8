import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { answerRate } from './rate-answer.js';
import { RateLimits } from './rate-limits.js';
import { TokenBuckets } from './token-buckets.js';

let now: number;
let near: string[];
let rates: RateLimits;

beforeEach(() => {
  now = 1000;
  near = [];
  rates = new RateLimits(
    { limitClientEventsPerSecond: 100, limitTenantEventsPerSecond: 150, limitAddressTokensPerSecond: 2 },
    { note: (used, limit, _tenant, name) => void (used >= limit * 0.8 && near.push(name())) },
    () => now,
  );
});

function answered(taken: ReturnType<RateLimits['take']>): { headers: Record<string, string>; error?: unknown } {
  const headers: Record<string, string> = {};
  const reply = { header: (name: string, value: string) => void (headers[name] = value) };
  try {
    answerRate(taken, reply as never);
    return { headers };
  } catch (error) {
    return { headers, error };
  }
}

describe('a client', () => {
  it('may do as much at once as in a second, then waits for what it lacks', () => {
    expect(rates.take('acme', 'one', 100)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 1 });
    expect(rates.take('acme', 'one', 10)).toMatchObject({ allowed: false, policy: 'client', resetSeconds: 0.1 });
    now += 100;
    expect(rates.take('acme', 'one', 10).allowed).toBe(true);
  });

  it('holds up no other, until their tenant has used up its own', () => {
    rates.take('acme', 'one', 100);
    expect(rates.take('acme', 'two', 50).allowed).toBe(true);
    expect(rates.take('acme', 'three', 1)).toMatchObject({ allowed: false, policy: 'tenant' });
    expect(rates.take('other', 'one', 100).allowed).toBe(true);
  });

  it('is taken nothing for what it was not allowed', () => {
    rates.take('acme', 'one', 60);
    for (let n = 0; n < 10; n += 1) expect(rates.take('acme', 'one', 60).allowed).toBe(false);
    expect(rates.take('acme', 'one', 40)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('may do more at once than a second holds when it has done nothing, and pays for it afterwards', () => {
    expect(rates.take('acme', 'one', 140).allowed).toBe(true);
    expect(rates.take('acme', 'one', 1)).toMatchObject({ allowed: false, remaining: 0, resetSeconds: 0.41 });
    now += 410;
    expect(rates.take('acme', 'one', 1).allowed).toBe(true);
  });

  it('never gets more than its rate and one second of it, however it asks', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ waitMs: fc.nat(300), cost: fc.integer({ min: 1, max: 100 }) })), (asks) => {
        const buckets = new TokenBuckets(100, 100);
        let [at, allowed] = [0, 0];
        for (const { waitMs, cost } of asks) {
          at += waitMs;
          if (!buckets.has('x', cost, at)) continue;
          buckets.take('x', cost, at);
          allowed += cost;
        }
        expect(allowed).toBeLessThanOrEqual(100 + at / 10 + 1e-6);
      }),
    );
  });

  it('whose rate comes to its end is said of', () => {
    rates.take('acme', 'one', 79);
    expect(near).toEqual([]);
    rates.take('acme', 'one', 1);
    expect(near).toEqual(['rate/client/acme/one']);
  });
});

it('an address asks for few tokens, whoever it says it is', () => {
  const asked = Array.from({ length: 30 }, () => rates.takeToken('192.0.2.1').allowed);
  expect(asked.filter(Boolean)).toHaveLength(20);
  expect(rates.takeToken('192.0.2.2').allowed).toBe(true);
  now += 500;
  expect(rates.takeToken('192.0.2.1').allowed).toBe(true);
});

it('buckets of names that are not heard of any more do not pile up', () => {
  const buckets = new TokenBuckets(1, 1);
  for (let n = 0; n < 30_000; n += 1) buckets.take(`name ${n}`, 1, n);
  expect(buckets.size).toBeLessThanOrEqual(10_000);
  expect(buckets.has('name 29999', 1, 29_999)).toBe(false);
});

describe('an answer', () => {
  it('says what is left when half of it is gone, and when to come again when there is none', () => {
    expect(answered(rates.take('acme', 'one', 10))).toEqual({ headers: {} });
    expect(answered(rates.take('acme', 'one', 50)).headers).toEqual({
      'ratelimit-policy': '"client";q=100;w=1',
      ratelimit: '"client";r=40;t=1',
    });
    const { headers, error } = answered(rates.take('acme', 'one', 90));
    expect(headers.ratelimit).toBe('"client";r=40;t=1');
    expect(error).toMatchObject({ code: 'rate-limited', field: 'client', retryAfterSeconds: 1, status: 429 });
  });
});
