import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { AmqpReceiver } from '../support/amqp-receiver.js';
import { type CloudEvent, versionOf } from '../support/cloud-event.js';
import { type Answer, call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { type QueueDelivery, deleteQueue, putQueue } from '../support/queue-clients.js';

const CHANGED = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1';
const SERVICE = '/sap/opu/odata/sap/API_BUSINESS_PARTNER';
const ACCEPT = { accept: 'application/json' };

let mesh: Mesh;
let gateway: string;
let partners: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  partners = `${mesh.url('business-partner')}/business-partners`;
});

afterAll(() => mesh.stop());

interface Fetched {
  d: {
    __metadata: { uri: string };
    ETag: string;
    to_BusinessPartnerAddress: {
      results: { CityName: string; to_PhoneNumber: { results: { PhoneNumber: string }[] } }[];
    };
  };
}

/** A partner whose version can be read in its address and its phone number. */
const state = (version: number): object => ({
  to_BusinessPartnerAddress: [{ CityName: `City ${version}`, to_PhoneNumber: [{ PhoneNumber: String(version) }] }],
});

const change = (key: string, version: number): Promise<Answer> =>
  call('PATCH', `${partners}/${key}`, { headers: { 'if-match': '*' }, body: state(version) });

describe('BusinessPartner.Changed', () => {
  test('leads to the address by OData, whole and never older than notified, while changes go on', async () => {
    const queue = await putQueue(gateway, { types: [CHANGED], maxInFlight: 100 });
    const keys = Array.from({ length: 4 }, freshKey);
    const LAST = 15;
    for (const key of keys) {
      const body = {
        BusinessPartner: key,
        BusinessPartnerCategory: '2',
        OrganizationBPName1: 'Alder & Birch',
        ...state(1),
      };
      expect((await call('POST', partners, { body })).status).toBe(201);
    }
    const changing = Promise.all(
      keys.map(async (key) => {
        for (let version = 2; version <= LAST; version += 1) expect((await change(key, version)).status).toBe(200);
      }),
    );
    const seen = new Map<string, number>();
    while ([...seen.values()].filter((version) => version === LAST).length < keys.length) {
      const { json } = await call('POST', `${gateway}/v1/queues/${queue}/receive`, { body: { max: 20, waitMs: 5000 } });
      const { deliveries } = json as { deliveries: QueueDelivery[] };
      await Promise.all(
        deliveries.map(async ({ event }) => {
          const { BusinessPartner: key } = event.data as { BusinessPartner: string };
          const notified = versionOf(event);
          const expand = '$expand=to_BusinessPartnerAddress/to_PhoneNumber';
          const url = `${gateway}${SERVICE}/A_BusinessPartner('${key}')?${expand}&version=${notified}`;
          const { status, text, json: found } = await call('GET', url, { headers: ACCEPT });
          expect(status, text).toBe(200);
          const { d } = found as Fetched;
          const version = Number(d.ETag);
          expect(version).toBeGreaterThanOrEqual(notified);
          // All of one moment: the address and its phone are those of the version that the partner has.
          const [address] = d.to_BusinessPartnerAddress.results;
          expect([address!.CityName, address!.to_PhoneNumber.results[0]!.PhoneNumber]).toEqual([
            `City ${version}`,
            String(version),
          ]);
          expect(d.__metadata.uri).toBe(`${gateway}${SERVICE}/A_BusinessPartner('${key}')`);
          if (keys.includes(key)) seen.set(key, Math.max(seen.get(key) ?? 0, notified));
        }),
      );
      const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' }));
      if (settlements.length > 0) await call('POST', `${gateway}/v1/queues/${queue}/settle`, { body: { settlements } });
    }
    await changing;
    await deleteQueue(gateway, queue);
  });

  test('comes over AMQP, and leads to the address that it speaks of', async () => {
    const queue = await putQueue(gateway, { types: [CHANGED] });
    const receiver = new AmqpReceiver({ gateway, queue, leaseMs: 30_000 });
    const key = freshKey();
    const body = { BusinessPartner: key, BusinessPartnerCategory: '2', OrganizationBPName1: 'Rowan', ...state(1) };
    expect((await call('POST', partners, { body })).status).toBe(201);
    expect((await change(key, 2)).status).toBe(200);
    const text = await vi.waitFor(
      () => {
        const received = receiver.received.all.find((delivery) => delivery.key === key);
        expect(received).toBeDefined();
        return received!.text;
      },
      { timeout: 20_000 },
    );
    await receiver.stop();
    const event = JSON.parse(text) as CloudEvent;
    // As S/4HANA says it: the key, and nothing else.
    expect(event.data).toEqual({ BusinessPartner: key });
    const path = `A_BusinessPartner('${key}')?$expand=to_BusinessPartnerAddress&version=${versionOf(event)}`;
    const { status, json } = await call('GET', `${gateway}${SERVICE}/${path}`, { headers: ACCEPT });
    expect(status).toBe(200);
    expect((json as Fetched).d.to_BusinessPartnerAddress.results).toMatchObject([{ CityName: 'City 2' }]);
    await deleteQueue(gateway, queue);
  });

  test('of a version that there is not yet is 503 until there is, and then answered', async () => {
    const key = freshKey();
    const body = { BusinessPartner: key, BusinessPartnerCategory: '2', OrganizationBPName1: 'Oak', ...state(1) };
    await call('POST', partners, { body });
    const url = `${gateway}${SERVICE}/A_BusinessPartner('${key}')`;
    const behind = await call('GET', url, { headers: { ...ACCEPT, 'heddle-version': '2' } });
    expect(behind.status).toBe(503);
    expect(behind.headers.get('retry-after')).toBe('1');
    expect(behind.json).toMatchObject({ error: { code: 'object-behind' } });
    await change(key, 2);
    expect((await call('GET', url, { headers: { ...ACCEPT, 'heddle-version': '2' } })).status).toBe(200);
  });
});

test('what is changed over OData at the gateway raises its events, in the name of who changed it', async () => {
  const token = await mesh.newClient(['fetch:type:sap.*', 'publish:type:sap.*']);
  const authorization = await token.header();
  const read = await call('GET', `${gateway}${SERVICE}/`, {
    headers: { ...ACCEPT, authorization, 'x-csrf-token': 'Fetch' },
  });
  const headers = {
    ...ACCEPT,
    authorization,
    'x-csrf-token': read.headers.get('x-csrf-token')!,
    'content-type': 'application/json',
  };
  const queue = await putQueue(gateway, { types: ['sap.s4.beh.businesspartner.*'] });
  const key = freshKey();
  const made = await call('POST', `${gateway}${SERVICE}/A_BusinessPartner`, {
    headers,
    body: { BusinessPartner: key, BusinessPartnerCategory: '2', OrganizationBPName1: 'Elm' },
  });
  expect(made.status, made.text).toBe(201);
  expect(made.headers.get('location')).toBe(`${gateway}${SERVICE}/A_BusinessPartner('${key}')`);
  const { json } = await call('POST', `${gateway}/v1/queues/${queue}/receive`, { body: { max: 10, waitMs: 10_000 } });
  const subjects = (json as { deliveries: QueueDelivery[] }).deliveries.map(({ event }) => event.subject);
  expect(subjects).toContain(key);
  const reader = await (await mesh.newClient(['fetch:type:sap.*'])).header();
  const readersToken = await call('GET', `${gateway}${SERVICE}/`, {
    headers: { ...ACCEPT, authorization: reader, 'x-csrf-token': 'Fetch' },
  });
  const refused = await call('PATCH', `${gateway}${SERVICE}/A_BusinessPartner('${key}')`, {
    headers: {
      ...headers,
      authorization: reader,
      'x-csrf-token': readersToken.headers.get('x-csrf-token')!,
      'if-match': '*',
    },
    body: { OrganizationBPName1: 'Ash' },
  });
  expect(refused.json).toMatchObject({ error: { code: 'permission-missing' } });
  await deleteQueue(gateway, queue);
});

test('an order is found, read with all that belongs to it, and is gone once it is deleted', async () => {
  const orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  const partner = await orders.knownPartner();
  const key = freshKey();
  await orders.create(key, partner);
  const service = `${gateway}/sap/opu/odata/sap/API_SALES_ORDER_SRV`;
  const filter = encodeURIComponent(`SoldToParty eq '${partner}' and SalesOrder eq '${key}'`);
  const found = await call(
    'GET',
    `${service}/A_SalesOrder?$filter=${filter}&$expand=to_Item/to_ScheduleLine,to_Partner&$inlinecount=allpages`,
    { headers: ACCEPT },
  );
  expect(found.status, found.text).toBe(200);
  expect(found.json).toMatchObject({
    d: { __count: '1', results: [{ SalesOrder: key, to_Item: { results: [{ SalesOrderItem: '10' }] } }] },
  });
  const atom = await call('GET', `${service}/A_SalesOrder('${key}')`);
  expect(atom.headers.get('content-type')).toContain('application/atom+xml');
  await orders.delete(key, '"1"');
  expect((await call('GET', `${service}/A_SalesOrder('${key}')`, { headers: ACCEPT })).status).toBe(404);
  expect((await call('GET', `${service}/A_SalesOrder('${key}')?version=2`, { headers: ACCEPT })).status).toBe(410);
});
