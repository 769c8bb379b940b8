import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CHECKOUT } from '@heddle/infra';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { Arrivals } from '../support/arrivals.js';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { FlowRunner, type MessageView } from '../support/flow-runner.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { orderQueue, pullDeliveries, putQueue, readQueue } from '../support/queue-clients.js';

// The flows of examples/flows, as they are, beside a real mesh.

vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 30_000, interval: 100 };
const QUEUE = 'contracts-to-archive';
const MEASUREMENTS = 'plant/measurements';
const PARTNER = `Basic ${Buffer.from('partner:s3cret').toString('base64')}`;

interface Got {
  headers: IncomingHttpHeaders;
  body: string;
  at: number;
}

/** What the archive got, and what it does about it. */
let got: Arrivals<Got>;
let answer: (response: ServerResponse, request: Got) => void;
let mesh: Mesh;
let gateway: string;
let runner: FlowRunner;

const archive = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const one = { headers: request.headers, body: Buffer.concat(parts).toString(), at: performance.now() };
    got.add(one);
    answer(response, one);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => archive.listen(0, '127.0.0.1', resolve));
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  for (const file of ['contracts-to-archive.yaml', 'measurements.yaml']) {
    const text = await readFile(join(CHECKOUT, 'examples/flows/setup', file), 'utf8');
    const { name, spec } = parse(text) as { name: string; spec: { types: string[] } };
    // A lease that a killed process leaves behind is to end within a test.
    await putQueue(gateway, { ...spec, start: 'now', leaseMs: 3000 }, encodeURIComponent(name));
  }
  runner = await FlowRunner.start(mesh, join(CHECKOUT, 'examples/flows'), {
    PARTNER_PASSWORD: 's3cret',
    ARCHIVE_URL: `http://127.0.0.1:${(archive.address() as AddressInfo).port}/contracts`,
    ARCHIVE_TOKEN: 'archive-token',
  });
});

beforeEach(() => {
  got = new Arrivals<Got>();
  answer = accept;
});

afterAll(async () => {
  await runner?.stop();
  await mesh?.stop();
  archive.closeAllConnections();
  archive.close();
});

test('a contract that is handed in by HTTP arrives at the archive as XML, and both flows have it as completed', async () => {
  const key = `C-${freshKey()}`;
  const handedIn = await handIn(contractSigned(key, { Counterparty: 'A & B', SignedBy: null }));
  expect(handedIn.status, handedIn.text).toBe(202);
  const { id, entry } = handedIn.json as { id: string; entry: string };
  const { headers, body } = await arrived(({ headers: of }) => of['idempotency-key'] === id);
  expect(headers).toMatchObject({
    'content-type': 'application/xml; charset=utf-8',
    authorization: 'Bearer archive-token',
    'x-origin': 'heddle',
  });
  expect(body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Contract>' +
      `<Contract>${key}</Contract><Counterparty>A &amp; B</Counterparty><NetAmount>1250.500</NetAmount>` +
      '<Currency>EUR</Currency><EffectiveFrom>2026-02-01</EffectiveFrom>' +
      '<SignedAt>2026-01-31T12:00:00.000Z</SignedAt><SignedBy/><Document>' +
      '<href>https://documents.example.com/contract.pdf</href><mediaType>application/pdf</mediaType>' +
      '<sizeBytes>482133</sizeBytes>' +
      '<sha256>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</sha256></Document></Contract>',
  );
  await vi.waitFor(async () => {
    const [out, handed] = await runner.messages({ message: id });
    expect(out).toMatchObject({
      flow: 'contracts-to-archive',
      state: 'completed',
      attempts: 1,
      answer: { status: 204 },
      steps: [{ name: 'json-to-xml' }, { name: 'https' }],
    });
    expect(handed).toMatchObject({ id: entry, flow: 'contracts-in', state: 'completed' });
  }, SOON);
});

test('whoever hands in again under the same key is answered so, and the archive gets it once', async () => {
  const key = randomUUID();
  const contract = JSON.parse(await readFile(join(CHECKOUT, 'examples/flows/contract.json'), 'utf8')) as object;
  expect((await handIn(contract, { 'idempotency-key': key })).status).toBe(202);
  expect((await handIn(contract, { 'idempotency-key': key })).status).toBe(202);
  const after = `C-${freshKey()}`;
  await publishContracts(gateway, [after]);
  await arrived(({ body }) => body.includes(after));
  expect(got.all.filter(({ headers }) => headers['idempotency-key'] === key)).toHaveLength(1);
});

test('what does not fit its schema, comes without the password, or cannot be stored, is not answered as if it were', async () => {
  const wrong = await handIn({ Contract: 'C-1' });
  expect(wrong).toMatchObject({
    status: 422,
    json: { code: 'data-invalid', detail: expect.stringContaining('gateway') as string },
  });
  const [entry] = await runner.messages({ flow: 'contracts-in', state: 'failed' });
  expect(entry?.error).toContain('did not take it');
  const other = await call('POST', `${runner.url}/http/contracts`, {
    headers: { authorization: 'Basic eDp5' },
    body: {},
  });
  expect(other).toMatchObject({ status: 401, json: { code: 'token-missing' } });
  expect(other.headers.get('www-authenticate')).toContain('Basic');
  const [taken, key] = [contractSigned(`C-${freshKey()}`), randomUUID()];
  expect((await handIn(taken, { 'idempotency-key': key })).status).toBe(202);
  await mesh.killApp('gateway');
  try {
    // What was taken before is known here, whoever is away.
    expect((await handIn(taken, { 'idempotency-key': key })).status).toBe(202);
    const away = await handIn(contractSigned('C-2'));
    expect(away).toMatchObject({ status: 503, json: { retryable: true } });
    expect(away.headers.get('retry-after')).not.toBeNull();
  } finally {
    await mesh.startApp('gateway');
  }
});

test('a receiver that fails is tried four times, later each time, then it is a dead letter with the reason, and a retry by hand recovers it', async () => {
  answer = (response) => response.writeHead(503).end('closed for stocktaking');
  const id = await published();
  await settlesAs(id, 'retry');
  const failed = await settlesAs(id, 'failed');
  const reason = 'The receiver answered 503 (given up after 4 attempts)';
  expect(failed).toMatchObject({
    attempts: 4,
    error: reason,
    answer: { status: 503, excerpt: 'closed for stocktaking' },
  });
  const tries = requestsOf(id);
  expect(tries).toHaveLength(4);
  const pauses = tries.slice(1).map(({ at }, index) => at - tries[index]!.at);
  expect(pauses.every((pause, index) => pause > (pauses[index - 1] ?? 400))).toBe(true);
  expect(await lettersOf(id)).toMatchObject([{ reason, state: 'open', attempts: 4 }]);

  answer = accept;
  const retried = await call('POST', `${runner.url}/messages/${failed.id}/retry`);
  expect(retried.status, retried.text).toBe(202);
  expect(await settlesAs(id, 'completed')).toMatchObject({ id: failed.id, attempts: 1, retriedByHand: 1 });
  expect(requestsOf(id)).toHaveLength(5);
  expect(await lettersOf(id)).toMatchObject([{ state: 'redriven' }]);
  const again = await call('POST', `${runner.url}/messages/${failed.id}/retry`);
  expect(again).toMatchObject({ status: 409, json: { code: 'conflict' } });
});

test('what the receiver refuses for good is tried once, and failed with what it said', async () => {
  answer = (response) => response.writeHead(400).end('no such archive');
  const id = await published();
  const failed = await settlesAs(id, 'failed');
  expect(failed).toMatchObject({
    attempts: 1,
    error: 'The receiver answered 400',
    answer: { excerpt: 'no such archive' },
  });
  expect(await lettersOf(id)).toMatchObject([{ reason: 'The receiver answered 400' }]);
  expect(requestsOf(id)).toHaveLength(1);
});

test('429 with Retry-After is waited for as long as it asks', async () => {
  answer = (response) => {
    answer = accept;
    response.writeHead(429, { 'retry-after': '3' }).end();
  };
  const id = await published();
  await settlesAs(id, 'completed');
  const [first, second, ...others] = requestsOf(id);
  expect(second!.at - first!.at).toBeGreaterThan(2900);
  expect(others).toEqual([]);
});

test('a message in retry that is cancelled is tried no more', async () => {
  answer = (response) => response.writeHead(503).end();
  const id = await published();
  const { id: entry } = await settlesAs(id, 'retry');
  const cancelled = await call('POST', `${runner.url}/messages/${entry}/cancel`);
  expect(cancelled.status, cancelled.text).toBe(202);
  const tried = requestsOf(id).length;
  expect(await settlesAs(id, 'cancelled')).toMatchObject({ error: expect.stringContaining('Cancelled by') as string });
  expect(requestsOf(id).length).toBeLessThanOrEqual(tried + 1);
  expect(await lettersOf(id)).toHaveLength(1);
});

test('killed between the answer of the receiver and the accept, the message comes again, under the same id', async () => {
  answer = (response) => {
    answer = accept;
    // Gone before it hears that the archive has it.
    void runner.kill().then(() => response.writeHead(204).end());
  };
  const id = await published();
  await vi.waitFor(() => expect(requestsOf(id)).toHaveLength(1), SOON);
  await runner.kill();
  await runner.startAgain();
  expect(await settlesAs(id, 'completed')).toMatchObject({ attempts: 2 });
  const bodies = requestsOf(id).map(({ body }) => body);
  expect(bodies).toEqual([bodies[0], bodies[0]]);
});

test('what the receiver has answered is not handed to it again, though the gateway died before it heard of it', async () => {
  answer = (response) => {
    answer = accept;
    mesh.app('gateway').kill();
    accept(response);
  };
  const id = await published();
  // The runner knows by now that it was taken; nobody else does.
  await vi.waitFor(async () => expect((await runner.entryOf(id)).answer).toMatchObject({ status: 204 }), SOON);
  await runner.kill();
  await mesh.startApp('gateway');
  await runner.startAgain();
  expect(await settlesAs(id, 'completed')).not.toHaveProperty('error');
  expect((await readQueue(gateway, QUEUE)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 });
  expect(requestsOf(id)).toHaveLength(1);
});

test('what was settled while the runner was gone is completed, for the gateway is asked', async () => {
  const stopped = mesh.app('gateway').pid;
  answer = (response) => {
    process.kill(stopped, 'SIGSTOP');
    accept(response);
  };
  const id = await published();
  await vi.waitFor(async () => expect((await runner.entryOf(id)).answer).toMatchObject({ status: 204 }), SOON);
  // Said to the gateway, which hears it when it goes on.
  await runner.kill();
  process.kill(stopped, 'SIGCONT');
  await runner.startAgain();
  await settlesAs(id, 'completed');
  expect(requestsOf(id)).toHaveLength(1);
});

test('bytes that are handed in by HTTP are in the queue as they came, once it is answered', async () => {
  const bytes = Buffer.from([0, 255, 60, 7, 13]);
  const device = await mesh.newClient(['publish:flow:measurements-in']);
  const headers = { authorization: await device.header(), 'content-type': 'application/x-measurement' };
  const url = `${runner.url}/http/measurements`;
  const { status, text, json } = await call('POST', url, { headers, body: bytes });
  expect(status, text).toBe(202);
  const [delivery] = await vi.waitFor(
    async () => {
      const deliveries = await pullDeliveries(gateway, encodeURIComponent(MEASUREMENTS));
      expect(deliveries).toHaveLength(1);
      return deliveries;
    },
    { timeout: 10_000 },
  );
  expect(delivery!.event).toMatchObject({
    id: (json as { id: string }).id,
    source: '/flows/measurements-in',
    address: `queue:${MEASUREMENTS}`,
    datacontenttype: 'application/x-measurement',
    data_base64: bytes.toString('base64'),
  });
  const other = await mesh.newClient(['publish:flow:contracts-in']);
  const refused = await call('POST', url, {
    headers: { ...headers, authorization: await other.header() },
    body: bytes,
  });
  expect(refused).toMatchObject({
    status: 403,
    json: { detail: expect.stringContaining('publish:flow:measurements-in') as string },
  });
  const unknown = await call('POST', url, { headers: { ...headers, authorization: 'Bearer x' }, body: bytes });
  expect(unknown.status).toBe(401);
});

test('a message that its queue no longer has does not stay in retry', async () => {
  answer = (response) => response.writeHead(503).end();
  const id = await published();
  await settlesAs(id, 'retry');
  await orderQueue(gateway, QUEUE, 'purge');
  expect(await settlesAs(id, 'discarded')).toMatchObject({
    error: expect.stringContaining('holds it no more') as string,
  });
});

test('who manages a flow sees its messages, fifty a page, and nobody else does', async () => {
  const stranger = await mesh.newClient(['manage:flow:other', 'consume:queue:*']);
  const headers = { authorization: await stranger.header() };
  expect(await call('GET', `${runner.url}/messages`, { headers })).toMatchObject({ json: { messages: [] } });
  expect(await call('GET', `${runner.url}/flows`, { headers })).toMatchObject({ json: { flows: [] } });
  const [one] = await runner.messages();
  expect((await call('GET', `${runner.url}/messages/${one!.id}`, { headers })).status).toBe(403);
  const none = await mesh.newClient(['consume:queue:*']);
  expect((await call('GET', `${runner.url}/flows`, { headers: { authorization: await none.header() } })).status).toBe(
    403,
  );

  const keys = Array.from({ length: 60 }, () => `C-${freshKey()}`);
  await publishContracts(gateway, keys);
  const since = new Date(Date.now() - 300_000).toISOString();
  const query = new URLSearchParams({ flow: QUEUE, state: 'completed', since }).toString();
  await vi.waitFor(async () => {
    const first = (await call('GET', `${runner.url}/messages?${query}`)).json as Page;
    expect(first.messages).toHaveLength(50);
    const second = (await call('GET', `${runner.url}/messages?${query}&cursor=${first.next}`)).json as Page;
    const ids = [...first.messages, ...second.messages].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(60);
  }, SOON);
  const { flows } = (await call('GET', `${runner.url}/flows`)).json as { flows: object[] };
  expect(flows).toMatchObject([
    { name: 'contracts-in', from: 'POST /http/contracts', to: `event:${CONTRACT_SIGNED}`, running: true },
    { name: QUEUE, from: `queue:${QUEUE}`, steps: ['json-to-xml'], to: 'POST $ARCHIVE_URL', running: true },
    { name: 'measurements-in', to: `queue:${MEASUREMENTS}` },
  ]);
});

interface Page {
  messages: MessageView[];
  next?: string;
}

function accept(response: ServerResponse): void {
  response.writeHead(204).end();
}

function handIn(contract: object, headers: Record<string, string> = {}) {
  return call('POST', `${runner.url}/http/contracts`, {
    headers: { authorization: PARTNER, ...headers },
    body: contract,
  });
}

/** Publishes a contract; the id of its event. */
async function published(): Promise<string> {
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  return event!.id;
}

async function arrived(holds: (one: Got) => boolean): Promise<Got> {
  return (await got.until((all) => all.some(holds))).find(holds)!;
}

function requestsOf(id: string): Got[] {
  return got.all.filter(({ headers }) => headers['idempotency-key'] === id);
}

async function settlesAs(id: string, state: string): Promise<MessageView> {
  return vi.waitFor(async () => {
    const entry = await runner.entryOf(id);
    expect(entry.state, JSON.stringify(entry)).toBe(state);
    return entry;
  }, SOON);
}

async function lettersOf(id: string): Promise<object[]> {
  const { status, text, json } = await call('GET', `${gateway}/v1/dead-letters?queue=${QUEUE}`);
  expect(status, text).toBe(200);
  return (json as { deadLetters: { event: { id: string } }[] }).deadLetters.filter(({ event }) => event.id === id);
}
