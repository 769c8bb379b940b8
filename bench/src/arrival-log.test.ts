import { expect, it } from 'vitest';
import { ArrivalLog } from './arrival-log.js';
import { Latencies } from './latencies.js';

it('counts different deliveries, duplicates, strangers and those out of the order of their key', () => {
  const log = new ArrivalLog({ events: 4, copies: 2, keys: 2, groupAt: 1 });
  const add = (endpoint: number, number: number, now = 5000) => log.add(now, endpoint, { micros: 1000, number }, 10);
  for (const number of [0, 2, 1, 3]) add(0, number);
  add(0, 3);
  add(0, 4);
  add(1, 2);
  add(1, 0, 9000);
  expect(log.arrived).toMatchObject({
    deliveries: 6,
    duplicates: 1,
    strangers: 1,
    outOfOrder: 1,
    firstMicros: 5000,
    lastMicros: 9000,
    bodyBytes: 60,
  });
  const [one, other] = log.arrived.latencies.map((each) => Latencies.of(each).percentileMs(100));
  expect(one).toBeCloseTo(4, 1);
  expect(other).toBeCloseTo(8, 1);
  expect(log.arrived.groups).toEqual([
    { deliveries: 4, lastMicros: 5000 },
    { deliveries: 2, lastMicros: 9000 },
  ]);
  expect([log.count(undefined), log.count(0), log.count(1)]).toEqual([6, 4, 2]);
  expect([log.between(1, 4999), log.between(5000, 5000), log.between(5000, 9000)]).toEqual([0, 5, 6]);
});
