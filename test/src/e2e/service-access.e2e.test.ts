import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { ORDERS } from '../support/cloud-event.js';
import { type Answer, call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { Orders, freshKey } from '../support/orders.js';

// Services let in whoever has a token of the gateway, which they need for its keys only. The stories follow each other.

let mesh: Mesh;
let key: string;
let token: string;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack') });
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

function order(number: string): string {
  return `${mesh.url('sales-order')}/sales-orders/${number}`;
}

function read(authorization?: string): Promise<Answer> {
  return call('GET', order(key), authorization === undefined ? {} : { headers: { authorization } });
}
