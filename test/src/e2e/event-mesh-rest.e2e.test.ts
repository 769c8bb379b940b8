import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { NAMESPACE, SapShop } from '../support/sap-shop.js';

const SOON = { timeout: 10_000 };
const RETRY = { HEDDLE_RETRY_FIRST_MS: '50', HEDDLE_RETRY_CAP_MS: '400' };
const SIGNED_TOPIC = `default/heddle/s4/ce/${CONTRACT_SIGNED.replaceAll('.', '/')}`;

let mesh: Mesh;
let gateway: string;
let shop: SapShop;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'], env: { gateway: RETRY } });
  gateway = mesh.url('gateway');
  shop = await SapShop.open(gateway);
});

afterAll(async () => {
  await shop.close();
  await mesh.stop();
});

describe('a client made by its descriptor', () => {
  test.each(['get', 'basic', 'body'] as const)(
    'gets a token by %s, with an id of an exclamation mark and a pipe',
    async (way) => {
      expect(await shop.curl.token(way)).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
      expect((await shop.curl.queue('GET', 'readinessCheck')).status).toBe(200);
    },
  );

  test('finds in its service key where each protocol is', async () => {
    const key = await shop.key();
    const id = `sb-${shop.client}!b1|xbem-service!b1`;
    expect(key).toMatchObject({
      namespace: NAMESPACE,
      xsappname: id.slice(3),
      serviceinstanceid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    });
    expect(key.messaging.map(({ protocol, uri }) => [protocol[0], uri.replace(/^\w+:\/\/[^/]+/, '')])).toEqual([
      ['amqp10ws', '/protocols/amqp10ws'],
      ['mqtt311ws', '/protocols/mqtt311ws'],
      ['httprest', ''],
    ]);
    for (const { oa2 } of [...key.messaging, ...key.management]) expect(oa2).toMatchObject({ clientid: id });
  });

  test('may do what its rules say, and is refused the rest in the form it knows', async () => {
    const foreign = await shop.curl.publish('topics', encodeURIComponent('other/ns/x/orders'), '{}');
    expect(foreign).toMatchObject({
      status: 403,
      json: { message: expect.any(String) as string, error: { code: 'FORBIDDEN' } },
    });
    expect((await shop.curl.queue('PUT', 'queues/other', {})).status).toBe(403);
    const queue = await shop.newQueue();
    expect(
      (await shop.curl.queue('PUT', `queues/${queue}/subscriptions/${encodeURIComponent('other/ns/*')}`)).status,
    ).toBe(403);
    expect((await shop.curl.consume(encodeURIComponent('other/ns/x'))).status).toBe(403);
  });
});

describe('queues and topics', () => {
  test('a message of any bytes comes out of the queue as it went in, with its address, and is gone once acknowledged', async () => {
    const queue = await shop.newQueue();
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect((await shop.curl.publish('queues', queue, bytes, { type: 'image/x-nothing' })).status).toBe(204);
    const message = await shop.consumed(queue);
    expect([...message.body]).toEqual([...bytes]);
    expect(message.headers).toMatchObject({
      'content-type': 'image/x-nothing',
      'x-address': `queue:${decodeURIComponent(queue)}`,
      'heddle-attempt': '1',
    });
    expect((await shop.curl.consume(queue)).status).toBe(204);
    expect(await shop.counts(queue)).toMatchObject({ messageCount: 1, unacknowledgedMessageCount: 1 });
    expect(await shop.curl.acknowledge(queue, message.headers['x-message-id']!)).toBe(204);
    expect(await shop.curl.acknowledge(queue, message.headers['x-message-id']!)).toBe(204);
    await vi.waitFor(async () => expect(await shop.counts(queue)).toMatchObject({ messageCount: 0 }), SOON);
    expect(await shop.curl.acknowledge(queue, 'nothing')).toBe(404);
  });

  test('at QoS 0 a message is gone as it is handed out', async () => {
    const queue = await shop.newQueue();
    await shop.curl.publish('queues', queue, 'once', { type: 'text/plain' });
    expect((await shop.consumed(queue, '0')).body.toString()).toBe('once');
    expect(await shop.counts(queue)).toMatchObject({ messageCount: 0, unacknowledgedMessageCount: 0 });
  });

  test('what is not acknowledged in time comes again, and says so', async () => {
    const queue = await shop.newQueue();
    await shop.lease(queue, 1000);
    await shop.curl.publish('queues', queue, 'again', { type: 'text/plain' });
    const first = await shop.consumed(queue);
    const second = await shop.consumed(queue);
    expect(second.headers).toMatchObject({ 'heddle-attempt': '2', 'heddle-redelivery': 'yes' });
    expect(await shop.curl.acknowledge(queue, first.headers['x-message-id']!)).toBe(404);
    expect(await shop.curl.acknowledge(queue, second.headers['x-message-id']!)).toBe(204);
  });

  test('a topic reaches the queues that subscribe to it, with + for one segment and * for the rest, and no other', async () => {
    const topic = (rest: string): string => encodeURIComponent(`${NAMESPACE}/${freshSegment}/${rest}`);
    const freshSegment = randomUUID().slice(0, 8);
    const [one, rest, none] = [await shop.newQueue(), await shop.newQueue(), await shop.newQueue()];
    expect((await shop.subscribed(one, `${NAMESPACE}/${freshSegment}/+/made`)).status).toBe(201);
    expect((await shop.subscribed(one, `${NAMESPACE}/${freshSegment}/+/made`)).status).toBe(200);
    expect((await shop.subscribed(rest, `${NAMESPACE}/${freshSegment}/*`)).status).toBe(201);
    for (const name of ['a/made', 'a/b/made', 'b/made']) {
      expect((await shop.curl.publish('topics', topic(name), JSON.stringify({ name }))).status).toBe(204);
    }
    expect(await namesOf(one, 2)).toEqual(['a/made', 'b/made']);
    expect(await namesOf(rest, 3)).toEqual(['a/b/made', 'a/made', 'b/made']);
    expect((await shop.curl.consume(none)).status).toBe(204);
    const listed = await shop.curl.queue('GET', `queues/${one}/subscriptions`);
    const pattern = `${NAMESPACE}/${freshSegment}/+/made`;
    expect(listed.json).toEqual([{ queueName: decodeURIComponent(one), topicPattern: pattern }]);
    expect((await shop.curl.queue('DELETE', `queues/${one}/subscriptions/${encodeURIComponent(pattern)}`)).status).toBe(
      204,
    );
    expect((await shop.curl.queue('DELETE', `queues/${one}/subscriptions/${encodeURIComponent(pattern)}`)).status).toBe(
      404,
    );
  });

  test('slashes that are not percent-encoded are tolerated', async () => {
    const queue = await shop.newQueue();
    const plain = decodeURIComponent(queue);
    expect((await shop.subscribed(plain, `${NAMESPACE}/tolerated/*`, (pattern) => pattern)).status).toBe(201);
    expect(
      (await shop.curl.publish('topics', `${NAMESPACE}/tolerated/x`, 'by topic', { type: 'text/plain' })).status,
    ).toBe(204);
    expect((await shop.consumed(plain, '0')).body.toString()).toBe('by topic');
    expect((await shop.curl.publish('queues', plain, 'by name', { type: 'text/plain' })).status).toBe(204);
    const message = await shop.consumed(plain);
    expect(message.body.toString()).toBe('by name');
    expect(await shop.curl.acknowledge(plain, message.headers['x-message-id']!)).toBe(204);
  });

  test('the topic of an event type is that type: checked against its schema, and heard by those who want the type', async () => {
    const [bySap, ours] = [await shop.newQueue(), `queue-${randomUUID()}`];
    await shop.subscribed(bySap, SIGNED_TOPIC);
    await call('PUT', `${gateway}/v1/queues/${ours}`, { body: { types: [CONTRACT_SIGNED] } });
    const key = `C-${freshKey()}`;
    const refused = await shop.curl.publish(
      'topics',
      encodeURIComponent(SIGNED_TOPIC),
      JSON.stringify({ Contract: key }),
    );
    expect(refused).toMatchObject({
      status: 400,
      json: { code: 'data-invalid', error: { field: expect.stringContaining('data') as string } },
    });
    const data = contractSigned(key);
    expect((await shop.curl.publish('topics', encodeURIComponent(SIGNED_TOPIC), JSON.stringify(data))).status).toBe(
      204,
    );
    const message = await shop.consumed(bySap);
    expect(message.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/cloudevents\+json/) as string,
      'x-address': `topic:${SIGNED_TOPIC}`,
    });
    expect(JSON.parse(message.body.toString())).toMatchObject({
      type: CONTRACT_SIGNED,
      subject: key,
      data: { Contract: key },
    });
    await vi.waitFor(async () => {
      const { json } = await call('POST', `${gateway}/v1/queues/${ours}/receive`, { body: {} });
      expect((json as { deliveries: object[] }).deliveries).toMatchObject([
        { event: { type: CONTRACT_SIGNED, subject: key } },
      ]);
    }, SOON);
  });

  test('an expired message is delivered to nobody, and one that is not is', async () => {
    const queue = await shop.newQueue();
    const plain = { type: 'text/plain' };
    await shop.curl.publish('queues', queue, 'short', { ...plain, options: ['-H', 'x-message-expiration: 1'] });
    await shop.curl.publish('queues', queue, 'long', { ...plain, options: ['-H', 'x-message-expiration: 2592000000'] });
    expect((await shop.consumed(queue, '0')).body.toString()).toBe('long');
    expect((await shop.curl.consume(queue)).status).toBe(204);
  });
});

describe('limits, at each edge', () => {
  test('a message has 1,000,000 bytes at most', async () => {
    const queue = await shop.newQueue();
    const body = (bytes: number) => new Uint8Array(bytes).fill(65);
    const type = 'application/octet-stream';
    expect((await shop.curl.publish('queues', queue, body(1_000_000), { type })).status).toBe(204);
    expect(await shop.curl.publish('queues', queue, body(1_000_001), { type })).toMatchObject({
      status: 413,
      json: { error: { code: 'PAYLOAD_TOO_LARGE' } },
    });
    expect((await shop.curl.publish('queues', queue, body(3_000_000), { type })).status).toBe(413);
    expect((await shop.consumed(queue, '0')).body).toHaveLength(1_000_000);
  });

  test.each([
    ['20 segments', 204, `${NAMESPACE}${'/a'.repeat(17)}`],
    ['21 segments', 400, `${NAMESPACE}${'/a'.repeat(18)}`],
    ['150 characters', 204, `${NAMESPACE}/${'a'.repeat(150 - NAMESPACE.length - 1)}`],
    ['151 characters', 400, `${NAMESPACE}/${'a'.repeat(151 - NAMESPACE.length - 1)}`],
    ['an empty segment', 400, `${NAMESPACE}//a`],
  ])('a topic of %s is answered with %i', async (_what, status, topic) => {
    const answer = await shop.curl.publish('topics', encodeURIComponent(topic), '{}');
    expect(answer.status, answer.text).toBe(status);
    if (status === 400)
      expect(answer.json).toMatchObject({ message: expect.any(String) as string, error: { code: 'BAD_REQUEST' } });
  });

  test.each([
    ['255 redeliveries', 200, { maxRedeliveryCount: 255 }],
    ['256 redeliveries', 400, { maxRedeliveryCount: 256 }],
    ['none', 200, { maxRedeliveryCount: 0 }],
    ['a time to live of 30 days', 200, { maxTtl: 2_592_000 }],
    ['a second more', 400, { maxTtl: 2_592_001 }],
  ])('a queue with %s is answered with %i', async (_what, status, change) => {
    const queue = await shop.newQueue();
    const answer = await shop.curl.queue('PUT', `queues/${queue}`, change);
    expect([answer.status, answer.json]).toMatchObject([
      status,
      status === 200 ? change : { error: { code: 'BAD_REQUEST' } },
    ]);
  });

  test.each([
    ['1', 204],
    ['2592000000', 204],
    ['0', 400],
    ['2592000001', 400],
    ['soon', 400],
  ])('an expiration of %s is answered with %i', async (text, status) => {
    const queue = await shop.newQueue();
    const options = ['-H', `x-message-expiration: ${text}`];
    expect((await shop.curl.publish('queues', queue, 'x', { options })).status).toBe(status);
  });

  test.each<[what: string, status: number, ask: (queue: string) => Promise<{ status: number }>]>([
    ['no quality of service', 400, (queue) => shop.curl.publish('queues', queue, 'x', { options: ['-H', 'x-qos;'] })],
    ['a quality of service of 2', 400, (queue) => shop.curl.consume(queue, '2')],
    ['an empty body', 400, (queue) => shop.curl.publish('queues', queue, '')],
    ['a queue that is not there', 404, () => shop.curl.publish('queues', encodeURIComponent(`${NAMESPACE}/none`), 'x')],
    ['consuming one that is not there', 404, () => shop.curl.consume(encodeURIComponent(`${NAMESPACE}/none`))],
  ])('%s is answered with %i', async (_what, status, ask) => {
    expect((await ask(await shop.newQueue())).status).toBe(status);
  });
});

async function namesOf(queue: string, count: number): Promise<string[]> {
  const names: string[] = [];
  while (names.length < count) {
    const { body } = await shop.consumed(queue, '0');
    names.push((JSON.parse(body.toString()) as { name: string }).name);
  }
  return names.toSorted();
}
