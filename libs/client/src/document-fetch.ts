import { createHash } from 'node:crypto';
import { Backoff, pause } from './backoff.js';
import { type DocumentSource, type Part, documentSource } from './document-source.js';
import { Refusal } from './refusal.js';
import { type TokenSource, tokensOf } from './tokens.js';

/** A document as data refers to it: where it is, and what it is. */
export interface DocumentReference {
  href: string;
  /** Of its bytes, in hexadecimal. */
  sha256: string;
  sizeBytes?: number | undefined;
  mediaType?: string | undefined;
}

/** Which documents are fetched, with what token. */
export interface FetchDocument {
  /** Where documents may be fetched from, such as `https://documents.example.com`; anywhere when left out. */
  origins?: readonly string[];
  /** Shown where `tokenOrigin` is, and nowhere else. */
  token?: TokenSource;
  tokenOrigin?: string;
  /** Bytes at most; 64 MiB by default. */
  maxBytes?: number;
  /**
   * Its first bytes, where a download that ended before has left them: they are checked with the rest, and not fetched
   * again, where documents may be had in parts.
   */
  have?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** So long nothing may come, in milliseconds, before it is asked for again; 15 s by default. */
  idleMs?: number;
  /** For so long nothing new has come, in milliseconds, and it is given up; 30 s by default. */
  waitMs?: number;
  signal?: AbortSignal;
  fetch?: typeof fetch;
}

/** A document on its way. */
export interface FetchedDocument {
  mediaType: string | undefined;
  /**
   * Its bytes, those in `have` left out, as they come. A connection that breaks off is made anew, and goes on behind them.
   * Fails at the end with the Refusal `document-changed` when they are not those referred to. So keep what comes apart
   * until the end.
   */
  stream: ReadableStream<Uint8Array>;
}

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Fetches a document and checks, while it passes, that it is the one referred to, by its SHA-256 and its size.
 *
 * @throws Refusal when it is not answered in time, or as `reference-refused` when it is elsewhere than documents may be, or
 * larger; what `signal` is aborted with
 */
export async function fetchDocument(
  { href, sha256, sizeBytes, mediaType }: DocumentReference,
  options: FetchDocument = {},
): Promise<FetchedDocument> {
  const { origins, token, tokenOrigin, maxBytes = MAX_BYTES, have = [], idleMs = 15_000, waitMs = 30_000 } = options;
  const url = urlOf(href, origins);
  if (!/^[0-9a-f]{64}$/i.test(sha256)) throw refused('its sha256 is none');
  if (sizeBytes !== undefined && sizeBytes > maxBytes)
    throw refused(`it has ${sizeBytes} bytes, more than ${maxBytes}`);
  const isOurs = token !== undefined && tokenOrigin !== undefined && url.origin === new URL(tokenOrigin).origin;
  const { signal, fetch: request = fetch } = options;
  const tokens = isOurs ? tokensOf(token) : undefined;
  const source = documentSource({ url, tokens, idleMs, signal, request });
  const check = new Check(sha256.toLowerCase(), sizeBytes, maxBytes);
  for await (const bytes of have) check.add(bytes);
  const download = new Download(source, check, waitMs, signal);
  const type = await download.begin();
  return { mediaType: mediaType ?? type, stream: download.stream() };
}

/** What has come so far, held to what was referred to. */
class Check {
  bytes = 0;
  readonly #hash = createHash('sha256');

  constructor(
    private readonly sha256: string,
    private readonly size: number | undefined,
    private readonly most: number,
  ) {}

  get isWhole(): boolean {
    return this.bytes === this.size;
  }

  /** @throws Refusal `document-changed` */
  add(bytes: Uint8Array): void {
    this.bytes += bytes.length;
    const most = this.size ?? this.most;
    if (this.bytes > most) throw changed(`has more than ${most} bytes`);
    this.#hash.update(bytes);
  }

  /** @throws Refusal `document-changed` */
  end(): void {
    if (this.size !== undefined && !this.isWhole) throw changed(`has ${this.bytes} bytes instead of ${this.size}`);
    if (this.#hash.digest('hex') !== this.sha256)
      throw changed('is not the one that was referred to: its SHA-256 is another');
  }
}

/** One document, over however many connections it takes. */
class Download {
  #part: Part | undefined;
  readonly #backoff = new Backoff(200, 2000);
  #giveUpAt: number;

  constructor(
    private readonly source: DocumentSource,
    private readonly check: Check,
    private readonly waitMs: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#giveUpAt = Date.now() + waitMs;
  }

  /** Its media type, once it is answered; of one that is here already there is nothing to ask. */
  async begin(): Promise<string | undefined> {
    if (this.check.isWhole) return undefined;
    this.#part = await this.#next();
    return this.#part.mediaType;
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const bytes = await this.#read();
          if (bytes !== undefined) return controller.enqueue(bytes);
          this.check.end();
          controller.close();
        } catch (error) {
          this.#part?.cancel();
          controller.error(error);
        }
      },
      cancel: () => this.#part?.cancel(),
    });
  }

  /** What comes next; nothing when all of it has come. */
  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#part === undefined) return undefined;
      try {
        const bytes = await this.#part.read();
        if (bytes !== undefined) {
          this.check.add(bytes);
          this.#backoff.succeeded();
          this.#giveUpAt = Date.now() + this.waitMs;
        }
        return bytes;
      } catch (error) {
        await this.#failed(error);
        this.#part = await this.#next();
      }
    }
  }

  async #next(): Promise<Part> {
    for (;;) {
      try {
        return await this.source(this.check.bytes);
      } catch (error) {
        await this.#failed(error);
      }
    }
  }

  /** Resolves when it may be tried again. @throws what cannot be mended by that, or not in time */
  async #failed(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    if (!(error instanceof Refusal) || !error.retryable) throw error;
    const retryInMs = this.#backoff.next(error.retryAfterMs);
    if (Date.now() + retryInMs > this.#giveUpAt) throw error;
    await pause(retryInMs, this.signal);
    this.signal?.throwIfAborted();
  }
}

function changed(how: string): Refusal {
  return new Refusal('document-changed', `The document ${how}.`);
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
