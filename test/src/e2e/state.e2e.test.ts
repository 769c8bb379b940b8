import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CloudEvent,
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
import {
  type QueueDelivery,
  type QueueSocket,
  deleteQueue,
  openQueueSocket,
  pullDeliveries,
  putQueue,
  settlePulled,
} from '../support/queue-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, deleteWebhook, putWebhook } from '../support/webhooks.js';

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

/** Accepts what comes until an event of a type and key is among it. */
async function pullUntil(queue: string, key: string, type: string): Promise<QueueDelivery> {
  for (;;) {
    const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: 20_000 });
    expect(deliveries, `${type} of ${key}`).not.toEqual([]);
    await settlePulled(
      gateway,
      queue,
      deliveries.map(({ lease }) => ({ lease, action: 'accept' })),
    );
    const found = deliveries.find(({ event }) => event.subject === key && event.type === type);
    if (found !== undefined) return found;
  }
}

describe('a queue of shape state', () => {
  test('hands out the order with the event, never older than it, by pull, WebSocket and webhook, signed', async () => {
    const [pulled, connected] = await Promise.all([
      putQueue(gateway, { types: [ORDERS], shape: 'state' }),
      putQueue(gateway, { types: [ORDERS], shape: 'state' }),
    ]);
    const { name, secret } = await putWebhook(gateway, { url: sink.url, types: [ORDERS], shape: 'state' });
    const onDelivery = (each: QueueDelivery, to: QueueSocket): void => void to.accept([each]);
    const socket = await openQueueSocket(gateway, connected, { credit: 1000, onDelivery });
    const key = freshKey();
    await orders.create(key, partner);
    const changed = await orders.change(key, { PurchaseOrderByCustomer: 'PO-1' }, '"1"');
    expect(changed.headers.get('etag')).toBe('"2"');

    const created = await pullUntil(pulled, key, ORDER_CREATED);
    expect(Number(created.state!.version)).toBeGreaterThanOrEqual(versionOf(created.event));
    const delivery = await pullUntil(pulled, key, ORDER_CHANGED);
    expect(versionOf(delivery.event)).toBe(2);
    expect(delivery.state).toEqual({ version: '2', object: (await orders.read(key)).json });
    expect(delivery.event.data).not.toHaveProperty('state');

    const isChange = ({ event }: QueueDelivery): boolean => event.subject === key && event.type === ORDER_CHANGED;
    const arrived = await socket.deliveries.until((all) => all.some(isChange));
    expect(arrived.find(isChange)!.state).toEqual(delivery.state);
    socket.close();

    const deliveries = await sink.until((all) =>
      all.some((one) => eventOf(one).subject === key && eventOf(one).type === ORDER_CHANGED),
    );
    const hooked = deliveries.find((one) => eventOf(one).subject === key && eventOf(one).type === ORDER_CHANGED)!;
    expect(hooked.headers['heddle-webhook']).toBe(name);
    const signed = hooked.headers as Record<string, string>;
    const { state, stateversion, ...event } = new Webhook(secret).verify(
      hooked.body.toString(),
      signed,
    ) as CloudEvent & {
      state: string;
      stateversion: string;
    };
    expect(event).toEqual(delivery.event);
    expect(stateversion).toBe('2');
    expect(JSON.parse(state)).toEqual(delivery.state!.object);
    // The state of an object is fetched once for all: whoever went on asking for it would have it for the next story.
    await deleteWebhook(gateway, name);
    await Promise.all([pulled, connected].map((queue) => deleteQueue(gateway, queue)));
  });

  test('says of a deleted order that it is gone', async () => {
    const queue = await putQueue(gateway, { types: [ORDERS], shape: 'state' });
    const key = freshKey();
    await orders.create(key, partner);
    expect((await orders.delete(key, '"1"')).status).toBe(204);
    const { event, state } = await pullUntil(queue, key, ORDER_DELETED);
    expect(state).toMatchObject({ gone: true });
    expect(Number(state!.version)).toBeGreaterThanOrEqual(versionOf(event));
    await deleteQueue(gateway, queue);
  });

  test('waits for the service that owns the order while that is down, without an attempt', async () => {
    const key = freshKey();
    await orders.create(key, partner);
    await mesh.killApp('sales-order');
    // From the beginning of the log: the order stands in it, and its owner is gone.
    const queue = await putQueue(gateway, {
      types: [ORDERS],
      shape: 'state',
      start: 'earliest',
      filter: [{ exact: { subject: key } }],
    });
    expect(await pullDeliveries(gateway, queue, { waitMs: 2000 })).toEqual([]);
    await mesh.startApp('sales-order');
    const delivery = await pullUntil(queue, key, ORDER_CREATED);
    expect(delivery).toMatchObject({
      attempt: 1,
      redelivery: 'no',
      state: { version: '1', object: { SalesOrder: key } },
    });
    await deleteQueue(gateway, queue);
  });

  test('is refused to a webhook in binary mode', async () => {
    const body = { url: sink.url, types: [ORDERS], shape: 'state', contentMode: 'binary' };
    const answer = await call('PUT', `${gateway}/v1/webhooks/binary-state`, { body });
    expect(answer.json).toMatchObject({ status: 422, code: 'data-invalid', field: 'contentMode' });
  });
});
