import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CloudEvent,
  OPENED,
  ORDERS,
  ORDER_CHANGED,
  ORDER_CREATED,
  ORDER_DELETED,
  versionOf,
} from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { afterOpened, openSse, openWebSocket } from '../support/stream-clients.js';
import { type Delivery, WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

let mesh: Mesh;
let orders: Orders;
let gateway: string;
let partner: string;
let sink: WebhookSink;

beforeAll(async () => {
  [mesh, sink] = await Promise.all([sharedMesh(), WebhookSink.start()]);
  gateway = mesh.url('gateway');
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  partner = await orders.knownPartner();
});

afterAll(async () => {
  await deleteAllWebhooks(gateway);
  await mesh.stop();
  await sink.stop();
});

describe('an order that is created', () => {
  test('is notified to webhooks in both modes, to a WebSocket and to an SSE client, and can be fetched by each of them', async () => {
    const key = freshKey();
    const arrived = (all: readonly Delivery[], path: string): Delivery | undefined =>
      all.find((delivery) => delivery.path === path && subjectOf(delivery) === key);
    const [structured, binary] = await Promise.all([
      putWebhook(gateway, { url: `${sink.url}structured`, types: [ORDERS] }),
      putWebhook(gateway, { url: `${sink.url}binary`, types: [ORDER_CREATED], contentMode: 'binary' }),
    ]);
    const streams = await Promise.all([
      openWebSocket(gateway, { types: ORDERS }),
      openSse(gateway, { types: ORDER_CREATED }),
    ]);
    for (const stream of streams) await stream.events.until((events) => events.length > 0);

    const created = await orders.create(key, partner);
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');

    const deliveries = await sink.until((all) => Boolean(arrived(all, '/structured') && arrived(all, '/binary')));
    const [first, second] = [arrived(deliveries, '/structured'), arrived(deliveries, '/binary')];
    const event = eventOf(first!);
    expect(event).toMatchObject({
      specversion: '1.0',
      type: ORDER_CREATED,
      source: '/heddle/sales-order',
      subject: key,
      partitionkey: key,
      sequence: '000000000001',
      datacontenttype: 'application/json',
      data: { SalesOrder: key, SoldToParty: partner, SalesOrderType: 'OR' },
    });
    expect(first!.headers['content-type']).toContain('application/cloudevents+json');
    expect(new Webhook(structured.secret).verify(first!.body.toString(), signed(first!))).toMatchObject({
      id: event.id,
    });

    const { data, ...attributes } = event;
    expect(JSON.parse(second!.body.toString())).toEqual(data);
    expect(attributesOf(second!)).toEqual(attributes);
    expect(new Webhook(binary.secret).verify(second!.body.toString(), signed(second!))).toEqual(data);
    expect(() => new Webhook(structured.secret).verify(second!.body.toString(), signed(second!))).toThrow();

    for (const stream of streams) {
      const [opened] = stream.events.all;
      const events = await stream.events.until((all) => all.some(({ subject }) => subject === key));
      const notified = events.find(({ subject }) => subject === key);
      expect(opened).toMatchObject({ type: OPENED, data: { resumed: 'live' } });
      const { resumetoken: _, ...same } = notified!;
      expect(same).toEqual(event);
      stream.close();
    }

    const fetched = await call('GET', event.dataref!);
    expect(fetched.status).toBe(200);
    expect(etagVersion(fetched.headers)).toBeGreaterThanOrEqual(versionOf(event));
    expect(fetched.json).toEqual((await orders.read(key)).json);
    const known = { 'if-none-match': fetched.headers.get('etag')! };
    const again = await call('GET', event.dataref!, { headers: known });
    expect([again.status, again.text]).toEqual([304, '']);
    const schema = await call('GET', event.dataschema!);
    expect(schema.json).toMatchObject({ name: 'SalesOrderCreated' });
  });

  test('is never answered older than a notification says: what is not there yet is 503, and to be tried again', async () => {
    const key = freshKey();
    await orders.create(key, partner);
    const object = `${gateway}/v1/objects/sales-order/${key}`;
    const behind = await call('GET', `${object}?version=2`);
    expect(behind.json).toMatchObject({ status: 503, code: 'object-behind', retryable: true });
    expect(Number(behind.headers.get('retry-after'))).toBeGreaterThan(0);

    await orders.change(key, { PurchaseOrderByCustomer: 'PO-1' }, '"1"');
    const caughtUp = await call('GET', `${object}?version=2`);
    expect(caughtUp.json).toMatchObject({ SalesOrder: key, PurchaseOrderByCustomer: 'PO-1' });
    expect(caughtUp.headers.get('etag')).toBe('"2"');
  });

  test('is a tombstone once it is deleted, and the notification of that leads to it', async () => {
    const stream = await openWebSocket(gateway, { types: ORDERS });
    await stream.events.until((events) => events.length > 0);
    const key = freshKey();
    await orders.create(key, partner);
    expect((await orders.delete(key, '"1"')).status).toBe(204);
    await stream.events.until((events) => events.some(({ type }) => type === ORDER_DELETED));
    const deleted = afterOpened(stream).find(({ type }) => type === ORDER_DELETED)!;
    expect(deleted).toMatchObject({ subject: key, sequence: '000000000003' });
    const gone = await call('GET', deleted.dataref!);
    expect(gone.json).toMatchObject({ status: 410, code: 'object-gone' });
    expect(etagVersion(gone.headers)).toBeGreaterThanOrEqual(versionOf(deleted));
    stream.close();
  });

  test('is answered 404 by the gateway when there is no such order, and no such kind of object', async () => {
    const order = await call('GET', `${gateway}/v1/objects/sales-order/${freshKey()}`);
    expect(order.json).toMatchObject({ status: 404, code: 'not-found' });
    const kind = await call('GET', `${gateway}/v1/objects/purchase-order/1`);
    expect(kind.json).toMatchObject({ status: 404, code: 'not-found', field: 'object' });
  });
});

describe('many changes of several orders at once', () => {
  test('arrive everywhere in commit order per key, numbered without a gap, and each fetch is as new as its notification', async () => {
    const changes = 12;
    const keys = Array.from({ length: 8 }, freshKey);
    const { name } = await putWebhook(gateway, { url: `${sink.url}many`, types: [ORDERS] });
    const streams = await Promise.all([openWebSocket(gateway, { types: ORDERS }), openSse(gateway, { types: ORDERS })]);
    const fetches: Promise<void>[] = [];
    sink.answerWith((delivery, response) => {
      if (delivery.path === '/many') fetches.push(fetchNotified(eventOf(delivery)));
      response.writeHead(204).end();
    });
    await Promise.all(
      keys.map(async (key) => {
        await orders.create(key, partner);
        for (let version = 1; version <= changes; version += 1) {
          const changed = await orders.change(key, { PurchaseOrderByCustomer: `PO-${version}` }, `"${version}"`);
          expect(changed.headers.get('etag')).toBe(`"${version + 1}"`);
        }
      }),
    );
    // To create an order raises two events, one of them for its item; each change raises one.
    const versions = [1, ...Array.from({ length: changes + 1 }, (_, index) => index + 1)];
    const expected = versions.map((_, index) => String(index + 1).padStart(12, '0'));
    const total = keys.length * expected.length;
    const ofKeys = (events: readonly CloudEvent[]): CloudEvent[] =>
      events.filter(({ subject }) => keys.includes(subject));
    const many = (all: readonly Delivery[]): CloudEvent[] =>
      all.filter((delivery) => delivery.headers['heddle-webhook'] === name).map(eventOf);
    await sink.until((all) => ofKeys(many(all)).length >= total);
    for (const { events } of streams) await events.until((all) => ofKeys(all).length >= total);
    for (const events of [many(sink.deliveries), ...streams.map(afterOpened)]) {
      for (const key of keys) {
        const own = events.filter(({ subject }) => subject === key);
        expect(own.map(({ sequence }) => sequence)).toEqual(expected);
        expect(own.map(versionOf)).toEqual(versions);
        expect(new Set(own.slice(2).map(({ type }) => type))).toEqual(new Set([ORDER_CHANGED]));
      }
    }
    await Promise.all(fetches);
    expect(fetches.length).toBeGreaterThanOrEqual(total);
    for (const stream of streams) stream.close();
    sink.answerWith(204);
  });

  async function fetchNotified(event: CloudEvent): Promise<void> {
    const fetched = await call('GET', event.dataref!);
    expect(fetched.status, fetched.text).toBe(200);
    expect(etagVersion(fetched.headers)).toBeGreaterThanOrEqual(versionOf(event));
  }
});

test('a change must name the version it is of, and is refused when the order has changed since', async () => {
  const key = freshKey();
  await orders.create(key, partner);
  const unnamed = await orders.change(key, { PurchaseOrderByCustomer: 'x' });
  expect(unnamed.json).toMatchObject({ status: 428, code: 'precondition-required' });
  expect((await orders.change(key, { PurchaseOrderByCustomer: 'x' }, '"1"')).status).toBe(200);
  const stale = await orders.change(key, { PurchaseOrderByCustomer: 'y' }, '"1"');
  expect(stale.json).toMatchObject({ status: 412, code: 'precondition-failed' });
  expect((await orders.read(key)).json).toMatchObject({ PurchaseOrderByCustomer: 'x' });
});

test('an order of a partner nobody has heard of is 409 and retryable, and is taken once the partner has been notified', async () => {
  const unheardOf = freshKey();
  const refused = await orders.create(freshKey(), unheardOf);
  expect(refused.json).toMatchObject({ status: 409, code: 'reference-unknown', retryable: true, field: 'SoldToParty' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  await orders.partner(unheardOf);
  await orders.whenKnown(unheardOf);
});

function subjectOf(delivery: Delivery): unknown {
  return delivery.headers['ce-subject'] ?? eventOf(delivery).subject;
}

function signed({ headers }: Delivery): Record<string, string> {
  return Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
  );
}

/** The attributes of a delivery in binary mode. */
function attributesOf({ headers }: Delivery): Record<string, unknown> {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith('ce-'))
    .map(([name, value]) => [name.slice(3), value]);
  return { ...Object.fromEntries(attributes), datacontenttype: headers['content-type'] };
}

function etagVersion(headers: Headers): number {
  return Number(/^"(\d+)"$/.exec(headers.get('etag') ?? '')?.[1]);
}
