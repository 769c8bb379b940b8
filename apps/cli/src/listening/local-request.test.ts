import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Delivery, deliverTo, requestOf } from './local-request.js';
import { newSecret, pairOf } from './pair.js';

const SECRET = newSecret();
const DELIVERY: Delivery = {
  lease: 'l',
  attempt: 2,
  redelivery: 'yes',
  cycle: 'c-1',
  event: {
    specversion: '1.0',
    id: 'e-1',
    type: 'a.b',
    source: '/s',
    subject: 'Müller 4711',
    datacontenttype: 'application/json',
    data: { a: 'ü' },
  },
};
const TARGET = { secret: SECRET, queue: 'listen-1', mode: 'structured', timeoutMs: 2000 } as const;

let requests: { url: string; headers: Record<string, unknown>; body: string }[] = [];
let answer: [number, Record<string, string>] = [204, {}];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    requests.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(...answer).end();
  });
});
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

it('a request is signed as Standard Webhooks says, in either mode, and a change of it is found out', () => {
  for (const mode of ['structured', 'binary'] as const) {
    const { headers, body } = requestOf({ ...TARGET, mode }, DELIVERY, Math.floor(Date.now() / 1000));
    expect(() => new Webhook(SECRET).verify(body, headers)).not.toThrow();
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow();
    expect(headers).toMatchObject({ 'heddle-attempt': '2', 'heddle-redelivery': 'yes', 'heddle-cycle': 'c-1' });
  }
});

it('in binary mode the body is the data, and attributes are headers that HTTP can carry', () => {
  const { headers, body } = requestOf({ ...TARGET, mode: 'binary' }, DELIVERY, 0);
  expect(JSON.parse(body)).toEqual({ a: 'ü' });
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'ce-type': 'a.b',
    'ce-subject': 'M%C3%BCller%204711',
  });
});

it('an id that a signed text cannot carry is named by its digest, the same each time', () => {
  const odd = { ...DELIVERY, event: { ...DELIVERY.event, id: 'a.b' } };
  const { headers } = requestOf(TARGET, odd, 0);
  expect(headers['webhook-id']).toMatch(/^sha256_[\w-]{43}$/);
  expect(requestOf(TARGET, odd, 5).headers['webhook-id']).toBe(headers['webhook-id']);
});

it('the state of an object goes along as attributes, also when it is gone', () => {
  const stateful = { ...DELIVERY, state: { version: '7', object: { a: 1 } } };
  expect(JSON.parse(requestOf(TARGET, stateful, 0).body)).toMatchObject({ stateversion: '7', state: '{"a":1}' });
  const gone = { ...DELIVERY, state: { version: '8', gone: true } as const };
  expect(JSON.parse(requestOf(TARGET, gone, 0).body)).toMatchObject({ stateversion: '8', stategone: true });
});

it('the query of a URL arrives as it was written', async () => {
  const { url, types } = pairOf(`a.*,b.c=${origin}/hook?from=heddle&x=%20a=b`);
  expect(types).toEqual(['a.*', 'b.c']);
  requests = [];
  expect(await deliverTo({ ...TARGET, url }, DELIVERY)).toMatchObject({ status: 204 });
  expect(requests[0]!.url).toBe('/hook?from=heddle&x=%20a=b');
});

it('what the URL answers is told as it is: redirects are not followed, and Retry-After is heard', async () => {
  answer = [302, { location: '/elsewhere' }];
  requests = [];
  expect(await deliverTo({ ...TARGET, url: `${origin}/` }, DELIVERY)).toMatchObject({ status: 302 });
  expect(requests).toHaveLength(1);
  answer = [503, { 'retry-after': '120' }];
  expect(await deliverTo({ ...TARGET, url: `${origin}/` }, DELIVERY)).toMatchObject({
    status: 503,
    retryAfterMs: 120_000,
  });
  answer = [500, { 'retry-after': '120' }];
  expect(await deliverTo({ ...TARGET, url: `${origin}/` }, DELIVERY)).not.toHaveProperty('retryAfterMs');
  answer = [204, {}];
  expect(await deliverTo({ ...TARGET, url: 'http://127.0.0.1:9/' }, DELIVERY)).toMatchObject({
    error: expect.any(String) as string,
  });
});
