import { createHash } from 'node:crypto';
import { Refusal, refusalOf, unreachable } from './refusal.js';
import { type TokenSource, tokensOf } from './tokens.js';

/** A document as data refers to it: where it is, and what it is. */
export interface DocumentReference {
  href: string;
  /** Of its bytes, in hexadecimal. */
  sha256: string;
  sizeBytes?: number | undefined;
  mediaType?: string | undefined;
}

export interface FetchDocument {
  /** Where documents may be fetched from, such as `https://documents.example.com`; anywhere when left out. */
  origins?: readonly string[];
  /** Shown where `tokenOrigin` is, and nowhere else. */
  token?: TokenSource;
  tokenOrigin?: string;
  /** Bytes at most; 64 MiB by default. */
  maxBytes?: number;
  signal?: AbortSignal;
  fetch?: typeof fetch;
}

/** A document on its way. */
export interface FetchedDocument {
  mediaType: string | undefined;
  /**
   * Its bytes, as they come; fails at the end with the Refusal `document-changed` when they are not those referred to. So
   * keep what comes apart until the end.
   */
  stream: ReadableStream<Uint8Array>;
}

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Fetches a document and checks, while it passes, that it is the one referred to, by its SHA-256 and its size.
 *
 * @throws Refusal when it is not answered, or as `reference-refused` when it is elsewhere than documents may be, or larger
 */
export async function fetchDocument(
  { href, sha256, sizeBytes, mediaType }: DocumentReference,
  { origins, token, tokenOrigin, maxBytes = MAX_BYTES, signal, fetch: request = fetch }: FetchDocument = {},
): Promise<FetchedDocument> {
  const url = urlOf(href, origins);
  if (!/^[0-9a-f]{64}$/i.test(sha256)) throw refused('its sha256 is none');
  if (sizeBytes !== undefined && sizeBytes > maxBytes)
    throw refused(`it has ${sizeBytes} bytes, more than ${maxBytes}`);
  const isOurs = token !== undefined && tokenOrigin !== undefined && url.origin === new URL(tokenOrigin).origin;
  const headers: Record<string, string> = isOurs ? { authorization: `Bearer ${await tokensOf(token).get()}` } : {};
  let response: Response;
  try {
    response = await request(url.href, { headers, ...(signal === undefined ? {} : { signal }) });
  } catch (cause) {
    throw unreachable(url.href, cause);
  }
  if (!response.ok) throw await refusalOf(response);
  if (response.body === null) throw new Refusal('answer-unreadable', 'The document was answered without a body.');
  const check = checking(sha256.toLowerCase(), sizeBytes, maxBytes);
  const stream = response.body.pipeThrough(check) as ReadableStream<Uint8Array>;
  return { mediaType: mediaType ?? response.headers.get('content-type') ?? undefined, stream };
}

function checking(sha256: string, size: number | undefined, most: number): TransformStream<Uint8Array, Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  const changed = (how: string): Refusal => new Refusal('document-changed', `The document ${how}.`);
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > (size ?? most)) throw changed(`has more than ${size ?? most} bytes`);
      hash.update(chunk);
      controller.enqueue(chunk);
    },
    flush() {
      if (size !== undefined && bytes !== size) throw changed(`has ${bytes} bytes instead of ${size}`);
      if (hash.digest('hex') !== sha256) throw changed('is not the one that was referred to: its SHA-256 is another');
    },
  });
}

function urlOf(href: string, origins: readonly string[] | undefined): URL {
  if (!URL.canParse(href)) throw refused('it is no URL');
  const url = new URL(href);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused('it is neither http nor https');
  const isAllowed = origins === undefined || origins.some((origin) => new URL(origin).origin === url.origin);
  if (!isAllowed) throw refused(`it leads to ${url.origin}`);
  return url;
}

function refused(why: string): Refusal {
  return new Refusal('reference-refused', `The reference to the document is not followed: ${why}.`);
}
