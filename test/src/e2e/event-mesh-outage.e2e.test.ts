import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Running, freePorts, startBroker } from '@heddle/infra';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type Answer, call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { NAMESPACE, SapShop } from '../support/sap-shop.js';

const LATER = { timeout: 45_000, interval: 200 };

let dir: string;
let ports: [number, number];
let broker: Running;
let mesh: Mesh;
let shop: SapShop;

const start = (): Promise<Running> =>
  startBroker({ dir: join(dir, 'broker'), port: ports[0], controllerPort: ports[1], logFile: join(dir, 'broker.log') });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-outage-'));
  ports = (await freePorts(2)) as [number, number];
  broker = await start();
  const ground = { ...inject('stack'), kafkaBrokers: [`127.0.0.1:${ports[0]}`] };
  const env = { gateway: { HEDDLE_APPEND_TIMEOUT_MS: '1500' } };
  mesh = await Mesh.start({ ground, apps: ['gateway'], env });
  shop = await SapShop.open(mesh.url('gateway'));
});

afterAll(async () => {
  await shop.close();
  await mesh.stop();
  await broker.stop();
  await rm(dir, { recursive: true, force: true });
});

test('while the broker is down every door says 503 and when to try again, and works on when it is back', async () => {
  const queue = await shop.newQueue();
  const authorization = `Bearer ${await shop.curl.token('basic')}`;
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
    call(method, mesh.url('gateway') + path, { headers: { authorization, ...headers }, body });
  // A new one each time, for one that is known already is not appended again.
  const event = () => ({ specversion: '1.0', id: randomUUID(), source: '/shop', type: 'acme.Thing.Made', data: {} });
  const doors: (() => Promise<Answer>)[] = [
    () => ask('POST', `/messagingrest/v1/queues/${queue}/messages`, { 'x-qos': '1' }, {}),
    () =>
      ask('POST', `/messagingrest/v1/topics/${encodeURIComponent(`${NAMESPACE}/x`)}/messages`, { 'x-qos': '0' }, {}),
    () => ask('POST', '/sap/ems/v1/events', { 'content-type': 'application/cloudevents+json' }, event()),
  ];
  const ready = () => ask('GET', '/hub/rest/api/v1/management/messaging/readinessCheck');
  for (const door of doors) expect((await door()).status).toBe(204);
  expect((await ready()).status).toBe(200);
  broker.kill();
  await broker.exited;
  const unavailable = { message: expect.any(String) as string, error: { code: 'SERVICE_UNAVAILABLE' } };
  for (const door of doors) {
    const answer = await door();
    expect([answer.status, answer.json], answer.text).toMatchObject([503, { ...unavailable, code: 'log-unavailable' }]);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  }
  const notReady = await ready();
  expect([notReady.status, notReady.json]).toMatchObject([503, unavailable]);
  expect(notReady.headers.get('retry-after')).toBe('5');
  broker = await start();
  await vi.waitFor(async () => expect((await ready()).status).toBe(200), LATER);
  for (const door of doors) await vi.waitFor(async () => expect((await door()).status).toBe(204), LATER);
  // What was published before the outage, and after it, is there.
  for (let n = 0; n < 2; n += 1) await shop.consumed(queue, '0');
});
