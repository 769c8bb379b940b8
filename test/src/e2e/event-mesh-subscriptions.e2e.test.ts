import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { SapCurl } from '../support/sap-curl.js';
import { NAMESPACE, SapShop } from '../support/sap-shop.js';
import { WebhookSink } from '../support/webhook-sink.js';

const SOON = { timeout: 10_000 };
const RETRY = { HEDDLE_RETRY_FIRST_MS: '50', HEDDLE_RETRY_CAP_MS: '400' };

let mesh: Mesh;
let gateway: string;
let shop: SapShop;
let sink: WebhookSink;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'], env: { gateway: RETRY } });
  gateway = mesh.url('gateway');
  shop = await SapShop.open(gateway);
});

afterAll(async () => {
  await shop.close();
  await mesh.stop();
});

beforeEach(async () => {
  sink = await WebhookSink.start();
});

afterEach(() => sink.stop());

describe('a webhook subscription', () => {
  test('asks for consent with its credentials, delivers the raw message with its address, pauses and resumes', async () => {
    const queue = await shop.newQueue();
    const name = `hook-${randomUUID()}`;
    let isAllowed = false;
    sink.answerWith(({ method }, response) => {
      const allow = method === 'OPTIONS' && isAllowed ? { 'webhook-allowed-origin': '*' } : {};
      response.writeHead(method === 'OPTIONS' ? 200 : 204, allow).end();
    });
    const securitySchema = { type: 'basic', user: 'u', password: 'a-password' };
    const body = {
      name,
      address: `queue:${decodeURIComponent(queue)}`,
      qos: 1,
      pushConfig: {
        type: 'webhook',
        endpoint: sink.url,
        exemptHandshake: false,
        defaultContentType: 'text/x-default',
        securitySchema,
      },
    };
    const made = await shop.curl.subscription('POST', '', body);
    expect(made).toMatchObject({
      status: 201,
      json: { name, handshakeStatus: 'Requested', subscriptionStatus: 'Active' },
    });
    expect(made.text).not.toContain('a-password');
    expect(await shop.curl.subscription('POST', '', body)).toMatchObject({
      status: 409,
      json: { error: { code: 'CONFLICT' } },
    });
    const [asked] = await sink.until((all) => all.length > 0);
    expect(asked).toMatchObject({
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': '127.0.0.1', authorization: 'Basic dTphLXBhc3N3b3Jk' },
    });
    await shop.curl.publish('queues', queue, 'first', { type: 'text/plain' });
    isAllowed = true;
    expect((await shop.curl.subscription('POST', `/${name}/handshake`)).status).toBe(202);
    const all = await sink.until((deliveries) => deliveries.some(({ method }) => method === 'POST'));
    const delivery = all.find(({ method }) => method === 'POST')!;
    expect(delivery.body.toString()).toBe('first');
    expect(delivery.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-address': `queue:${decodeURIComponent(queue)}`,
      authorization: 'Basic dTphLXBhc3N3b3Jk',
    });
    await vi.waitFor(async () => {
      const { json } = await shop.curl.subscription('GET', `/${name}`);
      expect(json).toMatchObject({
        handshakeStatus: 'Completed',
        lastSuccessfulDelivery: expect.any(String) as string,
      });
    }, SOON);
    expect((await shop.curl.subscription('PUT', `/${name}/state`, { action: 'pause' })).status).toBe(204);
    await shop.curl.publish('queues', queue, 'second', { type: 'text/plain' });
    await vi.waitFor(async () => expect(await shop.counts(queue)).toMatchObject({ messageCount: 1 }), SOON);
    expect((await shop.curl.subscription('GET', `/${name}`)).json).toMatchObject({ subscriptionStatus: 'Paused' });
    expect((await shop.curl.subscription('PUT', `/${name}/state`, { action: 'resume' })).status).toBe(204);
    await sink.until((deliveries) => deliveries.some((one) => one.body.toString() === 'second'));
    expect((await shop.curl.subscription('DELETE', `/${name}`)).status).toBe(204);
    expect((await shop.curl.subscription('GET', `/${name}`)).status).toBe(404);
  });

  test('a failing endpoint is tried again by the schedule of the queue, with the reason shown; at QoS 0 it is not', async () => {
    const failures: Record<string, number> = {};
    sink.answerWith(({ path }, response) => {
      failures[path] = (failures[path] ?? 0) + 1;
      response.writeHead(path.endsWith('once') || failures[path] < 3 ? 500 : 204).end();
    });
    const queues: string[] = [];
    for (const [qos, path] of [
      [1, 'often'],
      [0, 'once'],
    ] as const) {
      const queue = await shop.newQueue();
      queues.push(queue);
      const pushConfig = { type: 'webhook', endpoint: sink.url + path, exemptHandshake: true };
      const name = `${path}-${randomUUID()}`;
      const { status, text } = await shop.curl.subscription('POST', '', {
        name,
        address: `queue:${decodeURIComponent(queue)}`,
        qos,
        pushConfig,
      });
      expect(status, text).toBe(201);
      await shop.curl.publish('queues', queue, path, { type: 'text/plain' });
      await vi.waitFor(async () => {
        const { json } = await shop.curl.subscription('GET', `/${name}`);
        expect(json).toMatchObject({ handshakeStatus: 'Exempted', lastFailedDeliveryReason: 'status 500' });
      }, SOON);
    }
    await vi.waitFor(async () => {
      for (const queue of queues) expect(await shop.counts(queue)).toMatchObject({ messageCount: 0 });
    }, SOON);
    expect(failures).toEqual({ '/often': 3, '/once': 1 });
  });

  test('shares its queue with a consumer: each message to exactly one; two queues give it to both', async () => {
    const [shared, other] = [await shop.newQueue(), await shop.newQueue()];
    const topic = `${NAMESPACE}/${randomUUID().slice(0, 8)}`;
    for (const queue of [shared, other]) await shop.subscribed(queue, `${topic}/*`);
    sink.answerWith((_delivery, response) => void setTimeout(() => response.writeHead(204).end(), 20));
    const body = {
      name: `hook-${randomUUID()}`,
      address: `queue:${decodeURIComponent(shared)}`,
      qos: 1,
      pushConfig: { type: 'webhook', endpoint: sink.url, exemptHandshake: true },
    };
    const sent = Array.from({ length: 40 }, (_, n) => String(n));
    const pulled: string[] = [];
    // Half of them first, so that the consumer finds some.
    for (const text of sent.slice(0, 20))
      await shop.curl.publish('topics', encodeURIComponent(`${topic}/x`), text, { type: 'text/plain' });
    for (let n = 0; n < 5; n += 1) pulled.push((await shop.consumed(shared, '0')).body.toString());
    expect((await shop.curl.subscription('POST', '', body)).status).toBe(201);
    for (const text of sent.slice(20)) {
      await shop.curl.publish('topics', encodeURIComponent(`${topic}/x`), text, { type: 'text/plain' });
      const message = await shop.curl.consume(shared, '0');
      if (message.status === 200) pulled.push(message.body.toString());
    }
    const pushed = (): string[] => sink.deliveries.map((delivery) => delivery.body.toString());
    await vi.waitFor(() => expect(pulled.length + pushed().length).toBe(sent.length), SOON);
    expect([...pulled, ...pushed()].toSorted()).toEqual(sent.toSorted());
    expect(pulled.length).toBeGreaterThanOrEqual(5);
    expect(pushed().length).toBeGreaterThan(0);
    for (const _one of sent) await shop.consumed(other, '0');
    expect((await shop.curl.consume(other)).status).toBe(204);
  });
});

describe('the events door', () => {
  test('takes CloudEvents structured, binary and in batches, and says which of a batch it refuses', async () => {
    const queue = await shop.newQueue();
    const type = `acme.made.v1.Thing.${randomUUID().slice(0, 8)}`;
    await shop.subscribed(queue, `+/+/+/ce/${type.replaceAll('.', '/')}`);
    const event = (id: string): object => ({ specversion: '1.0', id, source: '/shop', type, data: { id } });
    const [a, b, c, d] = Array.from({ length: 4 }, () => randomUUID());
    expect((await shop.curl.event('application/cloudevents+json', JSON.stringify(event(a!)))).status).toBe(204);
    const headers = ['ce-specversion: 1.0', `ce-id: ${b}`, 'ce-source: /shop', `ce-type: ${type}`].flatMap((header) => [
      '-H',
      header,
    ]);
    expect((await shop.curl.event('application/json', `{"id":"${b}"}`, headers)).status).toBe(204);
    expect((await shop.curl.event('application/cloudevents-batch+json', JSON.stringify([event(c!)]))).status).toBe(204);
    const mixed = await shop.curl.event(
      'application/cloudevents-batch+json',
      JSON.stringify([event(d!), { specversion: '1.0', id: 'no-type', source: '/shop' }]),
    );
    expect(mixed).toMatchObject({
      status: 207,
      json: { accepted: [{ id: d }], refused: [{ id: 'no-type', code: 'attribute-invalid' }] },
    });
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1)
      ids.push(
        (({ id, data }) => data?.id ?? id)(
          JSON.parse((await shop.consumed(queue, '0')).body.toString()) as { id: string; data?: { id: string } },
        ),
      );
    expect(ids.toSorted()).toEqual([a, b, c, d].toSorted());
    const refused = await shop.curl.event('text/plain', 'no event');
    expect(refused).toMatchObject({ status: 415, json: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } } });
  });

  test('subscribes types by source, delivers them, and changes nothing but credentials', async () => {
    const name = `events-${randomUUID()}`;
    const door = 'sap/ems/v1/events';
    const auth = (password: string): object => ({ type: 'basic', user: 'u', password });
    const body = {
      name,
      events: [{ source: '/wanted', type: CONTRACT_SIGNED }],
      webhookUrl: sink.url,
      webhookAuth: auth('one'),
      exemptHandshake: true,
      contentMode: 'BINARY',
      qos: 'AT_LEAST_ONCE',
    };
    const made = await shop.curl.subscription('POST', '', body, door);
    expect(made, made.text).toMatchObject({
      status: 201,
      json: { name, handshakeStatus: 'Exempted', subscriptionStatus: 'Active' },
    });
    const [wanted, unwanted] = [`C-${freshKey()}`, `C-${freshKey()}`];
    const publish = async (key: string, source: string): Promise<void> => {
      const event = { specversion: '1.0', id: randomUUID(), source, type: CONTRACT_SIGNED, data: contractSigned(key) };
      expect((await shop.curl.event('application/cloudevents+json', JSON.stringify(event))).status).toBe(204);
    };
    await publish(unwanted, '/other');
    await publish(wanted, '/wanted');
    const [first] = await sink.until((all) => all.length > 0);
    expect(first).toMatchObject({
      headers: { 'ce-type': CONTRACT_SIGNED, 'ce-subject': wanted, authorization: basic('one') },
    });
    const patched = await shop.curl.subscription('PATCH', `/${name}`, { webhookAuth: auth('two') }, door);
    expect([patched.status, patched.text.includes('two')]).toEqual([200, false]);
    expect((await shop.curl.subscription('PATCH', `/${name}`, { webhookUrl: sink.url }, door)).status).toBe(422);
    await publish(wanted, '/wanted');
    const [, second] = await sink.until((all) => all.length > 1);
    expect(second).toMatchObject({ headers: { authorization: basic('two') } });
    expect((await shop.curl.subscription('DELETE', `/${name}`, undefined, door)).status).toBe(204);
  });
});

describe('the management', () => {
  test('has the same queues under the paths of both editions', async () => {
    const queue = await shop.newQueue();
    const other = await SapCurl.open(await shop.key(), '/sap-event-mesh/rest/api/v1');
    expect((await other.queue('GET', 'readinessCheck')).status).toBe(200);
    expect((await other.queue('GET', `queues/${queue}`)).json).toMatchObject({ name: decodeURIComponent(queue) });
    const listed = (await other.queue('GET', 'queues')).json as { name: string }[];
    expect(listed.map(({ name }) => name)).toContain(decodeURIComponent(queue));
    expect(listed.every(({ name }) => name.startsWith(`${NAMESPACE}/`))).toBe(true);
    expect((await other.queue('DELETE', `queues/${queue}`)).status).toBe(204);
    expect((await other.queue('GET', `queues/${queue}`)).status).toBe(404);
    await other.close();
  });

  test('is reached at any instance, as are the queues, their messages and their webhooks', async () => {
    const other = await mesh.anotherGateway();
    const key = await shop.key();
    const there = other.url('gateway');
    const messaging = key.messaging.map((entry) => ({ ...entry, uri: there }));
    const management = key.management.map((entry) => ({ ...entry, uri: there }));
    const elsewhere = await SapCurl.open({ ...key, messaging, management });
    try {
      for (let n = 0; n < 6; n += 1) {
        const queue = await shop.newQueue();
        await vi.waitFor(async () => {
          const path = `queues/${queue}/subscriptions/${encodeURIComponent(`${NAMESPACE}/any${n}/*`)}`;
          expect((await elsewhere.queue('PUT', path)).status).toBeLessThan(300);
        }, SOON);
        const topic = encodeURIComponent(`${NAMESPACE}/any${n}/x`);
        expect((await elsewhere.publish('topics', topic, String(n))).status).toBe(204);
        const message = await vi.waitFor(async () => {
          const consumed = await elsewhere.consume(queue);
          expect(consumed.status).toBe(200);
          return consumed;
        }, SOON);
        expect(await shop.curl.acknowledge(queue, message.headers['x-message-id']!)).toBe(204);
        const name = `any-${randomUUID()}`;
        const pushConfig = { endpoint: sink.url, exemptHandshake: true };
        const body = { name, address: `queue:${decodeURIComponent(queue)}`, pushConfig };
        expect((await elsewhere.subscription('POST', '', body)).status).toBe(201);
        expect((await elsewhere.publish('queues', queue, `pushed ${n}`)).status).toBe(204);
        await sink.until((all) => all.some((delivery) => delivery.body.toString() === `pushed ${n}`));
        expect((await shop.curl.subscription('DELETE', `/${name}`)).status).toBe(204);
      }
    } finally {
      await elsewhere.close();
      await other.stop();
    }
  });

  test('maps the settings of a queue onto ours, and leaves what only ours has', async () => {
    const queue = await shop.newQueue();
    const dead = await shop.newQueue();
    await shop.lease(queue, 5000);
    const asked = {
      accessType: 'EXCLUSIVE',
      maxDeliveredUnackedMsgsPerFlow: 3,
      maxRedeliveryCount: 4,
      deadMsgQueue: decodeURIComponent(dead),
      maxTtl: 60,
    };
    expect(await shop.curl.queue('PUT', `queues/${queue}`, asked)).toMatchObject({ status: 200, json: asked });
    expect((await shop.curl.queue('GET', `queues/${queue}`)).json).toMatchObject(asked);
    const { json } = await call('GET', `${gateway}/v1/queues/${queue}`);
    expect(json).toMatchObject({ leaseMs: 5000, ttlMs: 60_000, deadLetterQueue: decodeURIComponent(dead) });
  });

  test('two that subscribe one queue at the same time both have their subscription', async () => {
    const queue = await shop.newQueue();
    const patterns = Array.from({ length: 12 }, (_, n) => `${NAMESPACE}/p${n}/*`);
    const answers = await Promise.all(patterns.map((pattern) => shop.subscribed(queue, pattern)));
    expect(answers.map(({ status }) => status)).toEqual(patterns.map(() => 201));
    const { json } = await shop.curl.queue('GET', `queues/${queue}/subscriptions`);
    expect((json as { topicPattern: string }[]).map(({ topicPattern }) => topicPattern).toSorted()).toEqual(
      patterns.toSorted(),
    );
  });
});

function basic(password: string): string {
  return `Basic ${Buffer.from(`u:${password}`).toString('base64')}`;
}
