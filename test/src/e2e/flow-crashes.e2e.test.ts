import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { FlowRunner, type MessageView } from '../support/flow-runner.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { orderQueue, pullDeliveries, putQueue } from '../support/queue-clients.js';

// A runner of flows that is killed again and again, wherever it is: after it got a lease, while it hands over, after it was
// answered, after it wrote that down, while it settles.

vi.setConfig({ testTimeout: 240_000 });
const SOON = { timeout: 60_000, interval: 200 };
const SENDER = `Basic ${Buffer.from('sender:s3cret').toString('base64')}`;
const METRICS_TOKEN = 'of-metrics-and-nothing-else';
const FLOWS = `
name: out
from: { queue: out }
steps: [json-to-xml: { addRoot: Contract }]
to: { https: { urlFrom: RECEIVER_URL } }
retry: { times: 99, firstMs: 100, factor: 1 }
---
name: fragile
from: { queue: fragile }
to: { https: { urlFrom: RECEIVER_URL, headers: { x-flow: fragile } } }
retry: { times: 1, firstMs: 100 }
---
name: in
from: { http: { path: /in, auth: { basic: { user: sender, passwordFrom: SENDER_PASSWORD } } } }
to: { queue: in }
`;

let dir: string;
let mesh: Mesh;
let gateway: string;
let runner: FlowRunner;
let got: { id: string; flow: string; body: string }[];
let answer: (response: ServerResponse) => void;

const receiver = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    const { 'idempotency-key': id, 'x-flow': flow = 'out' } = request.headers;
    got.push({ id: String(id), flow: String(flow), body });
    answer(response);
  });
});
const accept = (response: ServerResponse): void => void response.writeHead(204).end();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-flow-crashes-'));
  await writeFile(join(dir, 'flows.yaml'), FLOWS);
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'] });
  gateway = mesh.url('gateway');
  // Leases of a process that is gone end soon.
  const contracts = { types: [CONTRACT_SIGNED], start: 'now' as const, order: 'key' as const, leaseMs: 1000 };
  await putQueue(gateway, { ...contracts, retry: { attempts: 100 } } as never, 'out');
  await putQueue(gateway, { ...contracts, paused: true }, 'fragile');
  await putQueue(gateway, { topicPatterns: [] } as never, 'in');
  runner = await FlowRunner.start(mesh, dir, {
    RECEIVER_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
    SENDER_PASSWORD: 's3cret',
    HEDDLE_METRICS_TOKEN: METRICS_TOKEN,
  });
  got = [];
});

afterAll(async () => {
  await runner?.stop();
  await mesh?.stop();
  receiver.closeAllConnections();
  receiver.close();
  await rm(dir, { recursive: true, force: true });
});

test('whenever the runner is killed, each message is handed over at least once, whole, in the order of its object, and has one end', async () => {
  // Some are taken at once, some late, some at the second try, some are taken without an answer.
  answer = (response) => {
    const chance = Math.random();
    if (chance < 0.2) response.writeHead(503).end();
    else if (chance < 0.3) response.destroy();
    else setTimeout(() => accept(response), chance * 60);
  };
  const keys = Array.from({ length: 20 }, () => `C-${freshKey()}`);
  const ids: { id: string; key: string }[] = [];
  const done = new AbortController();
  const killing = killAgainAndAgain(6, 700, done.signal);
  for (let round = 0; round < 8; round += 1) {
    const events = await publishContracts(gateway, keys);
    ids.push(...events.map(({ id }, index) => ({ id, key: keys[index]! })));
    await delay(400);
  }
  done.abort();
  await killing;
  answer = accept;
  await vi.waitFor(async () => {
    const { statistics } = (await call('GET', `${gateway}/v1/queues/out`)).json as { statistics: object };
    expect(statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 });
  }, SOON);
  const first = new Map<string, number>();
  for (const [at, { id }] of got.entries()) if (!first.has(id)) first.set(id, at);
  for (const { id, key } of ids) {
    expect(first.has(id), `${id} was lost`).toBe(true);
    expect(got.find((one) => one.id === id)!.body).toContain(`<Contract>${key}</Contract>`);
  }
  for (const key of keys) {
    const places = ids.filter((one) => one.key === key).map(({ id }) => first.get(id)!);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
  await vi.waitFor(async () => {
    for (const { id } of ids) {
      const [entry, ...others] = await runner.messages({ message: id, flow: 'out' });
      expect([entry?.state, others], JSON.stringify(entry)).toEqual(['completed', []]);
    }
  }, SOON);
});

test('a message at which the process ends each time is given up after its attempts, and its letter says so', async () => {
  // Nobody answers: that is when it is killed.
  let asked: () => void = () => undefined;
  answer = () => asked();
  await orderQueue(gateway, 'fragile', 'purge');
  const resumed = await call('POST', `${gateway}/v1/queues/fragile/resume`, { body: {} });
  expect(resumed.status, resumed.text).toBe(200);
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  const { id } = event!;
  const handedOver = (): number => got.filter((one) => one.id === id && one.flow === 'fragile').length;
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await vi.waitFor(() => expect(handedOver()).toBe(attempt), SOON);
    await runner.kill();
    await runner.startAgain();
  }
  answer = accept;
  const reason = 'The process ended at the last attempt (given up after 2 attempts)';
  await vi.waitFor(async () => {
    const [entry] = await runner.messages({ message: id, flow: 'fragile' });
    expect(entry).toMatchObject({ state: 'failed', error: reason } satisfies Partial<MessageView>);
  }, SOON);
  expect(handedOver()).toBe(2);
  const { json } = await call('GET', `${gateway}/v1/dead-letters?queue=fragile&state=open`);
  expect((json as { deadLetters: object[] }).deadLetters).toMatchObject([{ reason, event: { id } }]);
});

test('what is handed in again under its key until it is answered is in the queue once, whenever the runner is killed', async () => {
  const ids = Array.from({ length: 60 }, () => randomUUID());
  const done = new AbortController();
  const killing = killAgainAndAgain(3, 400, done.signal);
  const sending = ids.map(async (id) => {
    const headers = { authorization: SENDER, 'idempotency-key': id, 'content-type': 'application/json' };
    for (;;) {
      const taken = await call('POST', `${runner.url}/http/in`, { headers, body: contractSigned(id) }).catch(
        () => undefined,
      );
      if (taken?.status === 202) return;
      await delay(20 + Math.random() * 200);
    }
  });
  await Promise.all(sending);
  done.abort();
  await killing;
  const found: string[] = [];
  for (;;) {
    const deliveries = await pullDeliveries(gateway, 'in', { max: 100, waitMs: 1000 });
    if (deliveries.length === 0) break;
    found.push(...deliveries.map(({ event }) => event.id));
    const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' }));
    await call('POST', `${gateway}/v1/queues/in/settle`, { body: { settlements } });
  }
  expect(found.toSorted()).toEqual(ids.toSorted());
});

test('metrics are for whoever shows their token, and the monitor for whoever manages a flow', async () => {
  const statusOf = async (path: string, authorization: string): Promise<number> =>
    (await call('GET', `${runner.url}${path}`, { headers: { authorization } })).status;
  const administrator = `Bearer ${await mesh.token()}`;
  expect(await statusOf('/metrics', `Bearer ${METRICS_TOKEN}`)).toBe(200);
  expect(await statusOf('/metrics', administrator)).toBe(401);
  for (const path of ['/flows', '/messages']) {
    expect([path, await statusOf(path, administrator)]).toEqual([path, 200]);
    expect([path, await statusOf(path, `Bearer ${METRICS_TOKEN}`)]).toEqual([path, 401]);
  }
});

/** Kills the runner so often at least, and until all is done; each time after a while of chance. */
async function killAgainAndAgain(least: number, whileMs: number, done: AbortSignal): Promise<void> {
  for (let kills = 0; kills < least || !done.aborted; kills += 1) {
    await delay(50 + Math.random() * whileMs);
    await runner.kill();
    await runner.startAgain();
  }
}
