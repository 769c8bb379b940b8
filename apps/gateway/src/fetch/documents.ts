import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Caller } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { Agent, type Dispatcher, request } from 'undici';
import type { LimitValues } from '../limits/limit.settings.js';
import type { GatewayMetrics } from '../metrics.js';
import type { Objects, ServiceToken } from './objects.js';

/** What a reader asks for. */
export interface DocumentWish {
  object: string;
  key: string;
  /** The hash of the one document that will do, in hexadecimal digits. */
  sha256?: string | undefined;
  /** As its If-None-Match says. */
  known?: string | undefined;
  /** Which part, as its Range says, and of which document, as its If-Range does. */
  range?: string | undefined;
  ifRange?: string | undefined;
  /** Whether it wants to know what the document is, and not to have it. */
  isHead?: boolean;
}

/** The document of an object, as its owner answers. */
export interface DocumentAnswer {
  /** Of the part that was asked for, 206. */
  status: 200 | 206 | 304 | 416;
  headers: Record<string, string>;
  /** To be read to its end, or destroyed; nothing for who has it already, or asks for what is not there. */
  body: Readable | undefined;
}

type DocumentLimits = Pick<
  LimitValues,
  'limitDocumentBytes' | 'limitDocumentMs' | 'limitDocuments' | 'limitClientDocuments'
>;

/** An owner that says nothing for so long is not there; it is no owner's fault when its reader takes nothing. */
const OWNER_TIMEOUT_MS = 5000;
const ETAG = /^"([0-9a-f]{64})"$/;
/** Headers of an owner that are its reader's, too; what else it says is between it and this gateway. */
const HANDED_ON = [
  'content-type',
  'content-length',
  'content-range',
  'accept-ranges',
  'content-digest',
  'repr-digest',
  'etag',
] as const;
const PART = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/;
/** Of a document nobody here has looked at: no browser is to run it as a page of the gateway. */
const AS_BYTES = {
  'cache-control': 'private, no-cache',
  'content-disposition': 'attachment',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
} as const;

/**
 * Hands documents of business objects on from their owners to readers, as they come: the owner is asked for no more than
 * the reader takes, and nobody holds a document whole. One that is asked for by its hash is that one, or none.
 */
export class Documents {
  #byClient = new Map<string, number>();
  #open = 0;
  #agent: Agent;

  constructor(
    private readonly objects: Pick<Objects, 'requireFetch' | 'urlOf'>,
    private readonly token: ServiceToken,
    private readonly limits: DocumentLimits,
    private readonly metrics: GatewayMetrics,
  ) {
    const timeouts = { headersTimeout: OWNER_TIMEOUT_MS, bodyTimeout: OWNER_TIMEOUT_MS };
    this.#agent = new Agent({
      connections: limits.limitDocuments,
      connect: { timeout: OWNER_TIMEOUT_MS },
      ...timeouts,
    });
  }

  /**
   * The document of an object of the caller's tenant, for whoever may fetch the object.
   *
   * @throws HeddleError `permission-missing`, `not-found`, `conflict` when the document has another hash by now,
   *   `object-behind` when its owner does not have it yet, `owner-unavailable`, `busy`
   */
  async open(caller: Caller, wish: DocumentWish): Promise<DocumentAnswer> {
    const { object, key, sha256 } = wish;
    this.objects.requireFetch(caller, object);
    const url = new URL(`${this.objects.urlOf(caller.tenant, object, key)}/document`);
    if (sha256 !== undefined) url.searchParams.set('sha256', sha256);
    const leave = this.#enter(caller);
    let response: Dispatcher.ResponseData;
    // Over the body, too: a reader may take its time, but not for ever.
    const deadline = AbortSignal.timeout(this.limits.limitDocumentMs);
    try {
      response = await this.#ask(url, await this.token(caller.tenant), wish, deadline);
    } catch (error) {
      leave();
      throw error;
    }
    const { body, statusCode } = response;
    body.once('close', leave);
    try {
      // What is no document is small, and its connection good for the next one.
      if (!hasDocument(statusCode)) await body.dump().catch(() => undefined);
      const headers = this.#headersOf(response, wish);
      this.metrics.fetches.inc({ outcome: 'document' });
      const status = statusCode as DocumentAnswer['status'];
      return { status, headers, body: hasDocument(statusCode) ? body : undefined };
    } catch (error) {
      body.on('error', () => undefined).destroy();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Counts a document until it has been handed on. @throws HeddleError `busy` */
  #enter({ tenant, client }: Caller): () => void {
    const { limitDocuments, limitClientDocuments } = this.limits;
    const name = `${tenant}/${client}`;
    const own = this.#byClient.get(name) ?? 0;
    const retry = { retryAfterSeconds: 1 };
    if (own >= limitClientDocuments) {
      throw new HeddleError('busy', `The client ${client} reads ${own} documents already.`, retry);
    }
    if (this.#open >= limitDocuments) {
      throw new HeddleError('busy', `${limitDocuments} documents are being read already.`, retry);
    }
    this.#open += 1;
    this.#byClient.set(name, own + 1);
    return () => {
      this.#open -= 1;
      const left = (this.#byClient.get(name) ?? 1) - 1;
      if (left === 0) this.#byClient.delete(name);
      else this.#byClient.set(name, left);
    };
  }

  async #ask(
    url: URL,
    token: string,
    { known, range, ifRange, isHead = false }: DocumentWish,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await request(url, {
        dispatcher: this.#agent,
        method: isHead ? 'HEAD' : 'GET',
        headers: {
          authorization: `Bearer ${token}`,
          'accept-encoding': 'identity',
          ...(known === undefined ? {} : { 'if-none-match': known }),
          ...(range === undefined || isHead
            ? {}
            : { range, ...(ifRange === undefined ? {} : { 'if-range': ifRange }) }),
        },
        signal,
      });
    } catch (cause) {
      throw new HeddleError('owner-unavailable', 'The service that owns the document did not answer; try again.', {
        cause,
        retryAfterSeconds: 1,
      });
    }
  }

  #headersOf({ statusCode, headers }: Dispatcher.ResponseData, wish: DocumentWish): Record<string, string> {
    const { object, key, sha256 } = wish;
    if (statusCode === 404 && sha256 === undefined) {
      throw new HeddleError('not-found', `The owner of ${object} ${key} knows no document of it.`);
    }
    if (statusCode === 404) {
      // Who was told of a document knows that there is one: its owner has to catch up, not the reader to give up.
      throw new HeddleError('object-behind', `The owner of ${object} ${key} has no document of it yet; try again.`, {
        retryAfterSeconds: 1,
      });
    }
    if (statusCode === 409) {
      throw new HeddleError(
        'conflict',
        `The document of ${object} ${key} is another one now: fetch the object again.`,
        {
          field: 'sha256',
        },
      );
    }
    const [, hash] = ETAG.exec(String(headers.etag)) ?? [];
    const isAsked = statusCode === 200 || statusCode === 304 || (isPartial(statusCode) && wish.range !== undefined);
    if (!isAsked || hash === undefined) throw useless(String(statusCode));
    if (sha256 !== undefined && hash !== sha256) throw useless('another document');
    if (hasDocument(statusCode)) this.#mustBeBounded(headers['content-length']);
    if (statusCode === 206) mustBePart(headers);
    if (statusCode === 416) return onlyOf(headers, ['etag', 'content-range', 'accept-ranges']);
    return { ...AS_BYTES, ...onlyOf(headers, HANDED_ON) };
  }

  /** What the owner says it will send: more than it says never arrives. */
  #mustBeBounded(length: string | string[] | undefined): void {
    const { limitDocumentBytes } = this.limits;
    if (Number(length) <= limitDocumentBytes) return;
    throw useless(`a document of ${length === undefined ? 'any size' : `${String(length)} bytes`}`);
  }
}

function hasDocument(status: number): boolean {
  return status === 200 || status === 206;
}

function isPartial(status: number): boolean {
  return status === 206 || status === 416;
}

/** As many bytes as it says, of a document that has them: readers put parts together. */
function mustBePart({ 'content-range': range, 'content-length': length }: IncomingHttpHeaders): void {
  const [, first, last, size] = PART.exec(String(range))?.map(Number) ?? [];
  const isWhole = first !== undefined && last !== undefined && size !== undefined && first <= last && last < size;
  if (!isWhole || last - first + 1 !== Number(length)) throw useless(`the part ${String(range).slice(0, 100)}`);
}

function onlyOf(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const own = names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : []));
  return Object.fromEntries(own) as Record<string, string>;
}

function useless(answer: string): HeddleError {
  return new HeddleError('owner-unavailable', `The service that owns the document answered with ${answer}.`, {
    retryAfterSeconds: 1,
  });
}
