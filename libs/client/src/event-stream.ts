import { Backoff, pause } from './backoff.js';
import { type CloudEvent, readEvent } from './cloud-event.js';
import { Refusal } from './refusal.js';
import { Strikes } from './strikes.js';
import type { SocketClass } from './sockets.js';
import { type Transport, socketTransport, sseTransport } from './stream-transports.js';
import type { TokenSource } from './tokens.js';

/** Where a stream really begins. */
export interface Opened {
  /** `live`: now. `exact`: right after the token. `truncated`: the log no longer has all of it, see `gaps`. */
  resumed: 'live' | 'exact' | 'truncated';
  types: string[];
  /** What is gone: offsets from (inclusive) to (exclusive). */
  gaps: { topic: string; partition: number; from: number; to: number }[];
}

/** Which events a stream has, where it begins, and who takes them. */
export interface StreamOptions {
  /** Of the gateway, such as `https://mesh.example.com`. */
  url: string;
  /** Event types, exact or with a trailing `*`; all that the client may consume when left out. */
  types?: readonly string[];
  /** Where to begin without a token to resume with; `now` by default. */
  start?: 'now' | 'earliest';
  /** The token of the last event that was had before: see {@link EventStream.resumeToken}. */
  resume?: string;
  /** For servers: the access token. */
  token?: TokenSource;
  /** For pages: a ticket (`requestTicket`), asked for before each connection; the page's own server has the token. */
  ticket?: () => string | Promise<string>;
  /** With a token server-sent events unless said otherwise; with tickets always WebSocket. */
  transport?: 'sse' | 'websocket';
  /** Takes an event. The next one waits for what it returns; when it fails, the stream ends. */
  onEvent(event: CloudEvent): void | Promise<void>;
  /** Hears where the stream begins, at first and after each reconnect. */
  onOpened?(opened: Opened): void;
  /** Hears why a connection ended, or could not be made, and when the next one is made. */
  onDisconnected?(why: { reason: string; error?: unknown; retryInMs: number }): void;
  /** A connection that says nothing for so long is made anew. */
  idleMs?: number;
  /** The first pause before a reconnect, in milliseconds; each may be twice the one before, up to 15 s. */
  retryMs?: number;
  /** A class of WebSockets where the platform has none, such as that of the package ws. */
  webSocket?: SocketClass;
  fetch?: typeof fetch;
}

/** Why a stream is over: closed by its user, refused by the gateway for good, or failed in `onEvent`. */
export type StreamEnd = { reason: 'closed' } | { reason: 'refused' | 'failed'; error: unknown };

const OPENED_TYPE = 'heddle.stream.v1.Stream.Opened.v1';

/**
 * A live stream of events, which reconnects by itself and goes on after the last event that was taken: exactly, for as
 * long as the log keeps what lies between. Nothing is kept for whoever is away but that token.
 */
export class EventStream {
  /** Resolves when it is over; never rejects. */
  readonly closed: Promise<StreamEnd>;
  readonly #over = new AbortController();
  readonly #backoff: Backoff;
  readonly #carry: Transport;
  #token: string | undefined;

  constructor(private readonly options: StreamOptions) {
    const isSse = options.token !== undefined && options.transport !== 'websocket';
    const parts = { ...options, url: options.url.replace(/\/+$/, '') };
    this.#carry = isSse ? sseTransport(parts) : socketTransport(parts);
    this.#token = options.resume;
    this.#backoff = new Backoff(options.retryMs ?? 2000);
    this.closed = this.#run();
  }

  /** What to resume with after the last event that was taken; undefined before the stream has opened. */
  get resumeToken(): string | undefined {
    return this.#token;
  }

  /** Ends it; no event is taken after that. */
  close(): Promise<StreamEnd> {
    this.#over.abort();
    return this.closed;
  }

  async #run(): Promise<StreamEnd> {
    const { signal } = this.#over;
    const strikes = new Strikes();
    while (!signal.aborted) {
      let reason = 'refused';
      let error: unknown;
      try {
        reason = await this.#carry({ query: this.#query, idleMs: this.options.idleMs, take: this.#take, signal });
      } catch (caught) {
        if (caught instanceof NotTaken) return { reason: 'failed', error: caught.cause };
        error = caught;
      }
      if (signal.aborted) break;
      if (this.#backoff.failures === 0) strikes.clear();
      if (strikes.isOut(error)) return { reason: 'refused', error };
      const retryInMs = this.#backoff.next(error instanceof Refusal ? error.retryAfterMs : 0);
      this.options.onDisconnected?.({ reason, ...(error === undefined ? {} : { error }), retryInMs });
      await pause(retryInMs, signal);
    }
    return { reason: 'closed' };
  }

  get #query(): URLSearchParams {
    const { types, start } = this.options;
    const query = new URLSearchParams();
    if (types !== undefined) query.set('types', types.join(','));
    if (this.#token !== undefined) query.set('resume', this.#token);
    else if (start !== undefined) query.set('start', start);
    return query;
  }

  readonly #take = async (text: string, id: string | undefined): Promise<void> => {
    if (this.#over.signal.aborted) return;
    try {
      const { resumetoken = id, ...event } = readEvent(JSON.parse(text));
      if (event.type === OPENED_TYPE) {
        this.#backoff.succeeded();
        this.options.onOpened?.(event.data as Opened);
      } else await this.options.onEvent(event as CloudEvent);
      // Only now: what was not taken is had again.
      if (typeof resumetoken === 'string' && resumetoken !== '') this.#token = resumetoken;
    } catch (cause) {
      throw new NotTaken('an event was not taken', { cause });
    }
  };
}

/** Opens a live stream. */
export function openStream(options: StreamOptions): EventStream {
  return new EventStream(options);
}

class NotTaken extends Error {}
