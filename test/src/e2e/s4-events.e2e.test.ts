import { BusinessPartnerEvent, SalesOrderEvent } from '@heddle/schemas';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type CloudEvent, versionOf } from '../support/cloud-event.js';
import { type Answer, call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

const S4 = 'sap.s4.beh.*';
const TYPES = [...Object.values<string>(SalesOrderEvent), ...Object.values<string>(BusinessPartnerEvent)].toSorted();
const WAIT = { timeout: 30_000 };

let mesh: Mesh;
let gateway: string;
let sink: WebhookSink;
let orders: string;
let partners: string;

beforeAll(async () => {
  [mesh, sink] = await Promise.all([sharedMesh(), WebhookSink.start()]);
  gateway = mesh.url('gateway');
  orders = `${mesh.url('sales-order')}/sales-orders`;
  partners = `${mesh.url('business-partner')}/business-partners`;
});

afterAll(async () => {
  await deleteAllWebhooks(gateway);
  await mesh.stop();
  await sink.stop();
});

describe('the events of S/4', () => {
  test('all 25 of them reach a queue and a webhook in order, told alike, and each fetch is as new as what it was notified of', async () => {
    const queue = await putQueue(gateway, { types: [S4], order: 'key' });
    const fetches: Promise<void>[] = [];
    sink.answerWith((delivery, response) => {
      fetches.push(isNotOlder(eventOf(delivery)));
      response.writeHead(204).end();
    });
    await putWebhook(gateway, { url: sink.url, types: [S4] });

    const partner = await newPartner();
    const [whole, gone] = [await newOrder(partner), await newOrder(partner)];
    await liveThroughAll(whole);
    await change('DELETE', `${orders}/${gone}`);
    const keys = [partner, whole, gone];

    const pulled = await pullAll(queue, keys);
    expect([...new Set(pulled.map(({ type }) => type))].toSorted()).toEqual(TYPES);
    for (const key of keys) {
      const own = pulled.filter(({ subject }) => subject === key);
      expect(own.map(({ sequence }) => Number(sequence))).toEqual(own.map((_, index) => index + 1));
      valuesChain(own);
    }
    const delivered = await sink.until((all) => pulled.every(({ id }) => all.some((one) => eventOf(one).id === id)));
    for (const event of pulled) {
      const same = delivered.find((one: Delivery) => eventOf(one).id === event.id)!;
      expect(same.headers['content-type']).toContain('application/cloudevents+json');
      expect(eventOf(same)).toEqual(event);
      await hasTheFieldsOfItsType(event);
    }
    await allAreCounted(queue, pulled);
    await Promise.all(fetches);
    expect(fetches.length).toBeGreaterThanOrEqual(pulled.length);
    sink.answerWith(204);
  });
});

/** A partner with all that partners have, changed once. */
async function newPartner(): Promise<string> {
  const key = freshKey();
  const phones = [{ PhoneNumber: '+44 20 7946 0000', IsDefaultPhoneNumber: true }];
  const address = { StreetName: 'Dover Street', CityName: 'London', Country: 'GB', to_PhoneNumber: phones };
  await change('POST', partners, {
    BusinessPartner: key,
    BusinessPartnerCategory: '2',
    OrganizationBPName1: 'Alder & Birch Ltd',
    to_BusinessPartnerAddress: [{ ...address, to_EmailAddress: [{ EmailAddress: 'orders@alder.example' }] }],
    to_BusinessPartnerRole: [{ BusinessPartnerRole: 'FLCU01' }],
    to_BusinessPartnerTax: [{ BPTaxType: 'GB0', BPTaxNumber: 'GB123456789' }],
    to_Customer: { CustomerAccountGroup: 'CUST' },
  });
  await change('PATCH', `${partners}/${key}`, {
    to_BusinessPartnerBank: [{ BankIdentification: '0001', IBAN: 'GB33BUKB20201555555555' }],
  });
  return key;
}

/** An order of two items, made as soon as orders have heard of the partner. */
async function newOrder(partner: string): Promise<string> {
  const key = freshKey();
  const items = [
    { Material: 'TG11', RequestedQuantity: '10', NetAmount: '99.9' },
    { Material: '', RequestedQuantity: '1' },
  ];
  const body = {
    ...{ SalesOrder: key, SalesOrganization: '1710', DistributionChannel: '10', OrganizationDivision: '00' },
    ...{ SoldToParty: partner, to_Item: items },
  };
  await vi.waitFor(async () => expect(await call('POST', orders, { body })).toMatchObject({ status: 201 }), WAIT);
  return key;
}

/** Whatever can happen to an order but its deletion. */
async function liveThroughAll(key: string): Promise<void> {
  const order = `${orders}/${key}`;
  const confirmed = [{ ScheduleLineOrderQuantity: '10', ConfdOrderQtyByMatlAvailCheck: '10' }];
  const steps: [method: string, path: string, body?: object][] = [
    ['PATCH', '', { PurchaseOrderByCustomer: 'PO-1', DeliveryBlockReason: '01', HeaderBillingBlockReason: '01' }],
    ['PATCH', '', { DeliveryBlockReason: '', HeaderBillingBlockReason: '' }],
    ['PATCH', '/items/20', { Material: 'TG12', ProfitCenter: 'YB110', WBSElement: 'PR-1710.1.1' }],
    ['PATCH', '/items/20', { ProfitCenter: 'YB101', WBSElement: 'PR-1710.1.2', ItemBillingBlockReason: '02' }],
    ['PATCH', '/items/10', { to_ScheduleLine: confirmed }],
    ['POST', '/items', { Material: 'TG13' }],
    ['DELETE', '/items/30'],
    ['POST', '/credit-check', { status: 'B' }],
    ['POST', '/credit-check', { status: 'D' }],
    ['POST', '/approval', { status: 'A' }],
    ['POST', '/approval', { status: 'B' }],
    ['POST', '/items/20/rejection', { reason: '61' }],
    ['POST', '/items/10/delivery-status', { status: 'B' }],
    ['POST', '/delivery-status', { status: 'C' }],
  ];
  for (const [method, path, body] of steps) await change(method, `${order}${path}`, body);
  expect((await call('GET', order)).json).toMatchObject({
    OverallDeliveryStatus: 'C',
    OverallSDProcessStatus: 'C',
    OverallSDDocumentRejectionSts: 'B',
    OverallBillingBlockStatus: 'B',
    TotalCreditCheckStatus: 'D',
    SalesDocApprovalStatus: 'B',
  });
}

async function change(method: string, url: string, body?: object): Promise<Answer> {
  const headers = { 'if-match': '*' };
  const answer = await call(method, url, method === 'POST' ? { body } : { headers, body });
  expect([200, 201, 204], `${method} ${url}: ${answer.text}`).toContain(answer.status);
  return answer;
}

/** What a queue has of the objects, up to the last event that each of them raised. */
async function pullAll(queue: string, keys: readonly string[]): Promise<CloudEvent[]> {
  const events: CloudEvent[] = [];
  const seen = new Set<string>();
  const isOver = (): boolean =>
    events.some(({ type }) => type.endsWith('.BusinessPartner.Changed.v1')) &&
    events.some(({ type }) => type.endsWith('.SalesOrder.Deleted.v1')) &&
    events.some(({ data }) => data['OverallSDProcessStatus'] === 'C');
  await vi.waitFor(async () => {
    while (!isOver()) {
      const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: 1000 });
      expect(deliveries).not.toEqual([]);
      const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' as const }));
      await settlePulled(gateway, queue, settlements);
      for (const { event } of deliveries) {
        if (keys.includes(event.subject) && !seen.has(event.id)) events.push(event);
        seen.add(event.id);
      }
    }
  }, WAIT);
  return events;
}

/** What an event says of before is what the last one about the same said. */
function valuesChain(events: readonly CloudEvent[]): void {
  const last = new Map<string, unknown>();
  for (const { type, data } of events) {
    const previous = Object.keys(data).find((name) => name.startsWith('Previous'));
    if (previous === undefined) continue;
    const names = Object.keys(data);
    // The value stands before its previous one.
    const value = data[names[names.indexOf(previous) - 1]!];
    const about = JSON.stringify([type, data['SalesOrderItem']]);
    expect(value).not.toBe(data[previous]);
    if (last.has(about)) expect([about, data[previous]]).toEqual([about, last.get(about)]);
    last.set(about, value);
  }
  const chained = events.filter(({ type }) => /StsChgd|StsChanged|ElmntChanged|CtrChanged/.test(type));
  expect(chained.length).toBeGreaterThanOrEqual(last.size);
}

/** What the monitor says of a queue: everything that was pulled is consumed, by type, and nothing waits. */
async function allAreCounted(queue: string, pulled: readonly CloudEvent[]): Promise<void> {
  await vi.waitFor(async () => {
    const { json } = await call('GET', `${gateway}/v1/queues/${queue}/monitor`);
    const { types, held } = json as { types: { type: string; consumed: number; failed: number }[]; held: number };
    expect(held).toBe(0);
    expect(types.map(({ type, consumed, failed }) => [type, consumed, failed])).toEqual(
      TYPES.map((type) => [type, pulled.filter((event) => event.type === type).length, 0]),
    );
  }, WAIT);
}

/** As the catalogue shows it to whoever writes a consumer. */
async function hasTheFieldsOfItsType({ type, data }: CloudEvent): Promise<void> {
  const { json } = await call('GET', `${gateway}/v1/catalogue/${type}`);
  const { example } = json as { example: object };
  expect(Object.keys(data)).toEqual(Object.keys(example));
}

async function isNotOlder(event: CloudEvent): Promise<void> {
  const fetched = await call('GET', event.dataref!);
  expect([200, 410], fetched.text).toContain(fetched.status);
  const version = Number(/^"(\d+)"$/.exec(fetched.headers.get('etag') ?? '')?.[1]);
  expect(version).toBeGreaterThanOrEqual(versionOf(event));
}
