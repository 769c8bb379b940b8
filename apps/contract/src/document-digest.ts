import type { IncomingHttpHeaders } from 'node:http';
import { HeddleError } from '@heddle/event';

/** One member of a dictionary of structured fields (RFC 8941 §3.2) whose value is a byte sequence. */
const SHA256 = /(?:^|,)[ \t]*sha-256=(?::([A-Za-z0-9+/=]*):)?/;
const SHA256_BYTES = 32;

/**
 * The SHA-256 that a request announces for its body (RFC 9530), in hexadecimal digits. `Repr-Digest` and
 * `Content-Digest` are the same here, for a body is the whole of the document and never packed. Other algorithms are
 * passed over, as the RFC allows.
 *
 * @throws HeddleError `body-invalid` for what is no SHA-256, and for two that differ
 */
export function announcedDigest(headers: IncomingHttpHeaders): string | undefined {
  const content = digestOf('content-digest', headers);
  const representation = digestOf('repr-digest', headers);
  if (content !== undefined && representation !== undefined && content !== representation) {
    throw new HeddleError('body-invalid', 'Content-Digest and Repr-Digest announce two different documents.', {
      field: 'repr-digest',
    });
  }
  return content ?? representation;
}

function digestOf(name: 'content-digest' | 'repr-digest', headers: IncomingHttpHeaders): string | undefined {
  const header = headers[name];
  const match = typeof header === 'string' ? SHA256.exec(header) : null;
  if (match === null) return undefined;
  const bytes = Buffer.from(match[1] ?? '', 'base64');
  if (bytes.length === SHA256_BYTES) return bytes.toString('hex');
  throw new HeddleError('body-invalid', `${name} must have a SHA-256 as sha-256=:<base64 of its 32 bytes>:`, {
    field: name,
  });
}
