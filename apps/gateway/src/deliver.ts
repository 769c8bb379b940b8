import type { ConnectionOptions } from 'node:tls';
import { HeddleError } from '@heddle/event';
import { Client, type Dispatcher as Undici, type buildConnector } from 'undici';
import type { ErrorClass } from './ledger/attempt.js';
import { guardedConnect } from './network/guarded-connect.js';
import type { ReceiverNetwork } from './network/receiver-network.js';

/** One request to a receiver. */
export interface Attempt {
  path: string;
  /** Names and values in turn. */
  headers: string[];
  body: Buffer;
}

/** How an attempt ended. */
export interface AttemptOutcome {
  /** Of the answer, even if it broke off; 0 when none came. */
  status: number;
  /** Why there is no complete answer; undefined when there is one. */
  error?: { class: ErrorClass; detail: string };
  /** Whether any of the request may have reached the receiver. */
  sent: boolean;
  /** What the answer asks for, up to 24 h; 0 when nothing. */
  retryAfterMs: number;
  /** How long the connection took, TLS included; undefined when there was one already. */
  connectMs: number | undefined;
  /** From the beginning to the head of the answer. */
  firstByteMs: number | undefined;
  totalMs: number;
  /** The first text, at most 1 KiB, of an answer that is not 2xx. */
  excerpt?: string;
  /** Given up by the gateway itself, which was stopping: says nothing about the receiver. */
  abandoned?: true;
}

/** What follows from an outcome. */
export type Verdict =
  | { done: true }
  | {
      done: false;
      reason: string;
      errorClass: ErrorClass;
      /** Nothing goes to this endpoint for so long. */
      pauseMs: number;
      /** The receiver wants nothing more, ever (410). */
      disable: boolean;
      /** It cannot keep up: fewer at once. */
      overloaded: boolean;
      /** What is likely to be wrong: the way there, the endpoint, this event in its eyes, or nothing but its pace. */
      blame: 'connection' | 'endpoint' | 'event' | 'pace';
      /** It is worth trying again at once. */
      again?: true;
    };

/** Told once how an attempt ended; must not throw. */
export interface AttemptListener {
  ended(outcome: AttemptOutcome): void;
}

export interface EndpointOptions {
  /** Until the answer is complete; 15 s, and at most that. */
  timeoutMs?: number | undefined;
  /** PEM: certificate and key of the gateway for mutual TLS, and who may have signed the receiver's. */
  tls?: Pick<ConnectionOptions, 'cert' | 'key' | 'ca' | 'passphrase'> | undefined;
  /** Where connections may go: nothing is connected to without being asked about. */
  network: ReceiverNetwork;
  /** Takes out of an excerpt what must not be kept; asked only where there is one. */
  redact?: ((excerpt: string) => string) | undefined;
}

const CONNECT_TIMEOUT_MS = 5000;
const TOTAL_TIMEOUT_MS = 15_000;
const SWEEP_MS = 100;
const KEEP_ALIVE_MS = 30_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_RESPONSE_BYTES = 64 * 1024;
const MAX_EXCERPT_BYTES = 1024;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** The connections to one receiver: as many as there are attempts at once, each used again for the next one. */
export class Endpoint {
  readonly #timeoutMs: number;
  readonly #connector: buildConnector.connector;
  readonly #redact: (excerpt: string) => string;
  /** The one used last is used next, so that those not needed grow old and close. */
  readonly #idle: Connection[] = [];
  /** In the order of their deadlines. */
  readonly #busy = new Set<Connection>();
  #closed = false;

  constructor(
    private readonly origin: string,
    { timeoutMs = TOTAL_TIMEOUT_MS, tls, network, redact = asItIs }: EndpointOptions,
  ) {
    this.#timeoutMs = Math.min(timeoutMs, TOTAL_TIMEOUT_MS);
    this.#redact = redact;
    this.#connector = guardedConnect(origin, network, {
      // HTTP/1.1 only: with one attempt to a connection, one that hangs holds nothing but itself.
      allowH2: false,
      timeout: Math.min(CONNECT_TIMEOUT_MS, this.#timeoutMs),
      ...tls,
    });
  }

  /** Makes one request; the listener hears how it ended, possibly before this returns. */
  attempt(request: Attempt, listener: AttemptListener): void {
    if (this.#closed) return listener.ended({ ...unmade('internal', 'the endpoint is closed'), abandoned: true });
    const connection =
      this.#idle.pop() ??
      new Connection(this.origin, this.#connector, this.#redact, (ended, usable) => this.#free(ended, usable));
    this.#busy.add(connection);
    if (this.#busy.size === 1) watch(this);
    connection.begin(request, listener, performance.now() + this.#timeoutMs);
  }

  /** Attempts under way. */
  get attempts(): number {
    return this.#busy.size;
  }

  /** Ends what is past its deadline; false when nothing is under way. */
  expire(now: number): boolean {
    for (const connection of this.#busy) {
      if (connection.deadline > now) break;
      connection.expire(this.#timeoutMs / 1000);
    }
    return this.#busy.size > 0;
  }

  /** Takes no more attempts; those under way end as they began. */
  retire(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.discard();
  }

  /** Cuts off what is under way; its listeners have heard of it when this returns. */
  close(): void {
    this.retire();
    for (const connection of this.#busy) connection.abandon();
  }

  #free(connection: Connection, usable: boolean): void {
    const wasBusy = this.#busy.delete(connection);
    if (usable && !this.#closed) this.#idle.push(connection);
    else {
      if (!wasBusy) {
        const at = this.#idle.indexOf(connection);
        if (at >= 0) this.#idle.splice(at, 1);
      }
      connection.discard();
    }
  }
}

/** All endpoints with attempts under way share one interval: a timer for each attempt would cost more than the rest. */
const watched = new Set<Endpoint>();
let sweep: NodeJS.Timeout | undefined;

function watch(endpoint: Endpoint): void {
  watched.add(endpoint);
  sweep ??= setInterval(() => {
    const now = performance.now();
    for (const each of watched) if (!each.expire(now)) watched.delete(each);
    if (watched.size > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  }, SWEEP_MS).unref();
}

/** One connection, with at most one attempt at a time. What was cut off may still answer: it is not used again. */
class Connection implements Undici.DispatchHandler {
  readonly #client: Client;
  #listener: AttemptListener | undefined;
  #startedAt = 0;
  #connectingAt = 0;
  #connectedAt = 0;
  #firstByteAt = 0;
  #sent = false;
  #status = 0;
  #retryAfterMs = 0;
  #bytes = 0;
  #kept: Buffer[] | undefined;
  #abandoned = false;
  deadline = 0;

  constructor(
    origin: string,
    connector: buildConnector.connector,
    private readonly redact: (excerpt: string) => string,
    private readonly onFree: (connection: Connection, usable: boolean) => void,
  ) {
    this.#client = new Client(origin, {
      pipelining: 1,
      // The deadline of the attempt covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: (options, callback) => {
        this.#connectingAt = performance.now();
        connector(options, (...result) => {
          this.#connectedAt = performance.now();
          callback(...result);
        });
      },
    });
    this.#client.on('disconnect', () => {
      if (this.#listener === undefined) this.onFree(this, false);
    });
  }

  begin({ path, headers, body }: Attempt, listener: AttemptListener, deadline: number): void {
    this.#listener = listener;
    this.deadline = deadline;
    this.#startedAt = performance.now();
    this.#firstByteAt = 0;
    this.#sent = false;
    this.#status = 0;
    this.#retryAfterMs = 0;
    this.#bytes = 0;
    this.#kept = undefined;
    this.#client.dispatch({ method: 'POST', path, headers, body }, this);
  }

  expire(seconds: number): void {
    if (this.#sent) this.#end(false, 'timeout', `no complete answer within ${seconds} s`);
    else this.#end(false, 'connect', `no connection within ${seconds} s`);
  }

  abandon(): void {
    this.#abandoned = true;
    this.#end(false, 'internal', 'cut off by the gateway');
  }

  discard(): void {
    if (!this.#client.destroyed) void this.#client.destroy();
  }

  onRequestStart(): void {
    this.#sent = true;
  }

  onResponseStart(
    _controller: Undici.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#firstByteAt = performance.now();
    this.#status = status;
    if (status === 429 || status === 503) this.#retryAfterMs = retryAfterMs(headers['retry-after'], Date.now());
  }

  onResponseData(_controller: Undici.DispatchController, chunk: Buffer): void {
    const room = MAX_EXCERPT_BYTES - this.#bytes;
    // A copy: the chunk is part of a larger buffer.
    if (room > 0 && this.#status >= 300) (this.#kept ??= []).push(Buffer.from(chunk.subarray(0, room)));
    this.#bytes += chunk.length;
    // The status is known: what else it has to say is not wanted.
    if (this.#bytes > MAX_RESPONSE_BYTES) this.#end(false);
  }

  onResponseEnd(): void {
    this.#end(true);
  }

  onResponseError(_controller: Undici.DispatchController | undefined, error: Error): void {
    if (this.#listener === undefined) return;
    const { code, text } = codeOf(error);
    this.#end(false, this.#sent ? exchangeError(code) : connectError(code), text);
  }

  #end(usable: boolean, errorClass?: ErrorClass, detail = ''): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    const startedAt = this.#startedAt;
    const connected = this.#connectedAt >= this.#connectingAt && this.#connectingAt >= startedAt;
    const outcome: AttemptOutcome = {
      status: this.#status,
      sent: this.#sent,
      retryAfterMs: this.#retryAfterMs,
      connectMs: connected ? this.#connectedAt - this.#connectingAt : undefined,
      firstByteMs: this.#firstByteAt === 0 ? undefined : this.#firstByteAt - startedAt,
      totalMs: performance.now() - startedAt,
    };
    if (errorClass !== undefined) outcome.error = { class: errorClass, detail };
    const excerpt = this.#kept === undefined ? '' : excerptOf(Buffer.concat(this.#kept));
    if (excerpt !== '') outcome.excerpt = this.redact(excerpt);
    if (this.#abandoned) outcome.abandoned = true;
    // Free before the listener hears of it: the next attempt, often begun by it, then follows on this connection.
    this.onFree(this, usable);
    listener.ended(outcome);
  }
}

/** The outcome of an attempt of which nothing was sent. */
export function unmade(errorClass: ErrorClass, detail: string): AttemptOutcome {
  return {
    status: 0,
    error: { class: errorClass, detail },
    sent: false,
    retryAfterMs: 0,
    connectMs: undefined,
    firstByteMs: undefined,
    totalMs: 0,
  };
}

const DONE: Verdict = { done: true };

/**
 * The one decision about an attempt: a complete 2xx is done, anything else, redirects included, is not. 410 ends the
 * endpoint, 429 and 503 with `Retry-After` make it wait (CloudEvents web hooks §2.1.2, Standard Webhooks "operational").
 */
export function judge({ status, error, sent, retryAfterMs }: AttemptOutcome): Verdict {
  if (error !== undefined) {
    const { class: errorClass, detail } = error;
    const reason = status === 0 ? `${errorClass}: ${detail}` : `${errorClass}: ${detail} (after status ${status})`;
    const overloaded = errorClass === 'timeout' || errorClass === 'connect';
    const blame = errorClass === 'internal' ? 'event' : sent ? 'endpoint' : 'connection';
    return { done: false, reason, errorClass, pauseMs: 0, disable: false, overloaded, blame };
  }
  if (status >= 200 && status < 300) return DONE;
  const hint = HINTS[status] ?? (status < 400 ? 'redirects are not followed' : undefined);
  return {
    done: false,
    reason: hint === undefined ? `status ${status}` : `status ${status}: ${hint}`,
    errorClass: 'refused-status',
    pauseMs: retryAfterMs,
    disable: status === 410,
    overloaded: OVERLOADED.has(status),
    blame: status === 429 && retryAfterMs > 0 ? 'pace' : ofEndpoint(status) ? 'endpoint' : 'event',
  };
}

function ofEndpoint(status: number): boolean {
  return status < 400 || status === 408 || status === 429 || status >= 500;
}

const OVERLOADED = new Set([408, 429, 502, 503, 504]);
const HINTS: Record<number, string> = {
  400: 'the receiver does not understand the request',
  410: 'the receiver wants no more events',
  415: 'the receiver does not take this content type',
};

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most 24 h; 0 where it says nothing usable. */
export function retryAfterMs(header: string | string[] | undefined, now: number): number {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}

/** By code, never by text. A host with several addresses fails with the errors of all of them: the first one speaks. */
function codeOf(error: Error & { code?: string; cause?: unknown }): { code: string; text: string } {
  const cause = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause;
  const code = error.code ?? (cause as { code?: string } | undefined)?.code ?? '';
  return { code, text: code === '' || error instanceof HeddleError ? error.message : code };
}

function connectError(code: string): ErrorClass {
  if (code === 'receiver-forbidden') return 'refused-address';
  if (/^(ENOTFOUND|ENODATA|ESERVFAIL|EREFUSED|ETIMEOUT|EBADRESP|EAI_)/.test(code)) return 'dns';
  if (code === 'ECONNRESET' || TLS_ERROR.test(code)) return 'tls';
  // Of the client's own errors one is about the connection, the others say that the request cannot be made.
  return code.startsWith('UND_ERR_') && code !== 'UND_ERR_CONNECT_TIMEOUT' ? 'internal' : 'connect';
}

function exchangeError(code: string): ErrorClass {
  if (TLS_ERROR.test(code)) return 'tls';
  return /^(ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_SOCKET)$/.test(code) ? 'reset' : 'response';
}

/** The X.509 codes of Node's TLS, and what OpenSSL reports (nodejs.org/api/tls.html, "X509 certificate error codes"). */
const TLS_ERROR =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|ERROR_IN_|INVALID_)|SELF_SIGNED|PATH_LENGTH|MISMATCH$/;

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const UNSAFE = /[\u0001-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

const asItIs = (excerpt: string): string => excerpt;

/** Text of a receiver, made harmless for logs and pages; nothing when it is no text. */
function excerptOf(bytes: Buffer): string {
  if (bytes.includes(0)) return '';
  return bytes
    .toString()
    .replace(UNSAFE, ' ')
    .replace(/\ufffd$/, '');
}
