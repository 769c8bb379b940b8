import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DispatchedEvent } from '../represent.js';
import { KeyLanes } from './key-lanes.js';

describe('lanes per key', () => {
  it('lease one event of a key at a time, in the order they came, through retries', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.boolean()),
        (keys, failures) => {
          const lanes = new KeyLanes();
          const expected = new Map<string, number[]>();
          keys.forEach((key, number) => {
            lanes.add(`k${key}`, { event: numbered(number), attempts: 0 }, 0);
            expected.set(`k${key}`, [...(expected.get(`k${key}`) ?? []), number]);
          });
          const seen = new Map<string, number[]>();
          const leased = new Set<string>();
          for (let turn = 0; lanes.count > 0 && turn < 10_000; turn += 1) {
            const next = lanes.acquire(Number.MAX_SAFE_INTEGER);
            if (next === undefined) break;
            expect(leased.has(next.key)).toBe(false);
            leased.add(next.key);
            const fails = failures.next().value && turn < 500;
            if (fails) lanes.retry(next.key, Date.now() + 1000, next.item.attempts + 1);
            else {
              seen.set(next.key, [...(seen.get(next.key) ?? []), next.item.event.number]);
              lanes.settle(next.key);
            }
            leased.delete(next.key);
          }
          expect(seen).toEqual(expected);
        },
      ),
    );
  });

  it('hold back only the key that has to wait', () => {
    const lanes = new KeyLanes();
    lanes.add('a', { event: numbered(1), attempts: 0 }, 0);
    lanes.add('a', { event: numbered(2), attempts: 0 }, 0);
    lanes.add('b', { event: numbered(3), attempts: 0 }, 0);
    const now = Date.now();
    expect(lanes.acquire(now)?.item.event.number).toBe(1);
    lanes.retry('a', now + 60_000, 1);
    expect(lanes.acquire(now)?.item.event.number).toBe(3);
    expect(lanes.acquire(now)).toBeUndefined();
    expect(lanes.nextDueAt).toBe(now + 60_000);
    expect(lanes.acquire(now + 60_000)?.item).toMatchObject({ event: { number: 1 }, attempts: 1 });
  });

  it('ignore a settlement of a key that is not leased', () => {
    const lanes = new KeyLanes();
    lanes.add('a', { event: numbered(1), attempts: 0 }, 0);
    lanes.settle('a');
    lanes.retry('a', 0, 1);
    expect(lanes.count).toBe(1);
    expect(lanes.acquire(Date.now())?.item.attempts).toBe(0);
  });
});

function numbered(number: number): DispatchedEvent {
  return { number } as DispatchedEvent;
}
