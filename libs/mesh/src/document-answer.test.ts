import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { HeddleError } from '@heddle/event';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { answerDocument, digestHeader } from './document-answer.js';

const BYTES = randomBytes(1000);
const sha256 = createHash('sha256').update(BYTES).digest('hex');
const ETAG = `"${sha256}"`;

const app = Fastify();
app.setErrorHandler((error, _request, reply) =>
  reply.status(416).send(error instanceof HeddleError ? error.code : String(error)),
);
app.get('/document', (_request, reply) => {
  const open = ({ first, last } = { first: 0, last: 999 }) => Readable.from([BYTES.subarray(first, last + 1)]);
  answerDocument(reply, { mediaType: 'text/html', sizeBytes: 1000, sha256, open });
});

const get = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  app.inject({ method, url: '/document', headers });

it('a document is answered whole, with its hash and that parts of it may be asked for, as bytes and no page', async () => {
  const { statusCode, headers, rawPayload } = await get();
  expect(statusCode).toBe(200);
  expect(rawPayload.equals(BYTES)).toBe(true);
  expect(headers).toMatchObject({
    etag: ETAG,
    'accept-ranges': 'bytes',
    'content-length': '1000',
    'content-digest': digestHeader(sha256),
    'repr-digest': digestHeader(sha256),
    'content-disposition': 'attachment',
  });
});

it('a part of it is answered as that part, with the digest of the whole and none of its own', async () => {
  const { statusCode, headers, rawPayload } = await get({ range: 'bytes=100-199' });
  expect(statusCode).toBe(206);
  expect(rawPayload.equals(BYTES.subarray(100, 200))).toBe(true);
  expect(headers).toMatchObject({
    etag: ETAG,
    'content-length': '100',
    'content-range': 'bytes 100-199/1000',
    'repr-digest': digestHeader(sha256),
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
  });
  expect(headers).not.toHaveProperty('content-digest');
  expect((await get({ range: 'bytes=-1' })).rawPayload.equals(BYTES.subarray(999))).toBe(true);
});

it('a part is for who has another part of the same document, and all of it for who has one of another', async () => {
  expect((await get({ range: 'bytes=100-', 'if-range': ETAG })).statusCode).toBe(206);
  for (const other of ['"ab"', `W/${ETAG}`, 'Sat, 29 Oct 1994 19:43:31 GMT', sha256]) {
    const { statusCode, rawPayload } = await get({ range: 'bytes=100-', 'if-range': other });
    expect([other, statusCode, rawPayload.length]).toEqual([other, 200, 1000]);
  }
});

it('who asks for bytes that are not there is told how many there are', async () => {
  const { statusCode, headers, body } = await get({ range: 'bytes=1000-' });
  expect([statusCode, headers['content-range'], body]).toEqual([416, 'bytes */1000', 'range-unsatisfiable']);
});

it('who has the document gets nothing, and for HEAD a range is passed over', async () => {
  expect((await get({ 'if-none-match': ETAG, range: 'bytes=0-1' })).statusCode).toBe(304);
  const head = await get({ range: 'bytes=0-1' }, 'HEAD');
  expect([head.statusCode, head.headers['content-length'], head.rawPayload.length]).toEqual([200, '1000', 0]);
});
