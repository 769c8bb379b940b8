import { randomUUID } from 'node:crypto';
import { ADMINISTRATOR } from '@heddle/infra';
import { type Fetched, type Mesh as Microservice, createMesh } from '@heddle/mesh';
import type { StoredEvent } from '@heddle/event';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';

interface Order {
  SalesOrder: string;
  PurchaseOrderByCustomer: string;
}

interface Notified {
  event: StoredEvent;
  fetched: Fetched<Order>;
}

const ground = inject('stack');
let mesh: Mesh;
let orders: Orders;
let partner: string;
let microservice: Microservice;
const arrivals = new Arrivals<Notified>();

beforeAll(async () => {
  mesh = await sharedMesh();
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  partner = await orders.knownPartner();
  const { clientId, clientSecret } = await mesh.credentialsOf(ADMINISTRATOR);
  microservice = await createMesh({
    name: `reader-${randomUUID().slice(0, 8)}`,
    reactsTo: ['sales-order'],
    gateway: { url: mesh.url('gateway'), clientId, clientSecret },
    consume: { from: 'latest' },
    environment: {
      KAFKA_BROKERS: ground.kafkaBrokers.join(','),
      SCHEMA_REGISTRY_URL: ground.registryUrl,
      LOG_LEVEL: 'silent',
    },
  });
  microservice.handle('sap.s4.beh.salesorder.v1.*', async (event) => {
    arrivals.add({ event, fetched: await microservice.fetch<Order>(event) });
  });
  await microservice.start();
});

afterAll(async () => {
  await microservice.stop();
  await mesh.stop();
});

test('a microservice that fetches what its events speak of never gets an object older than they are', async () => {
  const keys = Array.from({ length: 6 }, freshKey);
  const changes = 8;
  await Promise.all(
    keys.map(async (key) => {
      await orders.create(key, partner);
      for (let version = 1; version <= changes; version += 1) {
        await orders.change(key, { PurchaseOrderByCustomer: `PO-${version}` }, `"${version}"`);
      }
    }),
  );
  // To create an order raises two events, one of them for its item.
  const all = await arrivals.until((seen) => seen.length >= keys.length * (changes + 2));
  for (const { event, fetched } of all) {
    const notified = Number(/version=(\d+)/.exec(event.attributes['dataref'] ?? '')?.[1]);
    expect(notified).toBeGreaterThan(0);
    if (fetched.kind !== 'state') throw new Error(`${event.key} is ${fetched.kind}`);
    expect(fetched.version).toBeGreaterThanOrEqual(notified);
    expect(fetched.state.SalesOrder).toBe(event.key);
    if (fetched.version > 1) expect(fetched.state.PurchaseOrderByCustomer).toBe(`PO-${fetched.version - 1}`);
  }
});

test('what has not changed is known, what is deleted is a tombstone, and what never was is unknown', async () => {
  const key = freshKey();
  await orders.create(key, partner);
  const reference = `/v1/objects/sales-order/${key}`;
  await microservice.fetch(reference);
  expect(await microservice.fetch(reference)).toMatchObject({ kind: 'state', version: 1, isNew: false });
  await orders.delete(key, '"1"');
  expect(await microservice.fetch(`${reference}?version=2`)).toEqual({ kind: 'tombstone', version: 2 });
  expect(await microservice.fetch(`/v1/objects/sales-order/${freshKey()}`)).toEqual({ kind: 'unknown' });
});
