import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { type Answer, call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';

import { type QueueDelivery, pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';

const SIGNED_TOPIC = `default/heddle/s4/ce/${CONTRACT_SIGNED.replaceAll('.', '/')}`;
const BYTES = Buffer.from([0, 1, 2, 253, 254, 255]);

let mesh: Mesh;
let gateway: string;
const place = `plant${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterAll(() => mesh.stop());

/** Publishes as a client of SAP Event Mesh does. */
function publish(kind: 'topics' | 'queues', name: string, body: unknown, contentType: string): Promise<Answer> {
  const path = `${gateway}/messagingrest/v1/${kind}/${encodeURIComponent(name)}/messages`;
  return call('POST', path, { body, headers: { 'x-qos': '1', 'content-type': contentType } });
}

function addressed(topicPatterns: string[], more: Record<string, unknown> = {}): Promise<string> {
  return putQueue(gateway, { types: [], topicPatterns, order: 'none', ...more });
}

/** Everything that comes to a queue, until there is so much; all of it is accepted. */
async function accepted(queue: string, count: number): Promise<QueueDelivery[]> {
  const deliveries: QueueDelivery[] = [];
  for (const end = Date.now() + 20_000; deliveries.length < count && Date.now() < end;) {
    const more = await pullDeliveries(gateway, queue, { max: 10, waitMs: 1000 });
    if (more.length === 0) continue;
    await settlePulled(
      gateway,
      queue,
      more.map(({ lease }) => ({ lease, action: 'accept' })),
    );
    deliveries.push(...more);
  }
  expect(
    deliveries.map(({ event }) => event.id),
    queue,
  ).toHaveLength(count);
  return deliveries;
}

const asBytes = ({ event }: QueueDelivery): Buffer =>
  Buffer.from((event as { data_base64?: string }).data_base64 ?? '', 'base64');

test('bytes to a topic that nobody knows, and to a queue, reach the queues they are for through a kill -9 of the gateway', async () => {
  const [near, far, other, named] = await Promise.all([
    addressed([`${place}/+/alarm`]),
    addressed([`${place}/*`]),
    addressed([`${place}/7/quiet`]),
    addressed([]),
  ]);
  expect((await publish('topics', `${place}/7/alarm`, BYTES, 'application/x-alarm')).status).toBe(204);
  expect((await publish('queues', named!, BYTES, 'application/x-order')).status).toBe(204);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  for (const [queue, address, datacontenttype] of [
    [near!, `topic:${place}/7/alarm`, 'application/x-alarm'],
    [far!, `topic:${place}/7/alarm`, 'application/x-alarm'],
    [named!, `queue:${named}`, 'application/x-order'],
  ] as const) {
    const [delivery] = await accepted(queue, 1);
    expect(delivery!.event).toMatchObject({ address, datacontenttype });
    expect(asBytes(delivery!)).toEqual(BYTES);
  }
  // What is accepted stays so, and the queue that wanted something else gets that and nothing before it.
  await publish('topics', `${place}/7/quiet`, 'hush', 'text/plain');
  expect(asBytes((await accepted(other!, 1))[0]!).toString()).toBe('hush');
  expect(asBytes((await accepted(far!, 1))[0]!).toString()).toBe('hush');
});

test('an event to the topic of its type is checked, and reaches queues by its topic and by its type', async () => {
  const byTopic = await addressed([SIGNED_TOPIC]);
  const byType = await putQueue(gateway, { types: [CONTRACT_SIGNED], order: 'none' });
  const key = freshKey();
  const refused = await publish('topics', SIGNED_TOPIC, { Contract: key }, 'application/json');
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(refused.status).toBeLessThan(500);
  expect((await publish('topics', SIGNED_TOPIC, contractSigned(key), 'application/json')).status).toBe(204);
  for (const queue of [byTopic, byType]) {
    const [{ event }] = (await accepted(queue, 1)) as [QueueDelivery];
    expect(event).toMatchObject({ type: CONTRACT_SIGNED, subject: key, data: { Contract: key } });
  }
  const consumed = await addressed([SIGNED_TOPIC]);
  await publish('topics', SIGNED_TOPIC, contractSigned(key), 'application/json');
  await expect
    .poll(
      async () => {
        const path = `${gateway}/messagingrest/v1/queues/${consumed}/messages/consumption`;
        const { status, headers } = await call('POST', path, { headers: { 'x-qos': '0' } });
        return [status, headers.get('content-type'), headers.get('x-address')];
      },
      { timeout: 10_000 },
    )
    .toEqual([200, expect.stringContaining('application/cloudevents+json'), `topic:${SIGNED_TOPIC}`]);
});

test('what is rejected arrives in the dead message queue with the reason, through a kill -9 of the gateway', async () => {
  const dead = await addressed([]);
  const work = await addressed([`${place}/dead/*`], { deadLetterQueue: dead });
  await publish('topics', `${place}/dead/x`, BYTES, 'application/x-order');
  let delivery: QueueDelivery | undefined;
  while (delivery === undefined) [delivery] = await pullDeliveries(gateway, work, { waitMs: 1000 });
  const settlement = { lease: delivery.lease, action: 'reject' as const, reason: 'no such order' };
  expect(await settlePulled(gateway, work, [settlement])).toMatchObject([{ state: 'rejected' }]);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  const [moved] = await accepted(dead, 1);
  expect(asBytes(moved!)).toEqual(BYTES);
  expect(moved!.event).toMatchObject({
    id: delivery.event.id,
    deadletterqueue: work,
    deadletterreason: 'rejected: no such order',
    deadletteraddress: `topic:${place}/dead/x`,
  });
  expect(await pullDeliveries(gateway, work, { waitMs: 500 })).toEqual([]);
});

test('raw messages of a tenant stand in its own topic, and are nobody else’s', async () => {
  const { tenant, administrator } = await mesh.newTenant();
  const name = `theirs-${randomUUID().slice(0, 8)}`;
  const headers = { authorization: await administrator.header() };
  const body = { topicPatterns: [`${place}/tenant/*`], order: 'none' };
  expect((await call('PUT', `${gateway}/v1/queues/${name}`, { headers, body })).status).toBe(201);
  const ours = await addressed([`${place}/tenant/*`]);
  const path = `${gateway}/messagingrest/v1/topics/${encodeURIComponent(`${place}/tenant/x`)}/messages`;
  const sent = { 'x-qos': '1', 'content-type': 'text/plain' };
  expect((await call('POST', path, { headers: { ...headers, ...sent }, body: 'theirs' })).status).toBe(204);
  expect((await call('POST', path, { headers: sent, body: 'ours' })).status).toBe(204);
  expect(asBytes((await accepted(ours, 1))[0]!).toString()).toBe('ours');
  await expect
    .poll(
      async () => {
        const answer = await call('POST', `${gateway}/v1/queues/${name}/receive`, { headers, body: { max: 10 } });
        return (answer.json as { deliveries: QueueDelivery[] }).deliveries.map((delivery) =>
          asBytes(delivery).toString(),
        );
      },
      { timeout: 15_000 },
    )
    .toEqual(['theirs']);
  const records = await readTopic(foreignKafka(inject('stack').kafkaBrokers), `${tenant}.heddle.raw`);
  expect(records.map(({ value }) => value?.toString())).toEqual(['theirs']);
  expect(records[0]!.headers).toMatchObject({ ce_address: `topic:${place}/tenant/x`, 'content-type': 'text/plain' });
});
