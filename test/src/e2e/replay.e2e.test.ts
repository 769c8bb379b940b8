import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { LedgerReader } from '../support/ledger.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import { type QueueDelivery, pullDeliveries, putQueue, readQueue, settlePulled } from '../support/queue-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteWebhook, putWebhook } from '../support/webhooks.js';

const TYPES = [CONTRACT_SIGNED];
const WAIT = { timeout: 15_000 };

interface ReplayView {
  id: string;
  state: 'running' | 'done' | 'stopped';
  report: { taken: number; accepted: number; dead: number; dropped: number };
  progress?: { lookedAt: number; of: number; open: number };
}

let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

test('a window is delivered once more beside what is new, in order per key, over a kill -9 of the gateway in the middle', async () => {
  const queue = await putQueue(gateway, { types: TYPES });
  const keys = Array.from({ length: 10 }, () => `C-${freshKey()}`);
  const since = new Date(Date.now() - 1).toISOString();
  const old = await publishContracts(gateway, [...keys, ...keys, ...keys]);
  expect(await pullAll(queue, old.length)).toHaveLength(old.length);
  expect(await count(queue, { from: { time: since } })).toMatchObject({ events: old.length, isEstimate: false });

  const { id } = await begin(queue, { from: { time: since }, ratePerSecond: 2000 });
  const before = await pullAll(queue, 12);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  const young = await publishContracts(gateway, keys);
  const after = await pullUntil(queue, async () => (await view(queue, id)).state === 'done');

  const replayed = [...before, ...after].filter(({ cycle }) => cycle === id);
  expect(replayed.every(({ redelivery }) => redelivery === 'yes')).toBe(true);
  for (const key of keys) {
    const firsts = [...new Set(replayed.filter((of) => of.event.subject === key).map(({ event }) => event.id))];
    expect(firsts).toEqual(idsOf(old, key));
    const live = after.filter((of) => of.event.subject === key && (of.cycle ?? '') === '');
    expect(live.map(({ event }) => event.id)).toEqual(idsOf(young, key));
  }
  // What was settled before the kill was answered, and so is durable: none of it comes again.
  expect(replayed).toHaveLength(old.length);
  const { report } = await view(queue, id);
  expect(report.dead + report.dropped).toBe(0);

  const { deliveries } = (await new LedgerReader(gateway).event(old[0]!.id))[0]!;
  const ours = deliveries.filter((delivery) => delivery.queue === queue);
  expect(ours.map(({ cycle, state, repeats }) => ({ cycle, state, repeats }))).toEqual([
    { cycle: '', state: 'accepted', repeats: 0 },
    { cycle: id, state: 'accepted', repeats: 0 },
  ]);
});

test('of one business key, or of an event by its id, a webhook gets those alone, with their cycle', async () => {
  const sink = await WebhookSink.start();
  const { name } = await putWebhook(gateway, { url: sink.url, types: TYPES });
  const [one, other] = [`C-${freshKey()}`, `C-${freshKey()}`];
  const events = await publishContracts(gateway, [one, other, one, other]);
  await sink.until((all) => all.length === events.length);
  const byKey = await begin(name, { from: 'earliest', key: one });
  const again = (await sink.until((all) => all.length === events.length + 2)).slice(events.length);
  expect(again.map((delivery) => eventOf(delivery).id)).toEqual(idsOf(events, one));
  expect(again.map(({ headers }) => headers['heddle-cycle'])).toEqual([byKey.id, byKey.id]);
  // The index says where it stands: no more than that is read.
  const byId = await vi.waitFor(async () => {
    const counted = await count(name, { eventIds: [events[1]!.id] });
    expect(counted).toMatchObject({ events: 1, of: 1 });
    return begin(name, { eventIds: [events[1]!.id] });
  }, WAIT);
  const last = (await sink.until((all) => all.length === events.length + 3)).at(-1)!;
  expect(eventOf(last).id).toBe(events[1]!.id);
  expect(last.headers['heddle-cycle']).toBe(byId.id);
  await vi.waitFor(async () => expect((await view(name, byId.id)).state).toBe('done'), WAIT);
  await deleteWebhook(gateway, name);
  await sink.stop();
});

test('one that is stopped delivers nothing more, and what comes after is delivered', async () => {
  const queue = await putQueue(gateway, { types: TYPES });
  const key = `C-${freshKey()}`;
  const old = await publishContracts(gateway, Array<string>(5).fill(key));
  await pullAll(queue, old.length);
  const { id } = await begin(queue, { from: 'earliest', key });
  await pullAll(queue, 2);
  const stopped = await call('POST', `${gateway}/v1/queues/${queue}/replays/${id}/stop`, { body: {} });
  expect(stopped.json).toMatchObject({ state: 'stopped', report: { accepted: 2 } });
  const [young] = await publishContracts(gateway, [key]);
  const [delivery] = await pullAll(queue, 1);
  expect(delivery!.event.id).toBe(young!.id);
  expect(await pullDeliveries(gateway, queue, { waitMs: 200 })).toEqual([]);
});

test('a window of the log becomes a queue of its own, which says when it is drained', async () => {
  const key = `C-${freshKey()}`;
  const events = await publishContracts(gateway, [key, key, key]);
  const filter = [{ exact: { subject: key } }];
  const queue = await putQueue(gateway, { types: TYPES, filter, start: 'earliest', end: 'now' });
  await publishContracts(gateway, [key]);
  const drained = async () => ((await readQueue(gateway, queue)).statistics as { drained?: boolean }).drained;
  expect(await drained()).toBe(false);
  const deliveries = await pullAll(queue, events.length);
  expect(deliveries.map(({ event, redelivery }) => [event.id, redelivery])).toEqual(events.map(({ id }) => [id, 'no']));
  await vi.waitFor(async () => expect(await drained()).toBe(true), WAIT);
  expect(await pullDeliveries(gateway, queue, { waitMs: 200 })).toEqual([]);
});

async function begin(queue: string, body: object): Promise<ReplayView> {
  const answer = await call('POST', `${gateway}/v1/queues/${queue}/replay`, { body });
  expect(answer.status, answer.text).toBe(202);
  return answer.json as ReplayView;
}

async function count(queue: string, body: object): Promise<unknown> {
  const answer = await call('POST', `${gateway}/v1/queues/${queue}/replay`, { body: { ...body, dryRun: true } });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

async function view(queue: string, id: string): Promise<ReplayView> {
  return (await call('GET', `${gateway}/v1/queues/${queue}/replays/${id}`)).json as ReplayView;
}

/** Receives and accepts so many. */
async function pullAll(queue: string, wanted: number): Promise<QueueDelivery[]> {
  const all: QueueDelivery[] = [];
  await pullUntil(queue, () => Promise.resolve(all.length >= wanted), all, wanted);
  return all;
}

/** Receives and accepts until a condition holds. */
async function pullUntil(
  queue: string,
  until: () => Promise<boolean>,
  all: QueueDelivery[] = [],
  wanted = Infinity,
): Promise<QueueDelivery[]> {
  await vi.waitFor(async () => {
    const max = Math.min(100, wanted - all.length);
    if (max > 0) {
      const deliveries = await pullDeliveries(gateway, queue, { max, waitMs: 200 });
      const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' as const }));
      if (settlements.length > 0) await settlePulled(gateway, queue, settlements);
      all.push(...deliveries);
    }
    expect(await until()).toBe(true);
  }, WAIT);
  return all;
}

function idsOf(events: readonly Published[], key: string): string[] {
  return events.filter(({ subject }) => subject === key).map(({ id }) => id);
}
