import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import {
  deleteQueue,
  openQueueSocket,
  orderQueue,
  pullDeliveries,
  putQueue,
  readQueue,
  settlePulled,
} from '../support/queue-clients.js';

const TYPES = [CONTRACT_SIGNED];
const WAIT = { timeout: 10_000 };

let mesh: Mesh;
let gateway: string;
const queues: string[] = [];

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

afterEach(async () => {
  for (const queue of queues.splice(0)) await deleteQueue(gateway, queue);
});

describe('a filter', () => {
  const DEAR_IN_EUR =
    'type.startsWith("heddle.contract.") && data.Currency == "EUR" && double(data.NetAmount) > 1000.0';

  test('in CEL over the data selects what a queue gets, and nothing that cannot be told', async () => {
    const queue = await newQueue({ filter: [{ cel: DEAR_IN_EUR }] });
    const pounds = await publishContracts(gateway, newKeys(2), { Currency: 'GBP', NetAmount: '5000' });
    const cheap = await publishContracts(gateway, newKeys(2), { Currency: 'EUR', NetAmount: '10' });
    const dear = await publishContracts(gateway, newKeys(2), { Currency: 'EUR', NetAmount: '1000.5' });
    const deliveries = await receiveAll(queue, dear);
    expect(deliveries).toEqual(new Set(idsOf(dear)));
    await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.lag).toBe(0), WAIT);
    expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 });
    expect([...pounds, ...cheap].some(({ id }) => deliveries.has(id))).toBe(false);
  });

  test('can be tried on what the log has: it says which events match, and what stood in the way of the others', async () => {
    const [pounds] = await publishContracts(gateway, newKeys(1), { Currency: 'GBP', NetAmount: '5000' });
    const [dear] = await publishContracts(gateway, newKeys(1), { Currency: 'EUR', NetAmount: '1000.5' });
    const filter = [{ cel: DEAR_IN_EUR }];
    const answer = await call('POST', `${gateway}/v1/filters/test`, { body: { filter, types: TYPES, last: 2 } });
    expect(answer.status, answer.text).toBe(200);
    const { matched, events } = answer.json as { matched: number; events: { id: string; reason?: string }[] };
    expect(matched).toBe(1);
    expect(events).toMatchObject([
      { id: dear!.id, matches: true },
      { id: pounds!.id, matches: false },
    ]);
    expect(events[1]!.reason).toMatch(/cel/);
  });

  test('that is not understood is refused, and says where', async () => {
    const filter = [{ all: [{ prefix: { type: 'heddle.' } }, { cel: 'data.Currency ==' }] }];
    const answer = await call('PUT', `${gateway}/v1/queues/refused`, { body: { types: TYPES, filter } });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json).toMatchObject({ code: 'filter-invalid' });
    expect((await call('GET', `${gateway}/v1/queues/refused`)).status).toBe(404);
  });
});

test('statistics tell what is ready, leased, waiting and dead, how old, how fast, and who waits', async () => {
  const queue = await newQueue({ order: 'none', leaseMs: 60_000, retry: { firstMs: 60_000, attempts: 9, jitter: 0 } });
  const events = await publishContracts(gateway, newKeys(10));
  await vi.waitFor(async () => expect((await readQueue(gateway, queue)).statistics.ready).toBe(10), WAIT);
  const deliveries = await pullDeliveries(gateway, queue, { max: 6 });
  const [accepted, released, rejected] = deliveries.map(({ lease }) => lease);
  await settlePulled(gateway, queue, [
    { lease: accepted!, action: 'accept' },
    { lease: released!, action: 'release' },
    { lease: rejected!, action: 'reject', reason: 'unwanted' },
  ]);
  const { statistics } = await readQueue(gateway, queue);
  expect(statistics).toMatchObject({ ready: 4, leased: 3, waiting: 1, dead: 1, lag: 0, receivers: { leases: 3 } });
  // It is due in a minute: until then it is kept in the log.
  expect(statistics.parked).toBe(1);
  expect(statistics.oldestAgeMs).toBeGreaterThanOrEqual(0);
  expect(statistics.rates.inPerSecond).toBeGreaterThan(0);
  expect(statistics.rates.outPerSecond).toBeGreaterThan(0);
  await settlePulled(
    gateway,
    queue,
    deliveries.slice(3).map(({ lease }) => ({ lease, action: 'accept' })),
  );
  const leased = new Set(deliveries.map(({ event }) => event.id));
  const rest = events.filter(({ id }) => !leased.has(id));
  expect(await receiveAll(queue, rest)).toEqual(new Set(idsOf(rest)));
  const waits = pullDeliveries(gateway, queue, { waitMs: 2000 });
  await vi.waitFor(
    async () => expect((await readQueue(gateway, queue)).statistics.receivers).toEqual({ leases: 0, waiting: 1 }),
    WAIT,
  );
  expect(await waits).toEqual([]);
});

test('a purge drops what is ready, leased, waiting and parked, also over a restart, and what comes later is delivered', async () => {
  const queue = await newQueue({ leaseMs: 60_000, retry: { firstMs: 60_000, attempts: 9, jitter: 0 } });
  const [key, other, last] = newKeys(3);
  await publishContracts(gateway, [key!, key!, other!, other!, last!]);
  await vi.waitFor(async () => {
    const { ready, waiting } = (await readQueue(gateway, queue)).statistics;
    expect(ready + waiting).toBe(5);
  }, WAIT);
  const [leased, released] = await pullDeliveries(gateway, queue, { max: 2 });
  await settlePulled(gateway, queue, [{ lease: released!.lease, action: 'release' }]);
  expect((await readQueue(gateway, queue)).statistics.parked).toBeGreaterThan(0);
  await orderQueue(gateway, queue, 'purge', { before: 'now' });
  expect(await settlePulled(gateway, queue, [{ lease: leased!.lease, action: 'accept' }])).toHaveLength(1);
  await vi.waitFor(async () => {
    expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0, parked: 0 });
  }, WAIT);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  const after = await publishContracts(gateway, [key!, other!]);
  expect(await receiveAll(queue, after)).toEqual(new Set(idsOf(after)));
  expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0, parked: 0 });
});

test('a queue that is deleted ends its connections, and one made anew under its name inherits nothing', async () => {
  const queue = await newQueue();
  const socket = await openQueueSocket(gateway, queue, { credit: 10 });
  const [old] = await publishContracts(gateway, newKeys(1));
  const [delivery] = await socket.deliveries.until((all) => all.length === 1);
  expect(delivery!.event.id).toBe(old!.id);
  await deleteQueue(gateway, queue);
  expect(await socket.closed).toMatchObject({ reason: 'deleted' });
  await putQueue(gateway, { types: TYPES }, queue);
  const results = await settlePulled(gateway, queue, [{ lease: delivery!.lease, action: 'accept' }]);
  expect(results).toMatchObject([{ code: 'lease-unknown' }]);
  const events = await publishContracts(gateway, newKeys(1));
  expect(await receiveAll(queue, events)).toEqual(new Set(idsOf(events)));
});

async function newQueue(different: Record<string, unknown> = {}): Promise<string> {
  const queue = await putQueue(gateway, { types: TYPES, ...different });
  queues.push(queue);
  return queue;
}

/** Receives and accepts until these events have come; the ids of all that did. */
async function receiveAll(queue: string, events: readonly Published[]): Promise<Set<string>> {
  const ids: string[] = [];
  const isAll = allOf(idsOf(events), (id: string) => id);
  for (let tries = 0; !isAll(ids); tries += 1) {
    expect(tries, 'requests without all of them').toBeLessThan(20);
    const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: 1000 });
    ids.push(...deliveries.map(({ event }) => event.id));
    if (deliveries.length === 0) continue;
    await settlePulled(
      gateway,
      queue,
      deliveries.map(({ lease }) => ({ lease, action: 'accept' })),
    );
  }
  return new Set(ids);
}

function newKeys(count: number): string[] {
  return Array.from({ length: count }, () => `C-${freshKey()}`);
}

function idsOf(events: readonly Published[]): string[] {
  return events.map(({ id }) => id);
}
