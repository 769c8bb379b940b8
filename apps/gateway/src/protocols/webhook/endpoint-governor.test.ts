import { expect, it } from 'vitest';
import { judge, unmade } from '../../deliver.js';
import { EndpointGovernor } from './endpoint-governor.js';

const DONE = judge({ ...unmade('internal', ''), status: 204, error: undefined as never });
const limits = { maxInFlight: 64, ratePerSecond: undefined };

function answered(status: number, retryAfterMs = 0) {
  const { error: _none, ...outcome } = unmade('internal', '');
  return judge({ ...outcome, sent: true, status, retryAfterMs });
}

it('no more requests are under way than the cap allows, and one that ends makes room', () => {
  const governor = new EndpointGovernor({ ...limits, maxInFlight: 3 });
  const passages = [0, 0, 0].map((now) => governor.begin(now));
  expect(governor.nextAt).toBe(Infinity);
  governor.ended(passages[0]!, 5, DONE, 'a');
  expect(governor.nextAt).toBeLessThanOrEqual(5);
  governor.abandoned(passages[1]!);
  expect(governor.inFlight).toBe(1);
});

it('a receiver that asks for a pause gets it as a whole, and is not taken to be failing', () => {
  const governor = new EndpointGovernor(limits);
  const passages = Array.from({ length: 16 }, () => governor.begin(0));
  const changes = passages.map((passage, n) => governor.ended(passage, 10, answered(429, 5000), `key-${n}`));
  expect(changes.every((change) => change === undefined)).toBe(true);
  expect(governor.breaker).toBe('closed');
  expect(governor.nextAt).toBe(5010);
  expect(governor.isShut(5000)).toBe(true);
  expect(governor.isShut(5010)).toBe(false);
  // One crowd halves once.
  expect(governor.cap).toBe(8);
});

it('a shorter pause asked for later does not end a longer one', () => {
  const governor = new EndpointGovernor(limits);
  const passages = [governor.begin(0), governor.begin(0)];
  governor.ended(passages[0]!, 10, answered(503, 60_000), 'a');
  governor.ended(passages[1]!, 20, answered(503, 1000), 'b');
  expect(governor.pausedUntil).toBe(60_010);
});

it('failing is said once however long it lasts, and so is that it is over', () => {
  const governor = new EndpointGovernor(limits, () => 0.5);
  const changes: unknown[] = [];
  let now = 0;
  for (let n = 0; n < 20; n += 1) {
    now = Math.max(now, governor.nextAt);
    changes.push(governor.ended(governor.begin(now), now, answered(500), `key-${n}`));
  }
  now = Math.max(now, governor.nextAt);
  changes.push(governor.ended(governor.begin(now), now, DONE, 'a'));
  expect(changes.filter((change) => change !== undefined)).toEqual(['failing', 'recovered']);
  expect(now).toBeGreaterThan(60_000);
});

it('an endpoint that is forgiven is tried again at once, and is taken to be well when that succeeds', () => {
  const governor = new EndpointGovernor(limits);
  for (let n = 0; n < 10; n += 1) governor.ended(governor.begin(0), 0, answered(503), `key-${n}`);
  expect(governor.nextAt).toBeGreaterThan(0);
  governor.forgive();
  expect(governor.nextAt).toBeLessThanOrEqual(0);
  expect(governor.ended(governor.begin(1), 2, DONE, 'a')).toBe('recovered');
  expect(governor.ended(governor.begin(3), 4, DONE, 'a')).toBeUndefined();
});

it('a pause that was asked for outlasts forgiveness, and ends when somebody ends it', () => {
  const governor = new EndpointGovernor(limits);
  governor.ended(governor.begin(0), 0, answered(429, 9000), 'a');
  governor.forgive();
  expect(governor.nextAt).toBe(9000);
  governor.unpause();
  expect(governor.nextAt).toBeLessThanOrEqual(0);
});

it('a rate holds requests back, but does not shut the endpoint', () => {
  const governor = new EndpointGovernor({ maxInFlight: 64, ratePerSecond: 2 });
  governor.ended(governor.begin(0), 1, DONE, 'a');
  expect(governor.nextAt).toBe(500);
  expect(governor.isShut(1)).toBe(false);
  governor.limit(limits);
  governor.ended(governor.begin(500), 501, DONE, 'a');
  expect(governor.nextAt).toBeLessThanOrEqual(501);
});
