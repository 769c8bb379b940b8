import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { SapCurl, type CurlMessage, type SapKey } from '../support/sap-curl.js';
import { WebhookSink } from '../support/webhook-sink.js';

const SOON = { timeout: 10_000 };
const NAMESPACE = 'acme/sales/prod';
const SIGNED_TOPIC = `default/heddle/s4/ce/${CONTRACT_SIGNED.replaceAll('.', '/')}`;
const DESCRIPTOR = {
  emname: 'shop',
  version: '1.1.0',
  namespace: NAMESPACE,
  options: { management: true, messagingrest: true, messaging: true },
  rules: {
    topicRules: {
      publishFilter: ['${namespace}/*', 'default/heddle/s4/ce/*'],
      subscribeFilter: ['${namespace}/*', '+/+/+/ce/*'],
    },
    queueRules: { publishFilter: ['${namespace}/*'], subscribeFilter: ['${namespace}/*'] },
  },
};

let mesh: Mesh;
let gateway: string;
let client: string;
let curl: SapCurl;
let sink: WebhookSink;

beforeAll(async () => {
  mesh = await Mesh.start({
    ground: inject('stack'),
    apps: ['gateway'],
    env: { gateway: { HEDDLE_RETRY_FIRST_MS: '50', HEDDLE_RETRY_CAP_MS: '400' } },
  });
  gateway = mesh.url('gateway');
  client = `shop-${randomUUID().slice(0, 8)}`;
  curl = await SapCurl.open(await keyOf(client, DESCRIPTOR));
});

afterAll(async () => {
  await curl.close();
  await mesh.stop();
});

beforeEach(async () => {
  sink = await WebhookSink.start();
});

afterEach(() => sink.stop());

describe('a client made by its descriptor', () => {
  test.each(['get', 'basic', 'body'] as const)('gets a token by %s, with an id of an exclamation mark and a pipe', async (way) => {
    expect(await curl.token(way)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect((await curl.queue('GET', 'readinessCheck')).status).toBe(200);
  });

  test('finds in its service key where each protocol is', async () => {
    const key = await keyOf(client, DESCRIPTOR);
    const id = `sb-${client}!b1|xbem-service!b1`;
    expect(key).toMatchObject({ namespace: NAMESPACE, xsappname: id.slice(3), serviceinstanceid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect(key.messaging.map(({ protocol, uri }) => [protocol[0], uri.replace(/^\w+:\/\/[^/]+/, '')])).toEqual([
      ['amqp10ws', '/protocols/amqp10ws'],
      ['mqtt311ws', '/protocols/mqtt311ws'],
      ['httprest', ''],
    ]);
    for (const { oa2 } of [...key.messaging, ...key.management]) expect(oa2).toMatchObject({ clientid: id });
    await curl.close();
    curl = await SapCurl.open(key);
  });

  test('may do what its rules say, and is refused the rest in the form it knows', async () => {
    const foreign = await curl.publish('topics', encodeURIComponent('other/ns/x/orders'), '{}');
    expect(foreign).toMatchObject({ status: 403, json: { message: expect.any(String) as string, error: { code: 'FORBIDDEN' } } });
    expect((await curl.queue('PUT', 'queues/other', {})).status).toBe(403);
    const queue = await newQueue();
    expect((await curl.queue('PUT', `queues/${queue}/subscriptions/${encodeURIComponent('other/ns/*')}`)).status).toBe(403);
    expect((await curl.consume(encodeURIComponent('other/ns/x'))).status).toBe(403);
  });
});

describe('queues and topics', () => {
  test('a message of any bytes comes out of the queue as it went in, with its address, and is gone once acknowledged', async () => {
    const queue = await newQueue();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect((await curl.publish('queues', queue, bytes, { type: 'image/x-nothing' })).status).toBe(204);
    const message = await consumed(queue);
    expect([...message.body]).toEqual([...bytes]);
    expect(message.headers).toMatchObject({ 'content-type': 'image/x-nothing', 'x-address': `queue:${decodeURIComponent(queue)}`, 'heddle-attempt': '1' });
    expect((await curl.consume(queue)).status).toBe(204);
    expect(await counts(queue)).toMatchObject({ messageCount: 1, unacknowledgedMessageCount: 1 });
    expect(await curl.acknowledge(queue, message.headers['x-message-id']!)).toBe(204);
    expect(await curl.acknowledge(queue, message.headers['x-message-id']!)).toBe(204);
    await vi.waitFor(async () => expect(await counts(queue)).toMatchObject({ messageCount: 0 }), SOON);
    expect(await curl.acknowledge(queue, 'nothing')).toBe(404);
  });

  test('at QoS 0 a message is gone as it is handed out', async () => {
    const queue = await newQueue();
    await curl.publish('queues', queue, 'once', { type: 'text/plain' });
    expect((await consumed(queue, '0')).body.toString()).toBe('once');
    expect(await counts(queue)).toMatchObject({ messageCount: 0, unacknowledgedMessageCount: 0 });
  });

  test('what is not acknowledged in time comes again, and says so', async () => {
    const queue = await newQueue();
    await lease(queue, 1000);
    await curl.publish('queues', queue, 'again', { type: 'text/plain' });
    const first = await consumed(queue);
    const second = await consumed(queue);
    expect(second.headers).toMatchObject({ 'heddle-attempt': '2', 'heddle-redelivery': 'yes' });
    expect(await curl.acknowledge(queue, first.headers['x-message-id']!)).toBe(404);
    expect(await curl.acknowledge(queue, second.headers['x-message-id']!)).toBe(204);
  });

  test('a topic reaches the queues that subscribe to it, with + for one segment and * for the rest, and no other', async () => {
    const topic = (rest: string): string => encodeURIComponent(`${NAMESPACE}/${freshSegment}/${rest}`);
    const freshSegment = randomUUID().slice(0, 8);
    const [one, rest, none] = [await newQueue(), await newQueue(), await newQueue()];
    expect((await subscribed(one, `${NAMESPACE}/${freshSegment}/+/made`)).status).toBe(201);
    expect((await subscribed(one, `${NAMESPACE}/${freshSegment}/+/made`)).status).toBe(200);
    expect((await subscribed(rest, `${NAMESPACE}/${freshSegment}/*`)).status).toBe(201);
    for (const name of ['a/made', 'a/b/made', 'b/made']) {
      expect((await curl.publish('topics', topic(name), JSON.stringify({ name }))).status).toBe(204);
    }
    expect(await namesOf(one, 2)).toEqual(['a/made', 'b/made']);
    expect(await namesOf(rest, 3)).toEqual(['a/b/made', 'a/made', 'b/made']);
    expect((await curl.consume(none)).status).toBe(204);
    const listed = await curl.queue('GET', `queues/${one}/subscriptions`);
    const pattern = `${NAMESPACE}/${freshSegment}/+/made`;
    expect(listed.json).toEqual([{ queueName: decodeURIComponent(one), topicPattern: pattern }]);
    expect((await curl.queue('DELETE', `queues/${one}/subscriptions/${encodeURIComponent(pattern)}`)).status).toBe(204);
    expect((await curl.queue('DELETE', `queues/${one}/subscriptions/${encodeURIComponent(pattern)}`)).status).toBe(404);
  });

  test('slashes that are not percent-encoded are tolerated', async () => {
    const queue = await newQueue();
    const plain = decodeURIComponent(queue);
    expect((await subscribed(plain, `${NAMESPACE}/tolerated/*`, (pattern) => pattern)).status).toBe(201);
    expect((await curl.publish('topics', `${NAMESPACE}/tolerated/x`, 'by topic', { type: 'text/plain' })).status).toBe(204);
    expect((await consumed(plain, '0')).body.toString()).toBe('by topic');
    expect((await curl.publish('queues', plain, 'by name', { type: 'text/plain' })).status).toBe(204);
    const message = await consumed(plain);
    expect(message.body.toString()).toBe('by name');
    expect(await curl.acknowledge(plain, message.headers['x-message-id']!)).toBe(204);
  });

  test('the topic of an event type is that type: checked against its schema, and heard by those who want the type', async () => {
    const [bySap, ours] = [await newQueue(), `queue-${randomUUID()}`];
    await subscribed(bySap, SIGNED_TOPIC);
    await call('PUT', `${gateway}/v1/queues/${ours}`, { body: { types: [CONTRACT_SIGNED] } });
    const key = `C-${freshKey()}`;
    const refused = await curl.publish('topics', encodeURIComponent(SIGNED_TOPIC), JSON.stringify({ Contract: key }));
    expect(refused).toMatchObject({ status: 400, json: { code: 'data-invalid', error: { field: expect.stringContaining('data') as string } } });
    const data = contractSigned(key);
    expect((await curl.publish('topics', encodeURIComponent(SIGNED_TOPIC), JSON.stringify(data))).status).toBe(204);
    const message = await consumed(bySap);
    expect(message.headers).toMatchObject({ 'content-type': expect.stringMatching(/^application\/cloudevents\+json/) as string, 'x-address': `topic:${SIGNED_TOPIC}` });
    expect(JSON.parse(message.body.toString())).toMatchObject({ type: CONTRACT_SIGNED, subject: key, data: { Contract: key } });
    await vi.waitFor(async () => {
      const { json } = await call('POST', `${gateway}/v1/queues/${ours}/receive`, { body: {} });
      expect((json as { deliveries: object[] }).deliveries).toMatchObject([{ event: { type: CONTRACT_SIGNED, subject: key } }]);
    }, SOON);
  });

  test('an expired message is delivered to nobody, and one that is not is', async () => {
    const queue = await newQueue();
    const plain = { type: 'text/plain' };
    await curl.publish('queues', queue, 'short', { ...plain, options: ['-H', 'x-message-expiration: 1'] });
    await curl.publish('queues', queue, 'long', { ...plain, options: ['-H', 'x-message-expiration: 2592000000'] });
    expect((await consumed(queue, '0')).body.toString()).toBe('long');
    expect((await curl.consume(queue)).status).toBe(204);
  });
});

describe('limits, at each edge', () => {
  test('a message has 1,000,000 bytes at most', async () => {
    const queue = await newQueue();
    const body = (bytes: number) => new Uint8Array(bytes).fill(65);
    const type = 'application/octet-stream';
    expect((await curl.publish('queues', queue, body(1_000_000), { type })).status).toBe(204);
    expect(await curl.publish('queues', queue, body(1_000_001), { type })).toMatchObject({ status: 413, json: { error: { code: 'PAYLOAD_TOO_LARGE' } } });
    expect((await curl.publish('queues', queue, body(3_000_000), { type })).status).toBe(413);
    expect((await consumed(queue, '0')).body).toHaveLength(1_000_000);
  });

  test.each([
    ['20 segments', 204, `${NAMESPACE}${'/a'.repeat(17)}`],
    ['21 segments', 400, `${NAMESPACE}${'/a'.repeat(18)}`],
    ['150 characters', 204, `${NAMESPACE}/${'a'.repeat(150 - NAMESPACE.length - 1)}`],
    ['151 characters', 400, `${NAMESPACE}/${'a'.repeat(151 - NAMESPACE.length - 1)}`],
    ['an empty segment', 400, `${NAMESPACE}//a`],
  ])('a topic of %s is answered with %i', async (_what, status, topic) => {
    const answer = await curl.publish('topics', encodeURIComponent(topic), '{}');
    expect(answer.status, answer.text).toBe(status);
    if (status === 400) expect(answer.json).toMatchObject({ message: expect.any(String) as string, error: { code: 'BAD_REQUEST' } });
  });

  test.each([
    ['255 redeliveries', 200, { maxRedeliveryCount: 255 }],
    ['256 redeliveries', 400, { maxRedeliveryCount: 256 }],
    ['none', 200, { maxRedeliveryCount: 0 }],
    ['a time to live of 30 days', 200, { maxTtl: 2_592_000 }],
    ['a second more', 400, { maxTtl: 2_592_001 }],
  ])('a queue with %s is answered with %i', async (_what, status, change) => {
    const queue = await newQueue();
    const answer = await curl.queue('PUT', `queues/${queue}`, change);
    expect([answer.status, answer.json]).toMatchObject([status, status === 200 ? change : { error: { code: 'BAD_REQUEST' } }]);
  });

  test.each([
    ['1', 204],
    ['2592000000', 204],
    ['0', 400],
    ['2592000001', 400],
    ['soon', 400],
  ])('an expiration of %s is answered with %i', async (text, status) => {
    const queue = await newQueue();
    const options = ['-H', `x-message-expiration: ${text}`];
    expect((await curl.publish('queues', queue, 'x', { options })).status).toBe(status);
  });

  test.each<[what: string, status: number, ask: (queue: string) => Promise<{ status: number }>]>([
    ['no quality of service', 400, (queue) => curl.publish('queues', queue, 'x', { options: ['-H', 'x-qos;'] })],
    ['a quality of service of 2', 400, (queue) => curl.consume(queue, '2')],
    ['an empty body', 400, (queue) => curl.publish('queues', queue, '')],
    ['a queue that is not there', 404, () => curl.publish('queues', encodeURIComponent(`${NAMESPACE}/none`), 'x')],
    ['consuming one that is not there', 404, () => curl.consume(encodeURIComponent(`${NAMESPACE}/none`))],
  ])('%s is answered with %i', async (_what, status, ask) => {
    expect((await ask(await newQueue())).status).toBe(status);
  });
});

describe('a webhook subscription', () => {
  test('asks for consent with its credentials, delivers the raw message with its address, pauses and resumes', async () => {
    const queue = await newQueue();
    const name = `hook-${randomUUID()}`;
    let isAllowed = false;
    sink.answerWith(({ method }, response) => {
      const allow = method === 'OPTIONS' && isAllowed ? { 'webhook-allowed-origin': '*' } : {};
      response.writeHead(method === 'OPTIONS' ? 200 : 204, allow).end();
    });
    const securitySchema = { type: 'basic', user: 'u', password: 'a-password' };
    const body = { name, address: `queue:${decodeURIComponent(queue)}`, qos: 1, pushConfig: { type: 'webhook', endpoint: sink.url, exemptHandshake: false, defaultContentType: 'text/x-default', securitySchema } };
    const made = await curl.subscription('POST', '', body);
    expect(made).toMatchObject({ status: 201, json: { name, handshakeStatus: 'Requested', subscriptionStatus: 'Active' } });
    expect(made.text).not.toContain('a-password');
    expect(await curl.subscription('POST', '', body)).toMatchObject({ status: 409, json: { error: { code: 'CONFLICT' } } });
    const [asked] = await sink.until((all) => all.length > 0);
    expect(asked).toMatchObject({ method: 'OPTIONS', headers: { 'webhook-request-origin': '127.0.0.1', authorization: 'Basic dTphLXBhc3N3b3Jk' } });
    await curl.publish('queues', queue, 'first', { type: 'text/plain' });
    isAllowed = true;
    expect((await curl.subscription('POST', `/${name}/handshake`)).status).toBe(202);
    const all = await sink.until((deliveries) => deliveries.some(({ method }) => method === 'POST'));
    const delivery = all.find(({ method }) => method === 'POST')!;
    expect(delivery.body.toString()).toBe('first');
    expect(delivery.headers).toMatchObject({ 'content-type': 'text/plain', 'x-address': `queue:${decodeURIComponent(queue)}`, authorization: 'Basic dTphLXBhc3N3b3Jk' });
    await vi.waitFor(async () => {
      const { json } = await curl.subscription('GET', `/${name}`);
      expect(json).toMatchObject({ handshakeStatus: 'Completed', lastSuccessfulDelivery: expect.any(String) as string });
    }, SOON);
    expect((await curl.subscription('PUT', `/${name}/state`, { action: 'pause' })).status).toBe(204);
    await curl.publish('queues', queue, 'second', { type: 'text/plain' });
    await vi.waitFor(async () => expect(await counts(queue)).toMatchObject({ messageCount: 1 }), SOON);
    expect((await curl.subscription('GET', `/${name}`)).json).toMatchObject({ subscriptionStatus: 'Paused' });
    expect((await curl.subscription('PUT', `/${name}/state`, { action: 'resume' })).status).toBe(204);
    await sink.until((deliveries) => deliveries.some((one) => one.body.toString() === 'second'));
    expect((await curl.subscription('DELETE', `/${name}`)).status).toBe(204);
    expect((await curl.subscription('GET', `/${name}`)).status).toBe(404);
  });

  test('a failing endpoint is tried again by the schedule of the queue, with the reason shown; at QoS 0 it is not', async () => {
    const failures: Record<string, number> = {};
    sink.answerWith(({ path }, response) => {
      failures[path] = (failures[path] ?? 0) + 1;
      response.writeHead(path.endsWith('once') || failures[path] < 3 ? 500 : 204).end();
    });
    const queues: string[] = [];
    for (const [qos, path] of [[1, 'often'], [0, 'once']] as const) {
      const queue = await newQueue();
      queues.push(queue);
      const pushConfig = { type: 'webhook', endpoint: sink.url + path, exemptHandshake: true };
      const name = `${path}-${randomUUID()}`;
      const { status, text } = await curl.subscription('POST', '', { name, address: `queue:${decodeURIComponent(queue)}`, qos, pushConfig });
      expect(status, text).toBe(201);
      await curl.publish('queues', queue, path, { type: 'text/plain' });
      await vi.waitFor(async () => {
        const { json } = await curl.subscription('GET', `/${name}`);
        expect(json).toMatchObject({ handshakeStatus: 'Exempted', lastFailedDeliveryReason: 'status 500' });
      }, SOON);
    }
    await vi.waitFor(async () => {
      for (const queue of queues) expect(await counts(queue)).toMatchObject({ messageCount: 0 });
    }, SOON);
    expect(failures).toEqual({ '/often': 3, '/once': 1 });
  });

  test('shares its queue with a consumer: each message to exactly one; two queues give it to both', async () => {
    const [shared, other] = [await newQueue(), await newQueue()];
    const topic = `${NAMESPACE}/${randomUUID().slice(0, 8)}`;
    for (const queue of [shared, other]) await subscribed(queue, `${topic}/*`);
    const slowly = vi.fn((response: { writeHead(status: number): { end(): void } }) => void response.writeHead(204).end());
    sink.answerWith((_delivery, response) => void setTimeout(() => slowly(response), 20));
    const body = { name: `hook-${randomUUID()}`, address: `queue:${decodeURIComponent(shared)}`, qos: 1, pushConfig: { type: 'webhook', endpoint: sink.url, exemptHandshake: true } };
    const sent = Array.from({ length: 40 }, (_, n) => String(n));
    const pulled: string[] = [];
    // Half of them first, so that the consumer finds some.
    for (const text of sent.slice(0, 20)) await curl.publish('topics', encodeURIComponent(`${topic}/x`), text, { type: 'text/plain' });
    for (let n = 0; n < 5; n += 1) pulled.push((await consumed(shared, '0')).body.toString());
    expect((await curl.subscription('POST', '', body)).status).toBe(201);
    for (const text of sent.slice(20)) {
      await curl.publish('topics', encodeURIComponent(`${topic}/x`), text, { type: 'text/plain' });
      const message = await curl.consume(shared, '0');
      if (message.status === 200) pulled.push(message.body.toString());
    }
    const pushed = (): string[] => sink.deliveries.map((delivery) => delivery.body.toString());
    await vi.waitFor(() => expect(pulled.length + pushed().length).toBe(sent.length), SOON);
    expect([...pulled, ...pushed()].toSorted()).toEqual(sent.toSorted());
    expect(pulled.length).toBeGreaterThanOrEqual(5);
    expect(pushed().length).toBeGreaterThan(0);
    for (const _one of sent) await consumed(other, '0');
    expect((await curl.consume(other)).status).toBe(204);
  });
});

describe('the events door', () => {
  test('takes CloudEvents structured, binary and in batches, and says which of a batch it refuses', async () => {
    const queue = await newQueue();
    const type = `acme.made.v1.Thing.${randomUUID().slice(0, 8)}`;
    await subscribed(queue, `+/+/+/ce/${type.replaceAll('.', '/')}`);
    const event = (id: string): object => ({ specversion: '1.0', id, source: '/shop', type, data: { id } });
    const [a, b, c, d] = Array.from({ length: 4 }, () => randomUUID());
    expect((await curl.event('application/cloudevents+json', JSON.stringify(event(a!)))).status).toBe(204);
    const headers = ['ce-specversion: 1.0', `ce-id: ${b}`, 'ce-source: /shop', `ce-type: ${type}`].flatMap((header) => ['-H', header]);
    expect((await curl.event('application/json', `{"id":"${b}"}`, headers)).status).toBe(204);
    expect((await curl.event('application/cloudevents-batch+json', JSON.stringify([event(c!)]))).status).toBe(204);
    const mixed = await curl.event('application/cloudevents-batch+json', JSON.stringify([event(d!), { specversion: '1.0', id: 'no-type', source: '/shop' }]));
    expect(mixed).toMatchObject({ status: 207, json: { accepted: [{ id: d }], refused: [{ id: 'no-type', code: 'attribute-invalid' }] } });
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) ids.push(((({ id, data }) => data?.id ?? id)(JSON.parse((await consumed(queue, '0')).body.toString()) as { id: string; data?: { id: string } })));
    expect(ids.toSorted()).toEqual([a, b, c, d].toSorted());
    const refused = await curl.event('text/plain', 'no event');
    expect(refused).toMatchObject({ status: 415, json: { error: { code: 'UNSUPPORTED_MEDIA_TYPE' } } });
  });

  test('subscribes types by source, delivers them, and changes nothing but credentials', async () => {
    const name = `events-${randomUUID()}`;
    const door = 'sap/ems/v1/events';
    const auth = (password: string): object => ({ type: 'basic', user: 'u', password });
    const body = { name, events: [{ source: '/wanted', type: CONTRACT_SIGNED }], webhookUrl: sink.url, webhookAuth: auth('one'), exemptHandshake: true, contentMode: 'BINARY', qos: 'AT_LEAST_ONCE' };
    const made = await curl.subscription('POST', '', body, door);
    expect(made, made.text).toMatchObject({ status: 201, json: { name, handshakeStatus: 'Exempted', subscriptionStatus: 'Active' } });
    const [wanted, unwanted] = [`C-${freshKey()}`, `C-${freshKey()}`];
    const publish = async (key: string, source: string): Promise<void> => {
      const event = { specversion: '1.0', id: randomUUID(), source, type: CONTRACT_SIGNED, data: contractSigned(key) };
      expect((await curl.event('application/cloudevents+json', JSON.stringify(event))).status).toBe(204);
    };
    await publish(unwanted, '/other');
    await publish(wanted, '/wanted');
    const [first] = await sink.until((all) => all.length > 0);
    expect(first).toMatchObject({ headers: { 'ce-type': CONTRACT_SIGNED, 'ce-subject': wanted, authorization: basic('one') } });
    const patched = await curl.subscription('PATCH', `/${name}`, { webhookAuth: auth('two') }, door);
    expect([patched.status, patched.text.includes('two')]).toEqual([200, false]);
    expect((await curl.subscription('PATCH', `/${name}`, { webhookUrl: sink.url }, door)).status).toBe(400);
    await publish(wanted, '/wanted');
    const [, second] = await sink.until((all) => all.length > 1);
    expect(second).toMatchObject({ headers: { authorization: basic('two') } });
    expect((await curl.subscription('DELETE', `/${name}`, undefined, door)).status).toBe(204);
  });
});

describe('the management', () => {
  test('has the same queues under the paths of both editions', async () => {
    const queue = await newQueue();
    const other = await SapCurl.open(await keyOf(client, DESCRIPTOR), '/sap-event-mesh/rest/api/v1');
    expect((await other.queue('GET', 'readinessCheck')).status).toBe(200);
    expect((await other.queue('GET', `queues/${queue}`)).json).toMatchObject({ name: decodeURIComponent(queue) });
    const listed = (await other.queue('GET', 'queues')).json as { name: string }[];
    expect(listed.map(({ name }) => name)).toContain(decodeURIComponent(queue));
    expect(listed.every(({ name }) => name.startsWith(`${NAMESPACE}/`))).toBe(true);
    expect((await other.queue('DELETE', `queues/${queue}`)).status).toBe(204);
    expect((await other.queue('GET', `queues/${queue}`)).status).toBe(404);
    await other.close();
  });

  test('maps the settings of a queue onto ours, and leaves what only ours has', async () => {
    const queue = await newQueue();
    const dead = await newQueue();
    await lease(queue, 5000);
    const asked = { accessType: 'EXCLUSIVE', maxDeliveredUnackedMsgsPerFlow: 3, maxRedeliveryCount: 4, deadMsgQueue: decodeURIComponent(dead), maxTtl: 60 };
    expect(await curl.queue('PUT', `queues/${queue}`, asked)).toMatchObject({ status: 200, json: asked });
    expect((await curl.queue('GET', `queues/${queue}`)).json).toMatchObject(asked);
    const { json } = await call('GET', `${gateway}/v1/queues/${queue}`);
    expect(json).toMatchObject({ leaseMs: 5000, ttlMs: 60_000, deadLetterQueue: decodeURIComponent(dead) });
  });

  test('two that subscribe one queue at the same time both have their subscription', async () => {
    const queue = await newQueue();
    const patterns = Array.from({ length: 12 }, (_, n) => `${NAMESPACE}/p${n}/*`);
    const answers = await Promise.all(patterns.map((pattern) => subscribed(queue, pattern)));
    expect(answers.map(({ status }) => status)).toEqual(patterns.map(() => 201));
    const { json } = await curl.queue('GET', `queues/${queue}/subscriptions`);
    expect((json as { topicPattern: string }[]).map(({ topicPattern }) => topicPattern).toSorted()).toEqual(patterns.toSorted());
  });
});

/** Makes a client with this descriptor, or keeps it; its service key with a new secret. */
async function keyOf(name: string, descriptor: object): Promise<SapKey> {
  const made = await call('PUT', `${gateway}/v1/clients/${name}`, { body: { descriptor } });
  expect([200, 201], made.text).toContain(made.status);
  const answer = await call('POST', `${gateway}/v1/clients/${name}/service-key`, { body: { format: 'event-mesh' } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json as SapKey;
}

/** A new queue in the namespace; its name percent-encoded. */
async function newQueue(): Promise<string> {
  const queue = encodeURIComponent(`${NAMESPACE}/q/${randomUUID()}`);
  const answer = await curl.queue('PUT', `queues/${queue}`, {});
  expect(answer.status, answer.text).toBe(201);
  return queue;
}

/** Changes what only ours has. */
async function lease(queue: string, leaseMs: number): Promise<void> {
  const body = { topicPatterns: [], leaseMs };
  const answer = await call('PUT', `${gateway}/v1/queues/${queue}`, { body });
  expect(answer.status, answer.text).toBe(200);
}

function subscribed(queue: string, pattern: string, encode: (text: string) => string = encodeURIComponent): ReturnType<SapCurl['queue']> {
  return curl.queue('PUT', `queues/${queue}/subscriptions/${encode(pattern)}`);
}

/** The next message of a queue, which may be on its way. */
function consumed(queue: string, qos = '1'): Promise<CurlMessage> {
  return vi.waitFor(async () => {
    const message = await curl.consume(queue, qos);
    expect(message.status, message.body.toString().slice(0, 200)).toBe(200);
    return message;
  }, SOON);
}

async function namesOf(queue: string, count: number): Promise<string[]> {
  const names: string[] = [];
  while (names.length < count) names.push((JSON.parse((await consumed(queue, '0')).body.toString()) as { name: string }).name);
  return names.toSorted();
}

async function counts(queue: string): Promise<unknown> {
  return (await curl.queue('GET', `statistics/queues/${queue}`)).json;
}

function basic(password: string): string {
  return `Basic ${Buffer.from(`u:${password}`).toString('base64')}`;
}
