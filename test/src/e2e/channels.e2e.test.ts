import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { CloudEvent } from '../support/cloud-event.js';
import { type Answer, call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { pullDeliveries, putQueue } from '../support/queue-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const CREATED = 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1';
const CREDIT = 'sap.s4.beh.salesorder.v1.SalesOrder.TotCrdtChkStsChgd.v1';
const RETRY = { delaysMs: [100] };
const WAIT = { timeout: 30_000 };

interface Counts {
  published: number;
  acknowledged: number;
  failed: number;
  open: number;
}

// What follows stands on what came before: one channel lives through all of it.
describe('a channel of sales orders', () => {
  const name = `ERP_${randomUUID().replaceAll('-', '_').toUpperCase()}`;
  let mesh: Mesh;
  let gateway: string;
  let sink: WebhookSink;
  let orders: Orders;
  let partner: string;
  let other: string;

  beforeAll(async () => {
    [mesh, sink] = await Promise.all([sharedMesh(), WebhookSink.start()]);
    gateway = mesh.url('gateway');
    orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
    partner = await orders.knownPartner();
    other = await putQueue(gateway, { types: ['sap.s4.beh.salesorder.*'] });
    const bindings = [
      { type: CREATED, filters: [{ data: 'SalesOrganization', include: ['1710', { low: '1800', high: '1899' }] }] },
      { type: CREDIT },
    ];
    const made = await call('PUT', `${gateway}/v1/channels/${name}`, { body: { bindings, retry: RETRY } });
    expect(made, made.text).toMatchObject({ status: 201, json: { active: true, bindings } });
    await putWebhook(gateway, { queue: name, url: sink.url });
  });

  afterAll(async () => {
    await deleteAllWebhooks(gateway);
    await mesh.stop();
    await sink.stop();
  });

  const ask = async (method: string, what: string, body?: object): Promise<Answer> => {
    const answer = await call(method, `${gateway}/v1/channels/${name}/${what}`, body === undefined ? {} : { body });
    expect([200, 202], `${what}: ${answer.text}`).toContain(answer.status);
    return answer;
  };
  const counts = async (): Promise<{ held: number; bindings: Counts[] }> =>
    (await ask('GET', 'monitor')).json as { held: number; bindings: Counts[] };
  const newOrder = async (organization: string): Promise<string> => {
    const key = freshKey();
    const body = { SalesOrder: key, SalesOrganization: organization, SoldToParty: partner, to_Item: [] };
    const url = `${mesh.url('sales-order')}/sales-orders`;
    const order = { ...body, DistributionChannel: '10', OrganizationDivision: '00' };
    expect(await call('POST', url, { body: order })).toMatchObject({ status: 201 });
    return key;
  };
  /** What left for the receiver, of what is about these orders. */
  const left = (keys: readonly string[]): CloudEvent[] =>
    sink.deliveries.map(eventOf).filter(({ subject }) => keys.includes(subject));

  test('lets out the types that are bound to it, as far as their filters say, and nothing else', async () => {
    const [own, foreign, ranged] = [await newOrder('1710'), await newOrder('2020'), await newOrder('1850')];
    await orders.change(own, { PurchaseOrderByCustomer: 'PO-1' }, '*');
    const credit = `${mesh.url('sales-order')}/sales-orders/${foreign}/credit-check`;
    expect((await call('POST', credit, { body: { status: 'B' } })).status).toBeLessThan(300);
    const last = await newOrder('1710');
    await vi.waitFor(() => expect(left([last])).toHaveLength(1), WAIT);
    await vi.waitFor(
      () =>
        expect(
          left([own, foreign, ranged])
            .map(({ subject, type }) => [subject, type])
            .toSorted(),
        ).toEqual(
          [
            [own, CREATED],
            [foreign, CREDIT],
            [ranged, CREATED],
          ].toSorted(),
        ),
      WAIT,
    );
    await vi.waitFor(async () => {
      expect((await counts()).bindings).toMatchObject([
        { type: CREATED, published: 3, acknowledged: 3, failed: 0 },
        { type: CREDIT, published: 1, acknowledged: 1, failed: 0 },
      ]);
    }, WAIT);
  });

  test('keeps its events while it is deactivated, and lets them out once it is active again', async () => {
    expect((await ask('POST', 'deactivate', {})).json).toMatchObject({ active: false });
    const key = await newOrder('1710');
    await vi.waitFor(async () => expect((await counts()).held).toBe(1), WAIT);
    expect((await ask('GET', 'check')).json).toMatchObject({ ok: false });
    expect(left([key])).toEqual([]);
    expect((await ask('POST', 'activate', {})).json).toMatchObject({ active: true });
    await vi.waitFor(() => expect(left([key])).toHaveLength(1), WAIT);
    expect((await ask('GET', 'check')).json).toMatchObject({ ok: true });
  });

  test('takes test events of its types, which nobody else gets', async () => {
    const { events } = (await ask('POST', 'test-events', {})).json as { events: { id: string; type: string }[] };
    expect(events.map(({ type }) => type)).toEqual([CREATED, CREDIT]);
    const tested = await vi.waitFor(() => {
      const found = sink.deliveries.map(eventOf).filter(({ id }) => events.some((event) => event.id === id));
      expect(found).toHaveLength(2);
      return found;
    }, WAIT);
    for (const event of tested) expect(event).toMatchObject({ heddletest: 'true' });
    // The other queue wants all of these types, and has what really happened since.
    const key = await newOrder('2020');
    const others: CloudEvent[] = [];
    await vi.waitFor(async () => {
      const deliveries = await pullDeliveries(gateway, other, { max: 100, waitMs: 1000 });
      others.push(...deliveries.map(({ event }) => event));
      expect(others.map(({ subject }) => subject)).toContain(key);
    }, WAIT);
    expect(others.filter(({ id }) => events.some((event) => event.id === id))).toEqual([]);
  });

  test('shows what its receiver failed to take, and delivers it once it is tried again', async () => {
    const before = (await counts()).bindings[0]!;
    sink.answerWith(500);
    const key = await newOrder('1710');
    const [failed] = await vi.waitFor(async () => {
      const { json } = await ask('GET', 'events?status=failed');
      const { events } = json as { events: { event: { key: string }; deadLetter?: string }[] };
      expect(events).toMatchObject([{ event: { key, type: CREATED }, attempts: 2, reason: expect.any(String) }]);
      expect(events[0]!.deadLetter).toBeDefined();
      return events;
    }, WAIT);
    expect((await counts()).bindings[0]).toMatchObject({ failed: before.failed + 1, open: 1 });
    expect((await ask('GET', 'check')).json).toMatchObject({ ok: false });
    sink.answerWith(204);
    const retried = await ask('POST', 'retry', { ids: [failed!.deadLetter] });
    expect(retried).toMatchObject({ status: 202, json: { selected: 1 } });
    await vi.waitFor(async () => {
      const { events } = (await ask('GET', 'events?status=acknowledged')).json as { events: { event: object }[] };
      expect(events[0]).toMatchObject({ event: { key, type: CREATED }, status: 'acknowledged' });
      expect((await counts()).bindings[0]).toMatchObject({ acknowledged: before.acknowledged + 1, open: 0 });
    }, WAIT);
    expect((await ask('GET', 'check')).json).toMatchObject({ ok: true });
    expect((await ask('POST', 'retry', {})).json).toMatchObject({ selected: 0 });
  });
});
