import { createHash, randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMetrics } from '@heddle/runtime';
import type { EventType } from '@heddle/schema';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { LIMIT_VALUES } from '../limits/limit.settings.js';
import { createGatewayMetrics } from '../metrics.js';
import { type DocumentAnswer, Documents } from './documents.js';
import { Objects } from './objects.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const HASH = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const wish = { object: 'contract', key: 'C/1' };

describe('documents of objects', () => {
  let asked: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;
  let base: string;
  let documents: Documents;
  const metrics = createGatewayMetrics(createMetrics('test'));
  const owner = createServer((request, response) => {
    asked.push(request);
    void answer(request, response);
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(owner.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    asked = [];
    documents = opened();
  });

  afterEach(() => documents.close());

  afterAll(async () => {
    owner.closeAllConnections();
    await new Promise((resolve) => owner.close(resolve));
  });

  function opened(limits: Partial<typeof LIMIT_VALUES> = {}): Documents {
    const type = { type: TYPE, object: 'contract', owner: 'contract', fetch: '/contracts/{key}' } as EventType;
    const owners = new Map([['local/contract', base]]);
    const token = (tenant: string): string => `token-of-${tenant}`;
    const objects = new Objects({ list: () => [type] }, owners, token, metrics);
    return new Documents(objects, token, { ...LIMIT_VALUES, ...limits }, metrics);
  }

  /** Answers with a document as its owner does. */
  function answerWith(body: string | Buffer, headers: Record<string, string> = {}): void {
    answer = (_request, response) => {
      const length = { 'content-length': String(Buffer.byteLength(body)) };
      response.writeHead(200, { etag: `"${HASH}"`, 'content-type': 'text/html', ...length, ...headers }).end(body);
    };
  }

  async function bytesOf({ body }: Pick<DocumentAnswer, 'body'>): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of body!) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  it('are asked for with the token of the tenant, and handed on with what says what they are, as bytes and no page', async () => {
    answerWith('<script>', { 'set-cookie': 'x=1', 'content-digest': 'sha-256=:x:', server: 'own' });
    const found = await documents.open(callerFor(), { ...wish, sha256: HASH });
    expect((await bytesOf(found)).toString()).toBe('<script>');
    expect(found.headers).toEqual({
      etag: `"${HASH}"`,
      'content-type': 'text/html',
      'content-length': '8',
      'content-digest': 'sha-256=:x:',
      'cache-control': 'private, no-cache',
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(asked[0]).toMatchObject({
      url: `/contracts/C%2F1/document?sha256=${HASH}`,
      headers: { authorization: 'Bearer token-of-local' },
    });
  });

  it('are handed on in parts, to who asks for them, of that document alone', async () => {
    answer = ({ headers }, response) => {
      expect(headers).toMatchObject({ range: 'bytes=2-4', 'if-range': `"${HASH}"` });
      const part = { 'content-range': 'bytes 2-4/8', 'content-length': '3', 'repr-digest': 'sha-256=:x:' };
      response.writeHead(206, { etag: `"${HASH}"`, 'accept-ranges': 'bytes', ...part }).end('cri');
    };
    const found = await documents.open(callerFor(), { ...wish, range: 'bytes=2-4', ifRange: `"${HASH}"` });
    expect([found.status, (await bytesOf(found)).toString()]).toEqual([206, 'cri']);
    expect(found.headers).toMatchObject({
      'content-range': 'bytes 2-4/8',
      'content-length': '3',
      'accept-ranges': 'bytes',
      'repr-digest': 'sha-256=:x:',
      'content-disposition': 'attachment',
    });
  });

  it('are sent whole by an owner that knows no parts', async () => {
    answerWith('text');
    const found = await documents.open(callerFor(), { ...wish, range: 'bytes=2-' });
    expect([found.status, (await bytesOf(found)).toString()]).toEqual([200, 'text']);
  });

  it('have no bytes beyond their end, and nothing but their size is said of them then', async () => {
    answer = (_request, response) => {
      const none = { etag: `"${HASH}"`, 'content-range': 'bytes */8', 'content-type': 'application/problem+json' };
      response.writeHead(416, none).end('{}');
    };
    const { status, headers, body } = await documents.open(callerFor(), { ...wish, range: 'bytes=9-' });
    expect([status, body]).toEqual([416, undefined]);
    expect(headers).toEqual({ etag: `"${HASH}"`, 'content-range': 'bytes */8' });
  });

  it.each([
    ['that nobody asked for', undefined, { 'content-range': 'bytes 2-4/8', 'content-length': '3' }],
    ['without saying which', 'bytes=2-4', { 'content-length': '3' }],
    ['of another length than they say', 'bytes=2-4', { 'content-range': 'bytes 2-5/8', 'content-length': '3' }],
    ['beyond the end', 'bytes=2-4', { 'content-range': 'bytes 6-8/8', 'content-length': '3' }],
    ['of any length', 'bytes=2-4', { 'content-range': 'bytes 2-4/8', 'transfer-encoding': 'chunked' }],
  ])('in parts %s are an error', async (_what, range, headers) => {
    answer = (_request, response) => void response.writeHead(206, { etag: `"${HASH}"`, ...headers }).end('cri');
    const refused = documents.open(callerFor(), { ...wish, range });
    await expect(refused).rejects.toMatchObject({ code: 'owner-unavailable' });
  });

  it('are not sent to who has them', async () => {
    answer = ({ headers }, response) =>
      void response.writeHead(headers['if-none-match'] === `"${HASH}"` ? 304 : 500, { etag: `"${HASH}"` }).end();
    const { headers, body } = await documents.open(callerFor(), { ...wish, known: `"${HASH}"` });
    expect([headers['etag'], body]).toEqual([`"${HASH}"`, undefined]);
  });

  it('are not sent to who only wants to know what they are', async () => {
    answerWith('text');
    const { headers, body } = await documents.open(callerFor(), { ...wish, isHead: true });
    expect([asked[0]!.method, headers['content-length'], (await bytesOf({ body })).length]).toEqual(['HEAD', '4', 0]);
  });

  it('are for whoever may fetch the object, and there are none of a tenant without that service', async () => {
    const refused = documents.open(callerFor('local', ['consume:type:*', 'fetch:type:sap.*']), wish);
    await expect(refused).rejects.toMatchObject({ code: 'permission-missing' });
    await expect(documents.open(callerFor('acme'), wish)).rejects.toMatchObject({ code: 'not-found' });
    await expect(documents.open(callerFor(), { ...wish, object: 'none' })).rejects.toMatchObject({ code: 'not-found' });
    expect(asked).toEqual([]);
  });

  it.each<[what: string, sha256: string | undefined, status: number, headers: object, code: string]>([
    ['that are not there', undefined, 404, {}, 'not-found'],
    ['that are not there yet, for who was told of one', HASH, 404, {}, 'object-behind'],
    ['that are others now', HASH, 409, {}, 'conflict'],
    ['that are others than their owner was asked for', OTHER, 200, { etag: `"${HASH}"` }, 'owner-unavailable'],
    ['that have no hash', undefined, 200, { etag: '"1"' }, 'owner-unavailable'],
    ['that the gateway may not have', undefined, 403, {}, 'owner-unavailable'],
    ['of an owner whose store is away', undefined, 503, {}, 'owner-unavailable'],
    ['of any size', undefined, 200, { etag: `"${HASH}"`, 'transfer-encoding': 'chunked' }, 'owner-unavailable'],
    ['too large', undefined, 200, { etag: `"${HASH}"`, 'content-length': '20971521' }, 'owner-unavailable'],
  ])('%s are an error, and nothing of them is handed on', async (_what, sha256, status, headers, code) => {
    answer = (_request, response) => void response.writeHead(status, { ...headers }).write('x', () => response.end());
    await expect(documents.open(callerFor(), { ...wish, sha256 })).rejects.toMatchObject({ code });
    answerWith('and now');
    expect((await bytesOf(await documents.open(callerFor(), wish))).toString()).toBe('and now');
  });

  it('of an owner that is away are unavailable', async () => {
    answer = (request) => void request.socket.destroy();
    await expect(documents.open(callerFor(), wish)).rejects.toMatchObject({ code: 'owner-unavailable' });
  });

  it('come no faster than they are read, and whole', async () => {
    const large = randomBytes(64 * 1024 * 1024);
    await documents.close();
    documents = opened({ limitDocumentBytes: large.length });
    let written = 0;
    answer = async (_request, response) => {
      response.writeHead(200, { etag: `"${HASH}"`, 'content-length': String(large.length) });
      for (; written < large.length; written += 65_536) {
        if (!response.write(large.subarray(written, written + 65_536))) {
          await new Promise((resolve) => response.once('drain', resolve));
        }
      }
      response.end();
    };
    const found = await documents.open(callerFor(), wish);
    // The buffers of two sockets, and no more: what the owner could not write, it has not written.
    let before = -1;
    await vi.waitFor(
      () => {
        const same = written === before;
        before = written;
        if (!same) throw new Error('still writing');
      },
      { timeout: 10_000, interval: 300 },
    );
    expect(written).toBeLessThan(large.length / 2);
    const hash = createHash('sha256')
      .update(await bytesOf(found))
      .digest('hex');
    expect(hash).toBe(createHash('sha256').update(large).digest('hex'));
  });

  it('are so many at once, of one client and of all, and those that ended make room', async () => {
    await documents.close();
    documents = opened({ limitDocuments: 3, limitClientDocuments: 2 });
    answerWith(Buffer.alloc(4_000_000));
    const [one, other] = [callerFor(), callerFor('local', ['*'], 'other')];
    const open = [await documents.open(one, wish), await documents.open(one, wish)];
    await expect(documents.open(one, wish)).rejects.toMatchObject({ code: 'busy', message: /The client tester/ });
    open.push(await documents.open(other, wish));
    await expect(documents.open(other, wish)).rejects.toMatchObject({ code: 'busy' });
    await bytesOf(open[0]!);
    open[1]!.body!.on('error', () => undefined).destroy();
    const again = await vi.waitFor(async () => documents.open(one, wish), { timeout: 10_000 });
    await bytesOf(again);
    await bytesOf(open[2]!);
  });

  it('that nobody reads to their end are given up in time', async () => {
    await documents.close();
    documents = opened({ limitDocumentMs: 500, limitDocuments: 1 });
    answerWith(Buffer.alloc(8_000_000));
    const { body } = await documents.open(callerFor(), wish);
    const failed = new Promise((resolve) => body!.once('error', resolve));
    expect(await failed).toMatchObject({ name: 'TimeoutError' });
    // One that is read within that time on any machine.
    answerWith('small');
    const next = await vi.waitFor(async () => documents.open(callerFor(), wish), { timeout: 10_000 });
    expect(await bytesOf(next)).toHaveLength(5);
  });

  it('whose owner breaks off are broken off', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { etag: `"${HASH}"`, 'content-length': '100' }).write('x');
      setTimeout(() => response.destroy(), 50);
    };
    await expect(documents.open(callerFor(), wish).then(bytesOf)).rejects.toThrow();
  });
});
