import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { digestHeader } from './document-digest.js';
import type { StoredDocument } from './documents.js';

type Reply = Pick<FastifyReply, 'headers' | 'status' | 'send' | 'request'>;

/** Answers with a document as it is read from the store, or with 304 for who has it: its hash is its ETag. */
export function answerDocument(reply: Reply, document: StoredDocument, ifNoneMatch: string | undefined): void {
  const { mediaType, sizeBytes, sha256 } = document;
  const etag = `"${sha256}"`;
  void reply.headers({ etag, 'cache-control': 'private, no-cache' });
  if (isKnown(ifNoneMatch, etag)) {
    void reply.status(304).send();
    return;
  }
  const digest = digestHeader(sha256);
  // For HEAD, Fastify reads what it is given to its end, and takes nothing at all for a length of zero.
  const body = reply.request.method === 'HEAD' ? Readable.from([]) : document.open();
  void reply
    .headers({
      'content-type': mediaType,
      'content-length': String(sizeBytes),
      'content-digest': digest,
      'repr-digest': digest,
      // Whoever brought it has said what it is, and nobody has looked: no browser is to run it as a page of ours.
      'content-disposition': 'attachment',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    })
    .send(body);
}

/** If-None-Match compares weakly, against each of a list (RFC 9110 §13.1.2). */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
