import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DispatchedEvent } from '../represent.js';
import type { Item } from './item.js';
import { LaneLocks, Lanes } from './lanes.js';

const NOW = 1_000_000;

describe('lanes', () => {
  it('lease one item of a lane at a time, in the order they came, through retries', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.boolean()),
        (keys, failures) => {
          const lanes = new Lanes(undefined);
          const expected = new Map<string, number[]>();
          keys.forEach((key, number) => {
            lanes.add(`k${key}`, item(number), 0, NOW);
            expected.set(`k${key}`, [...(expected.get(`k${key}`) ?? []), number]);
          });
          const seen = new Map<string, number[]>();
          let now = NOW;
          for (let turn = 0; lanes.count > 0; turn += 1) {
            now += 1000;
            const lane = lanes.acquire(now);
            if (lane === undefined) break;
            const { offset } = lane.items[lane.head]!;
            if (failures.next().value && turn < 500) lanes.retry(lane, now + 500, now);
            else {
              seen.set(lane.name, [...(seen.get(lane.name) ?? []), offset]);
              lanes.settle(lane, now);
            }
          }
          expect(seen).toEqual(expected);
        },
      ),
    );
  });

  it('hold back only the lane that has to wait', () => {
    const lanes = new Lanes(undefined);
    for (const [name, offset] of [
      ['a', 1],
      ['a', 2],
      ['b', 3],
    ] as const)
      lanes.add(name, item(offset), 0, NOW);
    const first = lanes.acquire(NOW)!;
    expect(offsetOf(first)).toBe(1);
    lanes.retry(first, NOW + 60_000, NOW);
    expect(lanes.waitingItems).toBe(2);
    expect(offsetOf(lanes.acquire(NOW))).toBe(3);
    expect(lanes.acquire(NOW)).toBeUndefined();
    expect(lanes.nextDueAt).toBe(NOW + 60_000);
    expect(offsetOf(lanes.acquire(NOW + 60_000))).toBe(1);
    expect(lanes.waitingItems).toBe(0);
  });

  it('without a name are leased side by side', () => {
    const lanes = new Lanes(undefined);
    for (let offset = 0; offset < 3; offset += 1) lanes.add('', item(offset), 0, NOW);
    expect([lanes.acquire(NOW), lanes.acquire(NOW), lanes.acquire(NOW)].map(offsetOf)).toEqual([0, 1, 2]);
  });

  it('give repeats their turn, but first attempts the larger share', () => {
    const lanes = new Lanes(undefined);
    for (let offset = 0; offset < 10; offset += 1) lanes.add('', item(offset, 1), 0, NOW);
    for (let offset = 10; offset < 20; offset += 1) lanes.add('', item(offset), 0, NOW);
    const order = Array.from({ length: 10 }, () => offsetOf(lanes.acquire(NOW))!);
    expect(order.filter((offset) => offset < 10)).toHaveLength(2);
  });

  it('of the same name in two sources are never leased at once', () => {
    const locks = new LaneLocks();
    const [live, side] = [new Lanes(locks), new Lanes(locks)];
    live.add('a', item(1), 0, NOW);
    side.add('a', item(0), 0, NOW);
    side.add('b', item(2), 0, NOW);
    const held = live.acquire(NOW)!;
    expect(offsetOf(side.acquire(NOW))).toBe(2);
    expect(side.acquire(NOW)).toBeUndefined();
    live.settle(held, NOW);
    expect(offsetOf(side.acquire(NOW))).toBe(0);
  });

  it('whose event is not in memory are leased once it is', () => {
    const lanes = new Lanes(undefined);
    const parked = item(1);
    parked.event = undefined;
    lanes.add('a', parked, 0, NOW);
    expect(lanes.acquire(NOW)).toBeUndefined();
    const lane = lanes.takeAbsent()!;
    expect(lanes.takeAbsent()).toBeUndefined();
    parked.event = {} as DispatchedEvent;
    lanes.present(lane);
    expect(offsetOf(lanes.acquire(NOW))).toBe(1);
  });
});

function item(offset: number, attempts = 0): Item {
  return {
    topic: 't',
    origin: 't',
    partition: 0,
    offset,
    key: 'k',
    appendedAt: 0,
    cycle: '',
    event: {} as DispatchedEvent,
    attempts,
    parked: undefined,
  };
}

function offsetOf(lane: ReturnType<Lanes['acquire']>): number | undefined {
  return lane?.items[lane.head]?.offset;
}
