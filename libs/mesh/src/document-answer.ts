import { Readable } from 'node:stream';
import { HeddleError } from '@heddle/event';
import type { FastifyReply } from 'fastify';
import { type ByteRange, rangeOf } from './byte-range.js';

type Reply = Pick<FastifyReply, 'headers' | 'status' | 'send' | 'request'>;

/** A document that belongs to an object, as a service has stored it. */
export interface OwnDocument {
  mediaType: string;
  sizeBytes: number;
  /** Of its bytes, in hexadecimal digits. */
  sha256: string;
  /** All of it or a part, read from the store as fast as it is taken. */
  open(range?: ByteRange): Readable;
}

/**
 * Answers a GET or HEAD with a document as it is read from its store, with the part that `Range` asks for (RFC 9110 §14;
 * with `If-Range` while it is still that document), or with 304 for who has it. Its hash is its ETag.
 *
 * @throws HeddleError `range-unsatisfiable`
 */
export function answerDocument(reply: Reply, document: OwnDocument): void {
  const { mediaType, sizeBytes, sha256 } = document;
  const { method, headers } = reply.request;
  const etag = `"${sha256}"`;
  void reply.headers({ etag, 'cache-control': 'private, no-cache', 'accept-ranges': 'bytes' });
  if (isKnown(headers['if-none-match'], etag)) {
    void reply.status(304).send();
    return;
  }
  const range = method === 'GET' && isStill(headers['if-range'], etag) ? rangeOf(headers.range, sizeBytes) : 'whole';
  if (range === 'unsatisfiable') {
    void reply.headers({ 'content-range': `bytes */${sizeBytes}` });
    throw new HeddleError('range-unsatisfiable', `The document has ${sizeBytes} bytes, and none of those asked for.`, {
      field: 'range',
    });
  }
  const digest = digestHeader(sha256);
  void reply.headers({
    'content-type': mediaType,
    'repr-digest': digest,
    // Whoever brought it has said what it is, and nobody has looked: no browser is to run it as a page of ours.
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  });
  if (range === 'whole') {
    // For HEAD, Fastify reads what it is given to its end, and takes nothing at all for a length of zero.
    const body = method === 'HEAD' ? Readable.from([]) : document.open();
    void reply.headers({ 'content-length': String(sizeBytes), 'content-digest': digest }).send(body);
    return;
  }
  const { first, last } = range;
  // The digest of a part is not known before it has been read: there is that of the whole only.
  void reply
    .status(206)
    .headers({ 'content-length': String(last - first + 1), 'content-range': `bytes ${first}-${last}/${sizeBytes}` })
    .send(document.open(range));
}

/** `Content-Digest` and `Repr-Digest` of a document (RFC 9530). */
export function digestHeader(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

/** If-None-Match compares weakly, against each of a list (RFC 9110 §13.1.2). */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/** If-Range compares strongly, and a date says nothing of a document that has none (RFC 9110 §13.1.5). */
function isStill(ifRange: string | string[] | undefined, etag: string): boolean {
  return ifRange === undefined || String(ifRange).trim() === etag;
}
