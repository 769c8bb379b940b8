import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Identity, identity } from '../../../apps/gateway/src/protocols/webhook/certificate-trial.js';
import { CONTRACT_SIGNED, contractSigned } from '../support/cloud-event.js';
import { FlowRunner, type MessageView } from '../support/flow-runner.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { pullDeliveries, putQueue } from '../support/queue-clients.js';

// Flows to topics, and to receivers that speak TLS: one whose certificate is trusted, one whose is not.

vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 30_000, interval: 100 };
const DEVICE = `Basic ${Buffer.from('device:from a file').toString('base64')}`;
const FLOWS = `
name: readings
from: { http: { path: /readings, auth: { basic: { user: device, passwordFrom: DEVICE_PASSWORD } } } }
to: { topic: plant/berlin/readings }
---
name: signed
from: { http: { path: /signed, auth: { basic: { user: device, passwordFrom: DEVICE_PASSWORD } } } }
to: { topic: default/heddle/s4/ce/${CONTRACT_SIGNED.replaceAll('.', '/')} }
---
name: to-erp
from: { queue: erp }
to:
  https:
    urlFrom: ERP_URL
    method: PUT
    credentials: { basic: { user: mesh, passwordFrom: ERP_PASSWORD } }
    timeoutMs: 5000
retry: { times: 2, firstMs: 100, capMs: 200 }
---
name: to-stranger
from: { queue: stranger }
to: { https: { urlFrom: STRANGER_URL, credentials: { header: { name: x-api-key, valueFrom: STRANGER_KEY } } } }
retry: { times: 1, firstMs: 100 }
---
name: to-bank
from: { queue: bank }
to:
  https:
    urlFrom: BANK_URL
    tls: { caFrom: BANK_CA, certificateFrom: MESH_CERTIFICATE, keyFrom: MESH_KEY }
retry: { times: 0 }
---
name: to-impostor
from: { queue: impostor }
to: { https: { urlFrom: ERP_URL, tls: { caFrom: BANK_CA } } }
retry: { times: 0 }
`;

interface Got {
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let dir: string;
let mesh: Mesh;
let gateway: string;
let runner: FlowRunner;
let erp: TlsReceiver;
let stranger: TlsReceiver;
let bank: TlsReceiver;

/** A receiver with a certificate of its own. */
class TlsReceiver {
  readonly got: Got[] = [];
  answer: (response: ServerResponse) => void = (response) => void response.writeHead(204).end();
  readonly #server: Server;

  /** @param client the only certificate that it lets in, where it asks for one */
  constructor({ certificate, privateKey }: Identity, client?: Identity) {
    const asking = client === undefined ? {} : { ca: client.certificate, requestCert: true };
    this.#server = createServer({ cert: certificate, key: privateKey, ...asking }, (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        this.got.push({ method: request.method ?? '', headers: request.headers, body });
        this.answer(response);
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/in`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-flow-receivers-'));
  const [ours, theirs, banks, mine] = ['erp', 'stranger', 'bank', 'mesh'].map((name) => identity(name));
  [erp, stranger, bank] = [new TlsReceiver(ours!), new TlsReceiver(theirs!), new TlsReceiver(banks!, mine)];
  const files = {
    'flows.yaml': FLOWS,
    'ca.pem': ours!.certificate,
    'bank-ca.pem': banks!.certificate,
    'mesh.pem': mine!.certificate,
    'mesh-key.pem': mine!.privateKey,
    device: 'from a file\n',
    erp: 's3cret: ü\n',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  await putQueue(gateway, { types: [CONTRACT_SIGNED], start: 'now' }, 'erp');
  await putQueue(gateway, { types: [CONTRACT_SIGNED], start: 'now', paused: true }, 'stranger');
  for (const queue of ['bank', 'impostor']) {
    await putQueue(gateway, { types: [CONTRACT_SIGNED], start: 'now', paused: true }, queue);
  }
  runner = await FlowRunner.start(mesh, dir, {
    // Only what is encrypted.
    HEDDLE_FLOWS_HTTP: 'false',
    NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem'),
    DEVICE_PASSWORD_FILE: join(dir, 'device'),
    ERP_URL: await erp.listen(),
    ERP_PASSWORD_FILE: join(dir, 'erp'),
    STRANGER_URL: await stranger.listen(),
    STRANGER_KEY: 'never to be seen',
    BANK_URL: await bank.listen(),
    BANK_CA_FILE: join(dir, 'bank-ca.pem'),
    MESH_CERTIFICATE_FILE: join(dir, 'mesh.pem'),
    MESH_KEY_FILE: join(dir, 'mesh-key.pem'),
  });
});

afterAll(async () => {
  await runner?.stop();
  await mesh?.stop();
  erp.close();
  stranger.close();
  bank.close();
  await rm(dir, { recursive: true, force: true });
});

test('what is handed in for a topic is in the queues whose patterns match it, as the bytes it is', async () => {
  const queue = await putQueue(gateway, { topicPatterns: ['plant/+/readings'] } as never);
  const bytes = Buffer.from([0, 255, 60, 7]);
  const handed = await handIn('readings', bytes, 'application/x-reading');
  expect(handed.status, handed.text).toBe(202);
  const [delivery] = await pullDeliveries(gateway, queue, { waitMs: 10_000 });
  expect(delivery!.event).toMatchObject({
    id: (handed.json as { id: string }).id,
    source: '/flows/readings',
    address: 'topic:plant/berlin/readings',
    datacontenttype: 'application/x-reading',
    data_base64: bytes.toString('base64'),
  });
});

test('a megabyte is handed in whole, and more is refused before it is read', async () => {
  const queue = await putQueue(gateway, { topicPatterns: ['plant/+/readings'] } as never);
  const bytes = randomBytes(1_000_000);
  const handed = await handIn('readings', bytes, 'application/x-reading');
  expect(handed.status, handed.text).toBe(202);
  const [delivery] = await pullDeliveries(gateway, queue, { waitMs: 10_000 });
  expect(delivery!.event).toMatchObject({ data_base64: bytes.toString('base64') });
  const large = await handIn('readings', randomBytes(2 * 1024 * 1024), 'application/x-reading').catch(() => undefined);
  // A connection that ends while it is written to is an answer that not every client gets to read.
  if (large !== undefined) expect(large).toMatchObject({ status: 413, json: { code: 'too-large' } });
  expect((await handIn('readings', Buffer.from('and now'), 'text/plain')).status).toBe(202);
});

test('what is handed in for the topic of an event type is that event, and is not taken when it does not fit', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED], start: 'now' });
  const key = `C-${freshKey()}`;
  const wrong = await handIn('signed', JSON.stringify({ Contract: key }), 'application/json');
  expect(wrong, wrong.text).toMatchObject({ status: 422, json: { code: 'data-invalid' } });
  const right = await handIn('signed', JSON.stringify(contractSigned(key)), 'application/json');
  expect(right.status, right.text).toBe(202);
  const [delivery, ...others] = await pullDeliveries(gateway, queue, { waitMs: 10_000 });
  expect(others).toEqual([]);
  expect(delivery!.event).toMatchObject({ type: CONTRACT_SIGNED, subject: key, source: '/flows/signed' });
});

test('a receiver whose certificate is trusted gets the message encrypted, with credentials out of a file', async () => {
  const id = await published();
  expect(await settlesAs(id, 'to-erp', 'completed')).toMatchObject({ attempts: 1, answer: { status: 204 } });
  const got = erp.got.find(({ headers }) => headers['idempotency-key'] === id);
  expect(got).toMatchObject({
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from('mesh:s3cret: ü').toString('base64')}`,
    },
  });
  expect(JSON.parse(got!.body)).toMatchObject({ SignedAt: expect.any(String) as string });
});

test('a receiver whose certificate nobody has vouched for sees nothing, and that is why the message failed', async () => {
  const resumed = await call('POST', `${gateway}/v1/queues/stranger/resume`, { body: {} });
  expect(resumed.status, resumed.text).toBe(200);
  const id = await published();
  const failed = await settlesAs(id, 'to-stranger', 'failed');
  expect(failed).toMatchObject({ attempts: 2, answer: { status: 0 } });
  expect(failed.error).toMatch(
    /^The receiver was not reached: .*self-signed certificate.*\(given up after 2 attempts\)$/,
  );
  expect(stranger.got).toEqual([]);
});

test('a receiver of a private CA that lets in one certificate only gets the message, and one of another CA sees nothing', async () => {
  for (const queue of ['bank', 'impostor']) {
    const resumed = await call('POST', `${gateway}/v1/queues/${queue}/resume`, { body: {} });
    expect(resumed.status, resumed.text).toBe(200);
  }
  const id = await published();
  expect(await settlesAs(id, 'to-bank', 'completed')).toMatchObject({ attempts: 1, answer: { status: 204 } });
  expect(bank.got.filter(({ headers }) => headers['idempotency-key'] === id)).toHaveLength(1);
  // The ERP's certificate is believed by every flow that names no CA, and by this one not.
  const failed = await settlesAs(id, 'to-impostor', 'failed');
  expect(failed).toMatchObject({ attempts: 1, answer: { status: 0 } });
  await settlesAs(id, 'to-erp', 'completed');
  expect(erp.got.filter(({ headers }) => headers['idempotency-key'] === id)).toHaveLength(1);
  for (const queue of ['bank', 'impostor']) await call('POST', `${gateway}/v1/queues/${queue}/pause`, { body: {} });
});

test('what the monitor knew, it knows after the runner was killed: what is done, failed, and waits for its next attempt', async () => {
  erp.answer = (response) => void response.writeHead(503, { 'retry-after': '600' }).end();
  const waiting = await published();
  await settlesAs(waiting, 'to-erp', 'retry');
  await settlesAs(waiting, 'to-stranger', 'failed');
  const before = await vi.waitFor(async () => {
    const messages = await runner.messages();
    expect(messages.filter(({ state }) => state === 'retry' || state === 'processing')).toHaveLength(1);
    return messages;
  }, SOON);
  expect(new Set(before.map(({ state }) => state))).toEqual(new Set(['completed', 'failed', 'retry']));
  await runner.kill();
  await runner.startAgain();
  expect(await runner.messages()).toEqual(before);
  // And what failed is still there to be retried by hand: its dead letter is put back, and given up once more.
  const failed = before.find(({ message, flow }) => message === waiting && flow === 'to-stranger')!;
  const retried = await call('POST', `${runner.url}/messages/${failed.id}/retry`);
  expect(retried.status, retried.text).toBe(202);
  await vi.waitFor(async () => {
    const again = (await call('GET', `${runner.url}/messages/${failed.id}`)).json;
    expect(again).toMatchObject({ state: 'failed', retriedByHand: 1, attempts: 2 });
  }, SOON);
});

test('the metrics say what became of the messages of each flow, and how old the oldest is that is not done', async () => {
  const { text } = await call('GET', `${runner.url}/metrics`);
  const valueOf = (name: string, labels: Record<string, string>): number | undefined => {
    const line = text
      .split('\n')
      .find(
        (one) => one.startsWith(`${name}{`) && Object.entries(labels).every(([k, v]) => one.includes(`${k}="${v}"`)),
      );
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  // Since the start of the process.
  expect(valueOf('heddle_flow_messages_total', { flow: 'to-stranger', outcome: 'failed' })).toBe(1);
  expect(valueOf('heddle_flow_messages_total', { flow: 'readings', outcome: 'completed' })).toBe(0);
  expect(valueOf('heddle_flow_attempts_total', { flow: 'to-stranger', outcome: 'retryable' })).toBe(2);
  expect(valueOf('heddle_flow_attempt_seconds_count', { flow: 'to-stranger' })).toBe(2);
  expect(valueOf('heddle_flow_messages_open', { flow: 'to-erp', state: 'retry' })).toBe(1);
  expect(valueOf('heddle_flow_oldest_message_seconds', { flow: 'to-erp' })).toBeGreaterThan(0.1);
  expect(valueOf('heddle_flow_oldest_message_seconds', { flow: 'to-stranger' })).toBe(0);
  expect(valueOf('heddle_flow_running', { flow: 'to-erp' })).toBe(1);
});

function handIn(path: string, body: string | Buffer, contentType: string) {
  return call('POST', `${runner.url}/http/${path}`, {
    headers: { authorization: DEVICE, 'content-type': contentType },
    body,
  });
}

async function published(): Promise<string> {
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  return event!.id;
}

async function settlesAs(message: string, flow: string, state: string): Promise<MessageView> {
  return vi.waitFor(async () => {
    const [entry] = await runner.messages({ message, flow });
    expect(entry?.state, JSON.stringify(entry)).toBe(state);
    return entry!;
  }, SOON);
}
