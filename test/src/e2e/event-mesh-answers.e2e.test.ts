import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import type { CurlAnswer } from '../support/sap-curl.js';
import { NAMESPACE, SapShop } from '../support/sap-shop.js';

/** A name of a queue of this client's that nobody has made, one that is another's, and one that is none. */
const [NONE, FOREIGN, WRONG] = [`${NAMESPACE}/none`, 'other/ns/x/queue', `${NAMESPACE}//x`].map(encodeURIComponent) as [
  string,
  string,
  string,
];
const TYPE = 'acme.made.v1.Thing.Made';
const EVENT = { specversion: '1.0', id: 'e1', source: '/shop', type: TYPE, data: {} };
const STRUCTURED = 'application/cloudevents+json';

let mesh: Mesh;
let shop: SapShop;
let queue: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  shop = await SapShop.open(mesh.url('gateway'));
  queue = await shop.newQueue();
});

afterAll(async () => {
  await shop.close();
  await mesh.stop();
});

/** Every call there is, each of them to a queue, topic or subscription of that name. */
const calls: Record<string, (name: string) => Promise<CurlAnswer>> = {
  'publish to a queue': (name) => shop.curl.publish('queues', name, '{}'),
  'publish to a topic': (name) => shop.curl.publish('topics', name, '{}'),
  consume: async (name) => {
    const { status, body } = await shop.curl.consume(name);
    return { status, text: body.toString(), json: status === 200 ? undefined : parsed(body) };
  },
  acknowledge: (name) => shop.curl.acknowledged(name, 'no-such-message'),
  'read a queue': (name) => shop.curl.queue('GET', `queues/${name}`),
  'make a queue': (name) => shop.curl.queue('PUT', `queues/${name}`, {}),
  'delete a queue': (name) => shop.curl.queue('DELETE', `queues/${name}`),
  'list what a queue subscribes to': (name) => shop.curl.queue('GET', `queues/${name}/subscriptions`),
  'subscribe a queue': (name) => shop.curl.queue('PUT', `queues/${name}/subscriptions/a%2Fb`),
  'unsubscribe a queue': (name) => shop.curl.queue('DELETE', `queues/${name}/subscriptions/a%2Fb`),
  'count a queue': (name) => shop.curl.queue('GET', `queues/${name}/statistics`),
  'list queues': () => shop.curl.queue('GET', 'queues'),
  'count all queues': () => shop.curl.queue('GET', 'queuesStatistics'),
  'count everything': () => shop.curl.queue('GET', 'statistics'),
  'ask for what may be had': () => shop.curl.queue('GET', 'resourceusage'),
  'ask whether it is ready': () => shop.curl.queue('GET', 'readinessCheck'),
  'list webhooks': () => shop.curl.subscription('GET', ''),
  'make a webhook': (name) => shop.curl.subscription('POST', '', webhook(decodeURIComponent(name))),
  'read a webhook': (name) => shop.curl.subscription('GET', `/${name}`),
  'delete a webhook': (name) => shop.curl.subscription('DELETE', `/${name}`),
  'ask a webhook again': (name) => shop.curl.subscription('POST', `/${name}/handshake`),
  'pause a webhook': (name) => shop.curl.subscription('PUT', `/${name}/state`, { action: 'pause' }),
  'publish an event': () => shop.curl.event(STRUCTURED, JSON.stringify(EVENT)),
  'list webhooks of events': () => shop.curl.subscription('GET', '', undefined, 'sap/ems/v1/events'),
  'read a webhook of events': (name) => shop.curl.subscription('GET', `/${name}`, undefined, 'sap/ems/v1/events'),
};

test.each(Object.entries(calls))('to %s without a token that is one is 401, and says so', async (_what, ask) => {
  const token = await shop.curl.token('basic');
  shop.curl.use('no.such.token');
  try {
    expect(await ask(queue)).toMatchObject(refusal(401, 'UNAUTHORIZED', 'token-invalid'));
  } finally {
    shop.curl.use(token);
  }
});

test.each([
  'publish to a queue',
  'publish to a topic',
  'consume',
  'acknowledge',
  'read a queue',
  'make a queue',
  'delete a queue',
  'subscribe a queue',
  'unsubscribe a queue',
  'count a queue',
  'make a webhook',
])('to %s of which the rules say nothing is 403, and says so', async (what) => {
  expect(await calls[what]!(FOREIGN)).toMatchObject(refusal(403, 'FORBIDDEN', 'permission-missing'));
});

test.each([
  'publish to a queue',
  'consume',
  'acknowledge',
  'read a queue',
  'delete a queue',
  'list what a queue subscribes to',
  'subscribe a queue',
  'unsubscribe a queue',
  'count a queue',
  'make a webhook',
  'read a webhook',
  'delete a webhook',
  'ask a webhook again',
  'pause a webhook',
  'read a webhook of events',
])('to %s that is not there is 404, and says so', async (what) => {
  expect(await calls[what]!(NONE)).toMatchObject(refusal(404, 'NOT_FOUND', 'not-found'));
});

test.each([
  'publish to a queue',
  'publish to a topic',
  'consume',
  'read a queue',
  'make a queue',
  'subscribe a queue',
  'count a queue',
])('to %s with a name that can be none is 400, and says so', async (what) => {
  expect(await calls[what]!(WRONG)).toMatchObject(refusal(400, 'BAD_REQUEST', 'parameter-invalid'));
});

describe('what breaks a rule is 400, and says which', () => {
  test.each<[what: string, field: string, ask: () => Promise<CurlAnswer>]>([
    ['no x-qos', 'x-qos', () => shop.curl.publish('queues', queue, '{}', { options: ['-H', 'x-qos;'] })],
    ['another x-qos', 'x-qos', () => shop.curl.publish('topics', topic(), '{}', { options: ['-H', 'x-qos: 2'] })],
    ['an empty body', 'body', () => shop.curl.publish('queues', queue, '')],
    [
      'an expiration that is none',
      'x-message-expiration',
      () => shop.curl.publish('queues', queue, '{}', { options: ['-H', 'x-message-expiration: soon'] }),
    ],
    [
      'a queue setting that is none',
      'accessType',
      () => shop.curl.queue('PUT', `queues/${queue}`, { accessType: 'X' }),
    ],
    ['a pattern that is none', 'topicPattern', () => shop.curl.queue('PUT', `queues/${queue}/subscriptions/a*b`)],
    ['another quality of service', 'qos', () => shop.curl.event(STRUCTURED, JSON.stringify(EVENT), ['-H', 'qos: 1'])],
  ])('%s', async (_what, field, ask) => {
    const answer = await ask();
    expect(answer, answer.text).toMatchObject({ status: 400, json: { error: { code: 'BAD_REQUEST', field } } });
    expect((answer.json as { message: string }).message).not.toBe('');
  });
});

test('a subscription and an event that can be read, and break a rule, are 422 with the field', async () => {
  const made = await shop.curl.subscription('POST', '', { ...webhook(decodeURIComponent(queue)), qos: 3 });
  expect(made).toMatchObject({ status: 422, json: { error: { code: 'UNPROCESSABLE_ENTITY', field: 'qos' } } });
  const state = await shop.curl.subscription('POST', '', webhook(decodeURIComponent(queue)));
  expect(state.status, state.text).toBe(201);
  const { name } = state.json as { name: string };
  expect(await shop.curl.subscription('PUT', `/${name}/state`, { action: 'stop' })).toMatchObject({
    status: 422,
    json: { error: { field: 'action' } },
  });
  expect((await shop.curl.subscription('DELETE', `/${name}`)).status).toBe(204);
});

test('what is no CloudEvent is 415, and of a batch of which some is refused the ids and reasons are said with 207', async () => {
  expect(await shop.curl.event('text/plain', 'x')).toMatchObject(
    refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'content-type-unsupported'),
  );
  const batch = JSON.stringify([
    { ...EVENT, type: 'other.ns.Type' },
    { specversion: '1.0', id: 'e2' },
  ]);
  expect(await shop.curl.event('application/cloudevents-batch+json', batch)).toMatchObject({
    status: 207,
    json: { refused: expect.arrayContaining([expect.objectContaining({ id: 'e2' })]) as unknown },
  });
});

test('a queue that is full refuses with SPOOL_LIMIT_EXCEEDED, and takes again what it has room for', async () => {
  const small = await shop.newQueue();
  expect((await shop.curl.queue('PUT', `queues/${small}`, { maxQueueMessageCount: 1 })).status).toBe(200);
  expect((await shop.curl.publish('queues', small, '{}')).status).toBe(204);
  await expect.poll(() => shop.counts(small), { timeout: 10_000 }).toMatchObject({ messageCount: 1 });
  expect(await shop.curl.publish('queues', small, '{}')).toMatchObject(
    refusal(507, 'SPOOL_LIMIT_EXCEEDED', 'queue-full'),
  );
  await shop.consumed(small, '0');
  expect((await shop.curl.publish('queues', small, '{}')).status).toBe(204);
});

function topic(): string {
  return encodeURIComponent(`${NAMESPACE}/answers/${randomUUID()}`);
}

function webhook(of: string): object {
  const pushConfig = { type: 'webhook', endpoint: 'http://127.0.0.1:9999/', exemptHandshake: true };
  return { name: `hook-${randomUUID()}`, address: `queue:${of}`, qos: 1, pushConfig };
}

/** As SAP documents it, one message for people, with our code beside it. */
function refusal(status: number, word: string, code: string): object {
  const message = expect.stringMatching(/\S/) as string;
  return { status, json: { message, code, error: { code: word, message } } };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
