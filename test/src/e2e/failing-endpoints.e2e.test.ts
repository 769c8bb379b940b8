import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { LedgerReader } from '../support/ledger.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook, readWebhook, webhookStatistics } from '../support/webhooks.js';

const TYPES = [CONTRACT_SIGNED];
const WAIT = { timeout: 10_000 };
/** How long an endpoint fails; a minute takes a test run too long, and is asked for when wanted. */
const FAILING_MS = Number(process.env['HEDDLE_TEST_FAILING_SECONDS'] ?? 12) * 1000;

let mesh: Mesh;
let gateway: string;
let ledger: LedgerReader;
let sink: WebhookSink;

// With the schedule, the breaker and the limits that everybody has who sets nothing.
beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  ledger = new LedgerReader(gateway);
});

afterAll(() => mesh.stop());

beforeEach(async () => {
  sink = await WebhookSink.start();
});

afterEach(async () => {
  await deleteAllWebhooks(gateway);
  await sink.stop();
});

describe('an endpoint that fails', () => {
  test(
    'for a while is spared, shows it, and then gets everything, each key in order',
    { timeout: FAILING_MS + 90_000 },
    async () => {
      const { name } = await putWebhook(gateway, { url: sink.url, types: TYPES });
      sink.answerWith(500);
      const keys = Array.from({ length: 40 }, newKey);
      const events = await publishContracts(gateway, [...keys, ...keys, ...keys]);
      await vi.waitFor(async () => expect((await webhookStatistics(gateway, name)).breaker).toBe('open'), WAIT);
      await delay(FAILING_MS);
      const failed = [...sink.deliveries];
      expect((await webhookStatistics(gateway, name)).failedAttempts).toBe(failed.length);
      expect(await webhookStatistics(gateway, name)).toMatchObject({ delivered: 0, held: events.length });
      sink.answerWith(204);
      await sink.until(allOf(idsOf(events), idOf), { timeoutMs: 40_000, what: 'every event' });
      const attempts = Map.groupBy(failed, idOf);
      for (const [id, made] of attempts) expect(made.length, id).toBeLessThan(10);
      // What is open is asked by one probe at a time: not each event that is due makes an attempt.
      expect(failed.length).toBeLessThan(keys.length + 20);
      for (const key of keys) expect(firstsOf(key)).toEqual(idsOf(events.filter(({ subject }) => subject === key)));
      expectMarked();
      await vi.waitFor(async () => {
        expect(await webhookStatistics(gateway, name)).toMatchObject({ breaker: 'closed', held: 0, inFlight: 0 });
        const kinds = (await ledger.operations({ name })).map(({ kind }) => kind);
        expect(kinds).toEqual(expect.arrayContaining(['webhook.failing', 'webhook.recovered']));
      }, WAIT);
    },
  );

  test('with 410 is disabled at once and keeps its events; once resumed it gets all of them, in order', async () => {
    const { name } = await putWebhook(gateway, { url: sink.url, types: TYPES });
    sink.answerWith(410);
    const keys = [newKey(), newKey()];
    const before = await publishContracts(gateway, [...keys, ...keys]);
    await vi.waitFor(async () => expect(await readWebhook(gateway, name)).toMatchObject({ state: 'disabled' }), WAIT);
    const refused = sink.deliveries.length;
    expect(refused).toBeLessThanOrEqual(keys.length);
    expect((await readWebhook(gateway, name)).disabled?.reason).toMatch(/410/);
    const after = await publishContracts(gateway, keys);
    await vi.waitFor(async () => expect(await webhookStatistics(gateway, name)).toMatchObject({ held: 6 }), WAIT);
    expect(sink.deliveries).toHaveLength(refused);
    sink.answerWith(204);
    const resumed = await call('POST', `${gateway}/v1/webhooks/${name}/resume`);
    expect(resumed.json, resumed.text).toMatchObject({ state: 'active' });
    const events = [...before, ...after];
    await sink.until(allOf(idsOf(events), idOf), { what: 'every event' });
    await sink.until((all) => all.length === refused + events.length);
    for (const key of keys) expect(firstsOf(key)).toEqual(idsOf(events.filter(({ subject }) => subject === key)));
    expectMarked();
    expect((await ledger.operations({ name, kind: 'webhook.disabled' })).length).toBeGreaterThan(0);
  });

  test('with Retry-After is left alone as a whole for that long', async () => {
    const PAUSE_MS = 2000;
    const { name } = await putWebhook(gateway, { url: sink.url, types: TYPES });
    sink.answerWith((_delivery, response) => void response.writeHead(503, { 'retry-after': '2' }).end());
    const [first] = await publishContracts(gateway, [newKey()]);
    const [refused] = await sink.until((all) => all.length === 1);
    await vi.waitFor(async () => {
      const { pausedUntil = '' } = await webhookStatistics(gateway, name);
      expect(Date.parse(pausedUntil)).toBeGreaterThan(Date.now());
    }, WAIT);
    sink.answerWith(204);
    const others = await publishContracts(gateway, [newKey(), newKey(), newKey()]);
    await sink.until(allOf(idsOf(others), idOf));
    await sink.until((all) => all.filter((delivery) => idOf(delivery) === first!.id).length === 2);
    for (const { at } of sink.deliveries.slice(1)) expect(at - refused!.at).toBeGreaterThanOrEqual(PAUSE_MS - 10);
    expectMarked();
  });
});

/** What the sink had before is said to be a redelivery, and is the same bytes. */
function expectMarked(): void {
  for (const [id, [first, ...others]] of Map.groupBy(sink.deliveries, idOf)) {
    expect(first!.headers['heddle-redelivery'], id).toBe('no');
    for (const { headers, body } of others) {
      expect(headers['heddle-redelivery'], id).toBe('yes');
      expect(body.equals(first!.body), id).toBe(true);
    }
  }
}

function newKey(): string {
  return `C-${freshKey()}`;
}

function idOf(delivery: Delivery): string {
  return eventOf(delivery).id;
}

function idsOf(events: readonly Published[]): string[] {
  return events.map(({ id }) => id);
}

/** The ids of a key in the order of their first attempts. */
function firstsOf(key: string): string[] {
  const events = sink.deliveries.map(eventOf).filter(({ subject }) => subject === key);
  return [...new Set(events.map(({ id }) => id))];
}
