import { gzipSync } from 'node:zlib';
import type { Caller } from '@heddle/auth';
import { createLog } from '@heddle/runtime';
import fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import type { IncomingEvent } from '../../incoming-event.js';
import type { Doors } from '../protocol.js';
import { http } from './http.protocol.js';

let server: FastifyInstance;
let published: IncomingEvent[];

beforeEach(() => {
  published = [];
  server = fastify();
  server.decorateRequest('caller', undefined);
  server.addHook('onRequest', (request, _reply, done) => {
    request.caller = callerFor();
    done();
  });
  const publisher = {
    publish: (_caller: Caller, events: readonly IncomingEvent[]) => {
      published.push(...events);
      return Promise.resolve(
        events.map(() => ({ position: { topic: 't', partition: 0, offset: 0 }, duplicate: false })),
      );
    },
  };
  const limits = new Limits({ ...LIMIT_VALUES, limitClientEventsPerSecond: 100 });
  http.open({ server, publisher, limits, log: createLog('test', 'silent') } as unknown as Doors);
});

afterEach(() => server.close());

const event = (n: number, data: unknown = {}): object => ({
  specversion: '1.0',
  id: `e${n}`,
  source: '/test',
  type: 'a.b',
  data,
});
const events = (count: number, data?: unknown): object[] => Array.from({ length: count }, (_, n) => event(n, data));

function post(payload: string | Buffer, headers: Record<string, string>): Promise<LightMyRequestResponse> {
  const options: InjectOptions = { method: 'POST', url: '/v1/events', payload, headers };
  return server.inject(options);
}

const batch = (of: readonly object[]) =>
  post(JSON.stringify(of), { 'content-type': 'application/cloudevents-batch+json' });

it('each event of a batch counts towards the rate; one that it has no room for is refused whole', async () => {
  expect((await batch(events(60))).statusCode).toBe(202);
  const refused = await batch(events(60));
  expect(refused.json()).toMatchObject({ status: 429, code: 'rate-limited', field: 'client', retryable: true });
  expect(refused.headers).toMatchObject({ 'retry-after': '1', 'ratelimit-policy': '"client";q=100;w=1' });
  expect(refused.headers.ratelimit).toMatch(/^"client";r=\d+;t=1$/);
  expect(published).toHaveLength(60);
  expect((await batch(events(1))).statusCode).toBe(202);
});

it('events may come as gzip, in every mode, and nothing else', async () => {
  const [one] = events(1);
  const packed = { 'content-encoding': 'gzip' };
  const types: [string, object, Record<string, string>][] = [
    ['application/cloudevents+json', one!, {}],
    ['application/cloudevents-batch+json', [one!], {}],
    ['application/json', { a: 1 }, { 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-source': '/s', 'ce-type': 'a.b' }],
  ];
  for (const [type, body, attributes] of types) {
    const answer = await post(gzipSync(JSON.stringify(body)), { 'content-type': type, ...packed, ...attributes });
    expect([type, answer.statusCode]).toEqual([type, 202]);
  }
  expect(published.map(({ attributes }) => attributes.id)).toEqual(['e0', 'e0', 'x']);
  const refused = await post('x', { 'content-type': 'application/cloudevents+json', 'content-encoding': 'br' });
  expect(refused.statusCode).toBe(415);
});

it('a batch may have five times the members of one event', async () => {
  const data = Object.fromEntries(Array.from({ length: 490 }, (_, n) => [`k${n}`, n]));
  expect((await batch(events(90, data))).statusCode).toBe(202);
  expect((await batch(events(110, data))).json()).toMatchObject({ code: 'too-complex' });
});
