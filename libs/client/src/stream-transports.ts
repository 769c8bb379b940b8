import { GatewayHttp } from './gateway-http.js';
import { Refusal } from './refusal.js';
import { Socket, type SocketClass, type SocketWish } from './sockets.js';
import { SseReader } from './sse-reader.js';
import type { TokenSource } from './tokens.js';

/** One connection of a stream. */
export interface Leg {
  /** What the stream carries and from where, as the query of `/v1/stream`. */
  query: URLSearchParams;
  /** After so many milliseconds without a sign of life the connection counts as lost. */
  idleMs: number | undefined;
  /** Takes an event as text, and where it says so the token to resume with after it. Is waited for. */
  take(text: string, token: string | undefined): Promise<void>;
  signal: AbortSignal;
}

/** Carries events until the connection ends; resolves with why. @throws Refusal, and whatever `take` throws */
export type Transport = (leg: Leg) => Promise<string>;

export interface TransportOptions {
  url: string;
  token?: TokenSource | undefined;
  ticket?: (() => string | Promise<string>) | undefined;
  webSocket?: SocketClass | undefined;
  fetch?: typeof fetch | undefined;
}

const SUBPROTOCOL = 'cloudevents.json';
/** The gateway gives a sign of life every 15 s. */
const SSE_IDLE_MS = 45_000;
/** A WebSocket shows no signs of life to whoever uses it: one that says nothing for so long is made anew. */
const SOCKET_IDLE_MS = 300_000;
/** With more events than that waiting to be taken, the connection is given up and resumed once they are. */
const MAX_WAITING = 1000;

/** Server-sent events over `fetch`, which can send a token in a header. */
export function sseTransport({ url, token, fetch }: TransportOptions): Transport {
  const http = httpOf({ url, token, fetch });
  return async ({ query, idleMs = SSE_IDLE_MS, take, signal }) => {
    const idle = new Idle(idleMs);
    try {
      const headers = { accept: 'text/event-stream' };
      const response = await http.ask(pathOf(query), { headers, signal: AbortSignal.any([signal, idle.signal]) });
      const reader = new SseReader();
      const decoder = new TextDecoder();
      for await (const bytes of chunksOf(response)) {
        idle.alive();
        for (const { data, id } of reader.push(decoder.decode(bytes, { stream: true }))) await take(data, id);
      }
      return 'ended';
    } catch (error) {
      if (idle.signal.aborted) return 'idle';
      if (error instanceof BrokenOff) return 'lost';
      throw error;
    } finally {
      idle.stop();
    }
  };
}

/** A WebSocket with the subprotocol `cloudevents.json`: under a token where headers can be sent, else with a ticket. */
export function socketTransport(options: TransportOptions): Transport {
  const { url, token, ticket, webSocket } = options;
  const http = token === undefined ? undefined : httpOf(options);
  return async (leg) => {
    const { query } = leg;
    const wish = { subprotocol: SUBPROTOCOL, socketClass: webSocket };
    if (http !== undefined) {
      const authorization = `Bearer ${await http.tokens.get()}`;
      const end = await carry({ ...wish, url: url + pathOf(query), headers: { authorization } }, leg);
      // Why it was refused is said to requests only.
      if (end === undefined && !leg.signal.aborted) await lookWhy(http, leg);
      return end ?? 'lost';
    }
    if (ticket === undefined) throw new TypeError('A stream needs a token or tickets.');
    const ticketed = new URLSearchParams(query);
    ticketed.set('ticket', await ticket());
    return (await carry({ ...wish, url: url + pathOf(ticketed) }, leg)) ?? 'refused';
  };
}

/** Resolves with why the connection ended, after all that came is taken; with nothing when it never opened. */
function carry(wish: SocketWish, { idleMs = SOCKET_IDLE_MS, take, signal }: Leg): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let isOpen = false;
    let waiting = 0;
    let taken = Promise.resolve();
    const socket = new Socket(wish, {
      opened: () => (isOpen = true),
      heard(text) {
        idle.alive();
        waiting += 1;
        taken = taken.then(() => take(String(text), undefined)).finally(() => (waiting -= 1));
        taken.catch(() => end('failed'));
        if (waiting > MAX_WAITING) end('full');
      },
      closed: (code, reason) => end(isOpen ? reason || String(code) : undefined),
    });
    const idle = new Idle(idleMs);
    const end = (why: string | undefined): void => {
      idle.stop();
      signal.removeEventListener('abort', aborted);
      socket.drop();
      taken.then(() => resolve(why), reject);
    };
    const aborted = (): void => end('closed');
    idle.signal.addEventListener('abort', () => end('idle'), { once: true });
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

async function lookWhy(http: GatewayHttp, { query, signal }: Leg): Promise<void> {
  const response = await http.ask(pathOf(query), { headers: { accept: 'text/event-stream' }, signal });
  await response.body?.cancel();
}

function httpOf({ url, token, fetch }: TransportOptions): GatewayHttp {
  if (token === undefined)
    throw new TypeError('Server-sent events need a token; pages come with tickets by WebSocket.');
  return new GatewayHttp({ url, token, ...(fetch === undefined ? {} : { fetch }) });
}

function pathOf(query: URLSearchParams): string {
  return query.size === 0 ? '/v1/stream' : `/v1/stream?${query.toString()}`;
}

/** The connection ended in the middle. */
class BrokenOff extends Error {}

/** Not by `for await` over the body: browsers do not all have that. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null)
    throw new Refusal('answer-unreadable', 'The stream was answered without a body.', { retryable: true });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new BrokenOff('the connection broke off', { cause });
      });
      if (done) return;
      yield value as Uint8Array;
    }
  } finally {
    // Whoever takes no more ends the connection, too.
    void reader.cancel().catch(() => undefined);
  }
}

/** Aborts its signal when nothing was alive for so long. */
class Idle {
  readonly #over = new AbortController();
  #timer: ReturnType<typeof setTimeout>;

  constructor(private readonly ms: number) {
    this.#timer = this.#begin();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  alive(): void {
    clearTimeout(this.#timer);
    this.#timer = this.#begin();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #begin(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#over.abort(), this.ms);
  }
}
