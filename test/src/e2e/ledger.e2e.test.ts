import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED, ORDERS, ORDER_CHANGED, ORDER_CREATED } from '../support/cloud-event.js';
import { type EventSummary, LedgerReader } from '../support/ledger.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const ITEM_CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.ItemCreated.v1';
const WAIT = { timeout: 10_000 };

let mesh: Mesh;
let gateway: string;
let ledger: LedgerReader;
let sink: WebhookSink;

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

describe('a dead letter', () => {
  test('says why and what was answered, is counted by a dry run, and is delivered again by a redrive, marked, in a new cycle', async () => {
    const { name } = await putWebhook(gateway, {
      url: sink.url,
      types: [CONTRACT_SIGNED],
      retry: { firstMs: 20, attempts: 2, jitter: 0 },
    });
    sink.answerWith((_delivery, response) => void response.writeHead(422).end('no such contract'));
    const keys = Array.from({ length: 3 }, () => `C-${freshKey()}`);
    const events = await publishContracts(gateway, keys);
    const letters = await vi.waitFor(async () => {
      const found = await ledger.deadLetters({ queue: name });
      expect(found).toHaveLength(3);
      return found;
    }, WAIT);
    for (const letter of letters) {
      expect(letter).toMatchObject({ code: 'exhausted', attempts: 2, state: 'open' });
      expect(letter.reason).toMatch(/status 422/);
      expect(letter.lastAnswer).toBe('status 422: no such contract');
    }
    const [letter] = await ledger.deadLetters({ queue: name, key: keys[0]! });
    expect(letter!.event.id).toBe(events[0]!.id);
    const { deliveries, stored } = await ledger.deadLetter(letter!.id);
    expect(stored.data).toMatchObject({ Contract: keys[0] });
    expect(deliveries).toMatchObject([
      { attempt: 1, outcome: 'released', status: 422, excerpt: 'no such contract', redelivery: 'no' },
      { attempt: 2, outcome: 'released', status: 422, excerpt: 'no such contract', final: 'dead', redelivery: 'yes' },
    ]);
    expect(deliveries[0]!.request?.url).toBe(sink.url);

    sink.answerWith(204);
    const filter = { queue: name, reason: 'status 422' };
    expect(await ledger.redrive({ filter, dryRun: true }, 200)).toMatchObject({ state: 'counted', selected: 3 });
    expect(await ledger.deadLetters({ queue: name, state: 'open' })).toHaveLength(3);
    expect(sink.deliveries).toHaveLength(6);
    const { id: redrive } = await ledger.redrive({ filter }, 202);
    await sink.until((all) => all.length === 9);
    for (const { id } of events) {
      const [first, , again] = deliveriesOf(id);
      expect(again!.headers).toMatchObject({ 'heddle-redelivery': 'yes', 'heddle-cycle': redrive });
      expect(again!.body.equals(first!.body)).toBe(true);
    }
    await vi.waitFor(async () => {
      expect(await ledger.redriveOf(redrive)).toMatchObject({ state: 'done', placed: 3, failed: 0 });
      const redriven = await ledger.deadLetters({ queue: name, state: 'redriven' });
      expect(redriven.map(({ redriven: by }) => by?.by)).toEqual(Array(3).fill(redrive));
      expect(await ledger.deadLetters({ queue: name, state: 'open' })).toEqual([]);
      const audit = await ledger.audit({ action: 'dead-letters.redrive' });
      const ours = audit.filter(({ detail }) => (detail?.['filter'] as { queue?: string })?.queue === name);
      // The newest first; the counting before it is an act, too.
      expect(ours.map(({ detail }) => detail?.['dryRun'] ?? false)).toEqual([false, true]);
      expect(ours[0]!.detail).toMatchObject({ location: `/v1/dead-letters/redrives/${redrive}` });
      for (const act of ours) expect(act).toMatchObject({ who: 'administrator', from: '127.0.0.1', result: 'done' });
    }, WAIT);

    // One final state for each cycle.
    const summary = await vi.waitFor(async () => {
      const [found] = await ledger.event(events[0]!.id);
      expect(found!.deliveries.filter(({ queue }) => queue === name)).toMatchObject([
        { cycle: '', state: 'dead', repeats: 0 },
        { cycle: redrive, state: 'accepted', repeats: 0 },
      ]);
      return found!;
    }, WAIT);
    expect(stepsOf(summary, name)).toEqual(
      // Said in the order of their times: the letter is marked once its event is safely back, delivered or not.
      expect.arrayContaining(['raised', 'appended', 'dispatched', 'attempt', 'attempt', 'dead', 'redriven', 'settled']),
    );
  });
});

describe('the timeline', () => {
  test('of an event shows when it was raised, appended, tried and settled; that of an object shows all its events', async () => {
    const orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
    const partner = await orders.knownPartner();
    const key = freshKey();
    const { name } = await putWebhook(gateway, {
      url: sink.url,
      types: [ORDERS],
      filter: [{ exact: { subject: key } }],
      retry: { firstMs: 20, attempts: 5, jitter: 0 },
    });
    let failures = 1;
    sink.answerWith((_delivery, response) => void response.writeHead(failures-- > 0 ? 500 : 204).end());
    expect(await orders.create(key, partner)).toMatchObject({ status: 201 });
    const created = await orders.read(key);
    expect(
      await orders.change(key, { PurchaseOrderByCustomer: 'PO-2' }, created.headers.get('etag') ?? ''),
    ).toMatchObject({ status: 200 });
    // The first one twice; an order raises one for itself and one for its item.
    await sink.until((all) => all.length === 4);
    const ids = [...new Set(sink.deliveries.map((delivery) => eventOf(delivery).id))];

    const ofObject = await vi.waitFor(async () => {
      const found = await ledger.ofObject('sales-order', key);
      expect(found.map(({ deliveries }) => deliveries.find(({ queue }) => queue === name)?.state)).toEqual([
        'accepted',
        'accepted',
        'accepted',
      ]);
      return found;
    }, WAIT);
    expect(ofObject.map(({ event }) => event.id)).toEqual(ids.toReversed());
    expect(ofObject.map(({ event }) => event.type)).toEqual([ORDER_CHANGED, ITEM_CREATED, ORDER_CREATED]);

    const [summary, ...others] = await ledger.event(ids[0]!);
    expect(others).toEqual([]);
    expect(summary!.event).toMatchObject({ id: ids[0], key, topic: 'sales-order' });
    expect(stepsOf(summary!, name)).toEqual(['raised', 'appended', 'dispatched', 'attempt', 'attempt', 'settled']);
    const tried = summary!.timeline.filter(({ what, queue }) => what === 'attempt' && queue === name);
    expect(tried.map(({ detail }) => detail)).toEqual([
      'attempt 1 released: status 500',
      'attempt 2 accepted: status 204',
    ]);
    const times = summary!.timeline.map(({ at }) => Date.parse(at));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    const attempts = await ledger.attempts({ webhook: name, event: ids[0]!, outcome: 'failed' });
    expect(attempts).toMatchObject([{ attempt: 1, outcome: 'released', receiver: { kind: 'webhook', name } }]);
  });

  test('of an event that two queues want shows what became of it in each', async () => {
    const refused = await WebhookSink.start();
    refused.answerWith(422);
    const retry = { firstMs: 20, attempts: 1 };
    const one = await putWebhook(gateway, { url: sink.url, types: [CONTRACT_SIGNED] });
    const other = await putWebhook(gateway, { url: refused.url, types: [CONTRACT_SIGNED], retry });
    const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
    await sink.until(allOf([event!.id], (delivery) => eventOf(delivery).id));
    await vi.waitFor(async () => {
      const [summary] = await ledger.event(event!.id);
      const states = Object.fromEntries(summary!.deliveries.map(({ queue, state }) => [queue, state]));
      expect(states).toMatchObject({ [one.name]: 'accepted', [other.name]: 'dead' });
    }, WAIT);
    await refused.stop();
  });
});

/** What happened to an event before it was dispatched, and in one queue. */
function stepsOf({ timeline }: EventSummary, name: string): string[] {
  return timeline.filter(({ queue = name }) => queue === name).map(({ what }) => what);
}

function deliveriesOf(id: string): Delivery[] {
  return sink.deliveries.filter((delivery) => eventOf(delivery).id === id);
}
