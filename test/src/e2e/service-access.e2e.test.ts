import { createPartner } from '@heddle/infra';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { ORDERS } from '../support/cloud-event.js';
import { type Answer, call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';

// Services let in whoever has a token of the gateway, which they need for its keys only. The stories follow each other.

let mesh: Mesh;
let key: string;
let token: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  const orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  key = await orders.whenKnown(await orders.partner());
  token = await mesh.token();
});

afterAll(() => mesh.stop());

test('a service answers whoever may read its objects, and lets those change them who may', async () => {
  expect(await read()).toMatchObject({ status: 200 });
  const nobody = await read('');
  expect(nobody.json).toMatchObject({ status: 401, code: 'token-missing' });
  expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="heddle"');
  const reader = `Bearer ${await mesh.token([`fetch:type:${ORDERS}`])}`;
  expect(await read(reader)).toMatchObject({ status: 200 });
  const change = await call('PATCH', order(key), {
    headers: { authorization: reader, 'if-match': '*' },
    body: { PurchaseOrderByCustomer: 'PO-1' },
  });
  expect(change.json).toMatchObject({ status: 403, code: 'permission-missing' });
  const ofPartners = `Bearer ${await mesh.token(['fetch:type:sap.s4.beh.businesspartner.*'])}`;
  expect(await read(ofPartners)).toMatchObject({ status: 403 });
});

test('without the gateway a service goes on answering, tokens that it has not seen before too', async () => {
  const fresh = await mesh.token();
  await mesh.stopApp('gateway');
  expect(await read(`Bearer ${token}`)).toMatchObject({ status: 200 });
  expect(await read(`Bearer ${fresh}`)).toMatchObject({ status: 200 });
  expect(await read(`Bearer ${token.slice(0, -8)}AAAAAAAA`)).toMatchObject({ status: 401 });
});

test('a service starts without the gateway, says that it cannot tell who asks, and can as soon as that is there', async () => {
  await mesh.stopApp('sales-order');
  await mesh.startApp('sales-order');
  const unknown = await read(`Bearer ${token}`);
  expect(unknown.json).toMatchObject({ status: 503, code: 'issuer-unavailable', retryable: true });
  expect(Number(unknown.headers.get('retry-after'))).toBeGreaterThan(0);
  await mesh.startApp('gateway');
  await vi.waitFor(async () => expect(await read(`Bearer ${token}`)).toMatchObject({ status: 200 }), {
    timeout: 15_000,
    interval: 200,
  });
});

test('what is asked through the gateway is answered by the service, and only to who may', async () => {
  const object = `${mesh.url('gateway')}/v1/objects/sales-order`;
  expect((await call('GET', `${object}/${key}`)).json).toMatchObject({ SalesOrder: key });
  expect(await call('GET', `${object}/${freshKey()}`)).toMatchObject({ status: 404 });
  const other = await mesh.token(['fetch:type:sap.s4.beh.businesspartner.*']);
  const refused = await call('GET', `${object}/${key}`, { headers: { authorization: `Bearer ${other}` } });
  expect(refused.json).toMatchObject({ status: 403, code: 'permission-missing' });
});

test('a client has what it was given, and its tokens are good at every process', async () => {
  const clerk = await mesh.newClient([`fetch:type:${ORDERS}`]);
  expect(await read(await clerk.header())).toMatchObject({ status: 200 });
  const partners = `${mesh.url('business-partner')}/business-partners`;
  const refused = await call('GET', partners, { headers: { authorization: await clerk.header() } });
  expect(refused.json).toMatchObject({ status: 403, code: 'permission-missing' });
});

test('a service refuses, within seconds, the tokens of a client that was disabled, and of one that was deleted', async () => {
  const clients = `${mesh.url('gateway')}/v1/clients`;
  const clerk = await mesh.newClient([`fetch:type:${ORDERS}`]);
  const other = await mesh.newClient([`fetch:type:${ORDERS}`]);
  const headers = await Promise.all([clerk.header(), other.header()]);
  for (const header of headers) expect(await read(header)).toMatchObject({ status: 200 });
  const body = { permissions: [`fetch:type:${ORDERS}`], disabled: true };
  expect(await call('PUT', `${clients}/${clientOf(headers[0])}`, { body })).toMatchObject({ status: 200 });
  expect(await call('DELETE', `${clients}/${clientOf(headers[1])}`)).toMatchObject({ status: 204 });
  for (const header of headers) {
    await vi.waitFor(async () => expect((await read(header)).json).toMatchObject({ code: 'token-invalid' }), {
      timeout: 5000,
      interval: 50,
    });
  }
  expect(await read()).toMatchObject({ status: 200 });
  // One that starts later knows it, too.
  await mesh.stopApp('sales-order');
  await mesh.startApp('sales-order');
  for (const header of headers) expect((await read(header)).json).toMatchObject({ code: 'token-invalid' });
  expect(await read()).toMatchObject({ status: 200 });
});

test('the service of a tenant has its own objects, and raises their events for its tenant alone', async () => {
  const { tenant, administrator } = await mesh.newTenant();
  const ours = { authorization: await administrator.header() };
  const theirs = await Mesh.start({
    ground: inject('stack'),
    apps: ['business-partner'],
    env: { 'business-partner': { HEDDLE_TENANT: tenant } },
    beside: mesh,
  });
  const [own, local] = [theirs, mesh].map((of) => `${of.url('business-partner')}/business-partners`) as [
    string,
    string,
  ];
  const name = `partners-${tenant}`;
  const queue = `${mesh.url('gateway')}/v1/queues/${name}`;
  const wish = { body: { types: ['sap.s4.beh.businesspartner.*'] } };
  expect(await call('PUT', queue, { ...wish, headers: ours })).toMatchObject({ status: 201 });
  expect(await call('PUT', queue, wish)).toMatchObject({ status: 201 });

  const [one, other] = [freshKey(), freshKey()];
  expect(await call('POST', own, { body: createPartner(one), headers: ours })).toMatchObject({ status: 201 });
  expect(await call('POST', local, { body: createPartner(other) })).toMatchObject({ status: 201 });
  expect(await call('GET', `${own}/${one}`, { headers: ours })).toMatchObject({ status: 200 });
  // Each is told of no such thing by the service of the other tenant, and nothing is changed there.
  for (const [url, headers] of [
    [local, ours],
    [own, {}],
  ] as const) {
    expect((await call('GET', `${url}/${one}`, { headers })).json).toMatchObject({ status: 404, code: 'not-found' });
    expect(await call('POST', url, { body: createPartner(freshKey()), headers })).toMatchObject({ status: 404 });
  }
  expect(await subjects(queue, ours)).toEqual([one]);
  expect(await subjects(queue, {})).toEqual([other]);
  for (const headers of [ours, {}]) await call('DELETE', queue, { headers });
  await theirs.stop();
});

/** The business keys of what a queue hands out, once something has come. */
async function subjects(queue: string, headers: Record<string, string>): Promise<string[]> {
  const answer = await call('POST', `${queue}/receive`, { headers, body: { max: 100, waitMs: 10_000 } });
  expect(answer.status, answer.text).toBe(200);
  return (answer.json as { deliveries: { event: { subject: string } }[] }).deliveries.map(({ event }) => event.subject);
}

function order(number: string): string {
  return `${mesh.url('sales-order')}/sales-orders/${number}`;
}

function read(authorization?: string): Promise<Answer> {
  return call('GET', order(key), authorization === undefined ? {} : { headers: { authorization } });
}

/** The client that a token is of. */
function clientOf(header = ''): string {
  const [, claims = ''] = header.split('.');
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { client: string }).client;
}
