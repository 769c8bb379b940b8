import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetchDocument } from '@heddle/client';
import { CHECKOUT, createOrder, type MeshApp } from '@heddle/infra';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { Contracts } from '../support/contracts.js';
import { type Answer, call } from '../support/http-call.js';
import { authorizationFor } from '../support/keyring.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { type QueueDelivery, deleteQueue, pullDeliveries, putQueue, settlePulled } from '../support/queue-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

// A contract from its draft to its end, with a document as large as they may be. The stories follow each other.

const CONTRACTS = 'heddle.contract.v1.*';
const LARGEST = 20 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

interface DocumentReference {
  href: string;
  mediaType: string;
  sizeBytes: number;
  sha256: string;
}

let mesh: Mesh;
let gateway: string;
let orders: Orders;
let contracts: Contracts;
let partner: string;
let sink: WebhookSink;
let queue: string;
let key: string;
const document = randomBytes(LARGEST);
const sha256 = createHash('sha256').update(document).digest('hex');
let reference: DocumentReference;

beforeAll(async () => {
  [mesh, sink] = await Promise.all([sharedMesh(), WebhookSink.start()]);
  gateway = mesh.url('gateway');
  orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  contracts = new Contracts(mesh.url('contract'));
  partner = await orders.knownPartner();
  queue = await putQueue(gateway, { types: [CONTRACTS] });
  key = await contracts.draft(partner);
});

afterAll(async () => {
  await deleteAllWebhooks(gateway);
  await deleteQueue(gateway, queue);
  await mesh.stop();
  await sink.stop();
});

describe('a document', () => {
  test('of 20 MB comes in by chunks whose number nobody has said, and is held to its announced hash', async () => {
    const digest = `sha-256=:${createHash('sha256').update(document).digest('base64')}:`;
    const other = `sha-256=:${createHash('sha256').update('other').digest('base64')}:`;
    const wrong = await upload(document, { 'content-digest': other });
    expect(wrong).toMatchObject({ status: 400, json: { code: 'body-invalid', field: 'content-digest' } });
    const attached = await upload(document, { 'content-digest': digest });
    expect(attached.status, attached.text).toBe(200);
    expect(attached.json).toMatchObject({
      Document: { sha256, sizeBytes: LARGEST, mediaType: 'application/pdf' },
    });
  });

  test('that is too large is refused with 413, and nothing of it stays stored', async () => {
    const before = await stored();
    const refused = await contracts.put(key, Buffer.alloc(LARGEST + 1));
    expect(refused.json).toMatchObject({ status: 413, code: 'too-large' });
    const unsaid = await upload(Buffer.alloc(LARGEST + 1));
    expect(unsaid.json).toMatchObject({ status: 413, code: 'too-large' });
    await vi.waitFor(async () => expect(await stored()).toEqual(before), { timeout: 10_000 });
    expect((await contracts.read(key)).json).toMatchObject({ Document: { sha256 } });
  });

  test('is signed once and for all, and whoever is told of it is told where it is and what it must be', async () => {
    const webhook = await putWebhook(gateway, { url: sink.url, types: [CONTRACT_SIGNED] });
    const { headers } = await contracts.read(key);
    const signed = await contracts.sign(key, headers.get('etag')!);
    expect(signed.json).toMatchObject({ Status: 'SIGNED' });
    const refused = await contracts.put(key, Buffer.from('another one'));
    expect(refused.json).toMatchObject({ status: 409, code: 'conflict' });

    const { event } = await pulled('Signed');
    expect(event).toMatchObject({ subject: key, source: '/heddle/contract', dataref: expect.any(String) });
    reference = event.data['Document'] as DocumentReference;
    expect(reference).toEqual({
      href: `/v1/objects/contract/${key}/document?sha256=${sha256}`,
      mediaType: 'application/pdf',
      sizeBytes: LARGEST,
      sha256,
    });
    const [hooked] = await sink.until((all) => all.some((one) => eventOf(one).subject === key));
    expect(hooked!.headers['heddle-webhook']).toBe(webhook.name);
    expect(eventOf(hooked!)).toMatchObject({ id: event.id, data: { Document: reference } });
    expect(hooked!.body.length).toBeLessThan(4096);
    const object = await call('GET', event.dataref!);
    expect(object.json).toMatchObject({ Contract: key, Status: 'SIGNED', Document: reference });
  });

  test('is fetched by its reference, whole and unharmed, by several at once, while the memory of both processes stays as it is', async () => {
    const reader = await mesh.newClient([`fetch:type:${CONTRACTS}`]);
    const authorization = await reader.header();
    const rounds = async (times: number): Promise<void> => {
      for (let round = 0; round < times; round += 1) {
        const hashes = await Promise.all(Array.from({ length: 3 }, () => download(reference.href, { authorization })));
        expect(new Set(hashes)).toEqual(new Set([sha256]));
      }
    };
    // What a process takes once, it has taken: buffers of sockets, and room of its heap.
    await rounds(2);
    const apps: MeshApp[] = ['gateway', 'contract'];
    const before = await Promise.all(apps.map(residentBytes));
    await rounds(4);
    const after = await Promise.all(apps.map(residentBytes));
    for (const [index, app] of apps.entries()) {
      expect((after[index]! - before[index]!) / MEBIBYTE, app).toBeLessThan(64);
    }
  });

  test('is sent once to who remembers its hash', async () => {
    const first = await head(reference.href);
    expect(first).toMatchObject({ status: 200, headers: { etag: `"${sha256}"`, 'content-type': 'application/pdf' } });
    const known = await call('GET', gateway + reference.href, { headers: { 'if-none-match': `W/"x", "${sha256}"` } });
    expect([known.status, known.text, known.headers.get('etag')]).toEqual([304, '', `"${sha256}"`]);
  });

  test('is fetched in parts, and a download that breaks off goes on where it was', async () => {
    const last = await call('GET', gateway + reference.href, {
      headers: { range: 'bytes=-4', 'if-range': `"${sha256}"` },
    });
    expect([last.status, last.headers.get('content-range')]).toEqual([
      206,
      `bytes ${LARGEST - 4}-${LARGEST - 1}/${LARGEST}`,
    ]);
    const beyond = await call('GET', gateway + reference.href, { headers: { range: `bytes=${LARGEST}-` } });
    expect([beyond.status, beyond.headers.get('content-range'), beyond.json]).toMatchObject([
      416,
      `bytes */${LARGEST}`,
      { code: 'range-unsatisfiable' },
    ]);
    // A proxy between here and there that gives up after a few MB, twice.
    const asked: (string | null)[] = [];
    const breaking: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      asked.push(new Headers(init!.headers).get('range'));
      return asked.length > 2 ? response : new Response(cutAfter(response, 3 * MEBIBYTE), response);
    };
    const token = await mesh.token();
    const wish = { token, tokenOrigin: gateway, fetch: breaking };
    const { stream } = await fetchDocument({ ...reference, href: gateway + reference.href }, wish);
    const hash = createHash('sha256');
    for await (const piece of stream) hash.update(piece);
    expect(hash.digest('hex')).toBe(sha256);
    expect(asked[0]).toBeNull();
    expect(asked.slice(1)).toEqual([expect.stringMatching(/^bytes=\d{7}-$/), expect.stringMatching(/^bytes=\d{7}-$/)]);
  });

  test('is not for a client without the right to fetch, and for another tenant there is none', async () => {
    const consumer = await mesh.newClient([`consume:type:${CONTRACTS}`, 'fetch:type:sap.s4.beh.salesorder.*']);
    const { administrator } = await mesh.newTenant();
    for (const [tokens, status, code] of [
      [consumer, 403, 'permission-missing'],
      [administrator, 404, 'not-found'],
    ] as const) {
      const headers = { authorization: await tokens.header() };
      for (const url of [gateway + reference.href, `${mesh.url('contract')}/contracts/${key}/document`]) {
        expect((await call('GET', url, { headers })).json).toMatchObject({ status, code });
      }
    }
    const nobody = await call('GET', gateway + reference.href, { headers: { authorization: '' } });
    expect(nobody.status).toBe(401);
  });

  test('is the one that is asked for, or none: another one is 409, one that is not there yet 503', async () => {
    const draft = await contracts.draft(partner);
    const wanted = createHash('sha256').update('second').digest('hex');
    const href = `${gateway}/v1/objects/contract/${draft}/document`;
    const early = await call('GET', `${href}?sha256=${wanted}`);
    expect(early.json).toMatchObject({ status: 503, code: 'object-behind', retryable: true });
    expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call('GET', href)).json).toMatchObject({ status: 404, code: 'not-found' });
    await contracts.put(draft, Buffer.from('first'));
    const other = await call('GET', `${href}?sha256=${wanted}`);
    expect(other.json).toMatchObject({ status: 409, code: 'conflict', retryable: false });
    await contracts.put(draft, Buffer.from('second'));
    expect((await call('GET', `${href}?sha256=${wanted}`)).text).toBe('second');
    expect((await call('GET', href)).text).toBe('second');
  });
});

test('the guide to documents has a walk that works as it stands', async () => {
  const guide = readFileSync(join(CHECKOUT, 'docs/guides/documents.md'), 'utf8');
  const walk = /```sh\n([^]*?)```/.exec(guide)?.[1] ?? '';
  const here = walk
    .replace(/^GATEWAY=.*$/m, `GATEWAY=${gateway}`)
    .replace(/^CONTRACTS=.*$/m, `CONTRACTS=${mesh.url('contract')}/contracts`)
    .replace(/^PARTNERS=.*$/m, `PARTNERS=${mesh.url('business-partner')}/business-partners`);
  const cwd = await mkdtemp(join(tmpdir(), 'heddle-walk-'));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const env = { ...process.env, HEDDLE_TOKEN: await mesh.token() };
  const { stdout } = await promisify(execFile)('sh', ['-c', here], { cwd, env });
  expect(stdout).toContain('"Status":"SIGNED"');
  expect(stdout).toContain('the same to the last byte');
  expect(stdout).not.toContain('"code":');
});

describe('a contract', () => {
  test('that is signed may be ordered on by its partner, and its partner is not archived', async () => {
    const stranger = await orders.knownPartner();
    await vi.waitFor(async () => expect(await order(partner)).toMatchObject({ status: 201 }), { timeout: 20_000 });
    const foreign = await order(stranger);
    expect(foreign.json).toMatchObject({ status: 409, code: 'conflict', field: 'Contract' });
    await vi.waitFor(
      async () => expect(await archive()).toMatchObject({ json: { code: 'conflict', field: 'IsMarkedForArchiving' } }),
      { timeout: 20_000 },
    );
  });

  test('that is terminated is ordered on no more, and lets its partner go', async () => {
    expect((await contracts.terminate(key)).json).toMatchObject({ Status: 'TERMINATED' });
    const { event } = await pulled('Terminated');
    expect(event.data).toMatchObject({ Contract: key, Counterparty: partner, Reason: 'Notice was given.' });
    await vi.waitFor(async () => expect((await order(partner)).json).toMatchObject({ status: 409, code: 'conflict' }), {
      timeout: 20_000,
    });
    expect(await download(reference.href)).toBe(sha256);
    await vi.waitFor(async () => expect(await archive()).toMatchObject({ status: 200 }), { timeout: 20_000 });
  });

  test('that was concluded elsewhere is published by who may, and orders may be on it, too', async () => {
    const buyer = await orders.knownPartner();
    const [elsewhere] = await publishContracts(gateway, [`X-${freshKey()}`], { Counterparty: buyer });
    const answer = await vi.waitFor(
      async () => {
        const created = await order(buyer, elsewhere!.subject);
        expect(created.status, created.text).toBe(201);
        return created;
      },
      { timeout: 20_000 },
    );
    expect(answer.json).toMatchObject({ Contract: elsewhere!.subject });
    const entry = await call('GET', `${gateway}/v1/catalogue/${CONTRACT_SIGNED}`);
    expect(entry.json).toMatchObject({ owner: 'contract', publish: 'open' });
    expect(await call('GET', `${gateway}/v1/objects/contract/${elsewhere!.subject}`)).toMatchObject({ status: 404 });
  });
});

/** Sends the document of the contract in chunks, with no word of how many bytes they are. */
async function upload(
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; json: unknown }> {
  const url = `${mesh.url('contract')}/contracts/${key}/document`;
  const own = { ...(await authorizationFor(url)), 'content-type': 'application/pdf', ...headers };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'PUT', headers: own }, (answer) => {
      let text = '';
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, json: JSON.parse(text) }));
    });
    asked.on('error', reject);
    for (let at = 0; at < body.length; at += 100_000) asked.write(body.subarray(at, at + 100_000));
    asked.end();
  });
}

/** Reads a document at the gateway; its hash. */
async function download(href: string, given: Record<string, string> = {}): Promise<string> {
  const headers = { ...(await authorizationFor(gateway)), ...given };
  const answer = await fetch(gateway + href, { headers });
  expect(answer.status).toBe(200);
  const hash = createHash('sha256');
  for await (const part of answer.body!) hash.update(part);
  return hash.digest('hex');
}

async function head(href: string): Promise<{ status: number; headers: Record<string, string> }> {
  const answer = await fetch(gateway + href, { method: 'HEAD', headers: await authorizationFor(gateway) });
  return { status: answer.status, headers: Object.fromEntries(answer.headers) };
}

/** Accepts what comes until it is what happened to the contract. */
async function pulled(action: string): Promise<QueueDelivery> {
  for (;;) {
    const deliveries = await pullDeliveries(gateway, queue, { max: 100, waitMs: 20_000 });
    expect(deliveries, action).not.toEqual([]);
    await settlePulled(
      gateway,
      queue,
      deliveries.map(({ lease }) => ({ lease, action: 'accept' })),
    );
    const found = deliveries.find(({ event }) => event.subject === key && event.type.includes(`.${action}.`));
    if (found !== undefined) return found;
  }
}

function order(soldTo: string, contract = key): Promise<Answer> {
  const body = { ...createOrder(freshKey(), soldTo), Contract: contract };
  return call('POST', `${mesh.url('sales-order')}/sales-orders`, { body });
}

function archive(): Promise<Answer> {
  const url = `${mesh.url('business-partner')}/business-partners/${partner}`;
  return call('PATCH', url, { headers: { 'if-match': '*' }, body: { IsMarkedForArchiving: true } });
}

async function residentBytes(app: MeshApp): Promise<number> {
  const status = await readFile(`/proc/${mesh.app(app).pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

/** What the service has stored of documents. */
async function stored(): Promise<unknown> {
  const url = new URL(inject('stack').databaseUrl);
  url.pathname = '/contract';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    const { rows } = await client.query(
      'select (select count(*) from document) as documents, count(*) as chunks, sum(length(bytes)) as bytes from document_chunk',
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

/** A body that is cut off once so much of it has come. */
function cutAfter(response: Response, most: number): ReadableStream<Uint8Array> {
  let bytes = 0;
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > most) throw new Error('cut off');
      controller.enqueue(chunk);
    },
  });
  return response.body!.pipeThrough(cut) as ReadableStream<Uint8Array>;
}
