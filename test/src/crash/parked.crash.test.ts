import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import {
  type QueueDelivery,
  deleteQueue,
  pullDeliveries,
  putQueue,
  readQueue,
  settlePulled,
} from '../support/queue-clients.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const TYPES = [CONTRACT_SIGNED];
const WAIT = { timeout: 10_000 };
/** What waits longer than 5 s is parked. */
const DELAY_MS = 8000;

let mesh: Mesh;
let gateway: string;
let queue: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

beforeEach(async () => {
  queue = await putQueue(gateway, { types: TYPES, retry: { firstMs: 50, capMs: 200, attempts: 20 }, leaseMs: 1000 });
});

afterEach(async () => {
  await deleteAllWebhooks(gateway);
  await deleteQueue(gateway, queue);
});

test('kill -9 in a burst loses nothing of what is parked: it comes when it is due, marked, before the later ones of its key', async () => {
  const keys = newKeys(40);
  const failing = keys.slice(0, 20);
  const first = await publishContracts(gateway, keys);
  const heads = await receive(first);
  const dueAt = performance.now() + DELAY_MS;
  const results = await settlePulled(
    gateway,
    queue,
    heads.map(({ lease, event }) =>
      failing.includes(event.subject) ? { lease, action: 'release', delayMs: DELAY_MS } : { lease, action: 'accept' },
    ),
  );
  expect(results.filter(({ state }) => state === 'released')).toHaveLength(failing.length);
  const burst = [...keys, ...keys, ...keys];
  const second = await publishContracts(gateway, burst);
  // Behind each that is parked, the later ones of its key are.
  await vi.waitFor(async () => {
    const { parked } = (await readQueue(gateway, queue)).statistics;
    expect(parked).toBeGreaterThan(failing.length);
  }, WAIT);
  // Leased and not settled: whoever had them never says anything again.
  const lost = new Set((await receive(second.slice(0, 1))).map(({ event }) => event.id));
  const third = await publishContracts(gateway, burst);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');

  const open = [...first.filter(({ subject }) => failing.includes(subject)), ...second, ...third];
  const ended = await acceptAll(open);
  expect(ended).toHaveLength(open.length);
  for (const key of keys) {
    const deliveries = ended.filter(({ event }) => event.subject === key);
    expect(deliveries.map(({ event }) => event.id)).toEqual(idsOf(open.filter(({ subject }) => subject === key)));
    if (!failing.includes(key)) continue;
    expect(deliveries[0]).toMatchObject({ attempt: 2, redelivery: 'yes' });
    expect(deliveries[0]!.at).toBeGreaterThanOrEqual(dueAt - 10);
  }
  for (const { event, redelivery } of ended) if (lost.has(event.id)) expect(redelivery).not.toBe('no');
  await vi.waitFor(async () => {
    expect((await readQueue(gateway, queue)).statistics).toMatchObject({ parked: 0, waiting: 0, leased: 0 });
  }, WAIT);
});

test('SIGTERM in a burst hands over cleanly: nothing is lost, out of order, or made twice', async () => {
  const sink = await WebhookSink.start();
  sink.answerWith((_delivery, response) => void setTimeout(() => response.writeHead(204).end(), 20));
  await putWebhook(gateway, { url: sink.url, queue });
  const keys = newKeys(20);
  const events = await publishContracts(gateway, Array.from({ length: 20 }, () => keys).flat());
  await sink.until((all) => all.length >= 50);
  await mesh.stopApp('gateway');
  const before = sink.deliveries.length;
  expect(before).toBeLessThan(events.length);
  await mesh.startApp('gateway');
  await sink.until(allOf(idsOf(events), idOf), { what: 'every event' });
  const last = await publishContracts(gateway, keys);
  await sink.until(allOf(idsOf(last), idOf), { what: 'what came after' });
  expect(sink.deliveries).toHaveLength(events.length + last.length);
  for (const key of keys) {
    const ids = sink.deliveries.filter((delivery) => eventOf(delivery).subject === key).map(idOf);
    expect(ids).toEqual(idsOf([...events, ...last].filter(({ subject }) => subject === key)));
  }
  await sink.stop();
});

/** Receives until so many have come, or more. */
async function receive({ length }: readonly Published[]): Promise<QueueDelivery[]> {
  const received: QueueDelivery[] = [];
  await vi.waitFor(async () => {
    received.push(...(await pullDeliveries(gateway, queue, { max: 100, waitMs: 1000, leaseMs: 20_000 })));
    expect(received.length).toBeGreaterThanOrEqual(length);
  }, WAIT);
  return received;
}

/** Accepts what comes until all of these have; every delivery, with the time of `performance.now()` it came at. */
async function acceptAll(events: readonly Published[]): Promise<(QueueDelivery & { at: number })[]> {
  const ended: (QueueDelivery & { at: number })[] = [];
  const isAll = allOf(idsOf(events), ({ event }: QueueDelivery) => event.id);
  await vi.waitFor(
    async () => {
      const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: 1000 });
      ended.push(...deliveries.map((delivery) => ({ ...delivery, at: performance.now() })));
      if (deliveries.length > 0) {
        await settlePulled(
          gateway,
          queue,
          deliveries.map(({ lease }) => ({ lease, action: 'accept' })),
        );
      }
      expect(isAll(ended)).toBe(true);
    },
    { timeout: 30_000, interval: 1 },
  );
  return ended;
}

function newKeys(count: number): string[] {
  return Array.from({ length: count }, () => `C-${freshKey()}`);
}

function idsOf(events: readonly Published[]): string[] {
  return events.map(({ id }) => id);
}

function idOf(delivery: Delivery): string {
  return eventOf(delivery).id;
}
