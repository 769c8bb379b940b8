import { setTimeout as delay } from 'node:timers/promises';
import { ERRORS, type ErrorCode, HeddleError } from '@heddle/event';
import { type Tokens, tokensOf } from './context/tokens.js';
import type { WhoAsks } from './context/who-asks.js';
import { reasonOf } from './reason.js';

export interface GatewayRequest {
  query?: Readonly<Record<string, string | number | undefined>>;
  /** Written as JSON, unless it is text. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  /** Milliseconds for one try. */
  timeoutMs?: number;
  /** Milliseconds over which what may succeed later (429, 503) is tried again. */
  patienceMs?: number;
  signal?: AbortSignal;
}

/** What the gateway answered, its body read. */
export interface GatewayAnswer {
  status: number;
  headers: Headers;
  /** The body as JSON; undefined where there is none. */
  json: unknown;
}

interface Problem {
  code?: string;
  detail?: string;
  title?: string;
  field?: string;
  errors?: { field: string; rule: string }[];
}

const TIMEOUT_MS = 30_000;
const PATIENCE_MS = 10_000;
const PAUSE_MS = 300;

/** The gateway, as whoever asks sees it. */
export class Gateway {
  readonly url: string;
  readonly from: string;
  readonly #tokens: Tokens;

  /** @param ending cuts off requests when the command is to end */
  constructor(
    private readonly who: WhoAsks,
    private readonly ending?: AbortSignal,
    tokens = tokensOf(who.credentials),
  ) {
    this.url = who.gateway;
    this.from = who.from;
    this.#tokens = tokens;
  }

  /** The same gateway for what has to be said to its end, even when the command is to end: a settlement, say. */
  untilAnswered(): Gateway {
    return new Gateway(this.who, undefined, this.#tokens);
  }

  /** @throws HeddleError as {@link request} */
  async get<T>(path: string, query: GatewayRequest['query'] = {}): Promise<T> {
    return (await this.request('GET', path, { query })).json as T;
  }

  /** @throws HeddleError as {@link request} */
  async post<T>(path: string, body: unknown = {}, more: GatewayRequest = {}): Promise<T> {
    return (await this.request('POST', path, { ...more, body })).json as T;
  }

  /** An access token of whoever asks. */
  token(): Promise<string> {
    return this.#tokens.token();
  }

  /** This token was answered 401; whether another one can be had. */
  refused(token: string): boolean {
    return this.#tokens.refused(token);
  }

  /**
   * One request. It is made again with another token when that has ended, and for a while when the gateway says that it
   * may succeed later.
   *
   * @throws HeddleError what the gateway answers, by its code; `gateway-unavailable` when it does not answer
   */
  async request(method: string, path: string, options: GatewayRequest = {}): Promise<GatewayAnswer> {
    const giveUpAt = performance.now() + (options.patienceMs ?? PATIENCE_MS);
    let hasNewToken = false;
    for (let pauseMs = PAUSE_MS; ; pauseMs *= 2) {
      const token = await this.#tokens.token();
      const response = await this.open(method, path, token, options);
      const text = await this.#text(response);
      if (response.ok) return { status: response.status, headers: response.headers, json: jsonOf(text) };
      if (response.status === 401 && !hasNewToken && this.refused(token)) {
        hasNewToken = true;
        continue;
      }
      const error = errorOf(response, text);
      const waitMs = Math.max(pauseMs, (error.retryAfterSeconds ?? 0) * 1000);
      const isWorthIt = response.status === 429 || response.status === 503;
      if (!isWorthIt || performance.now() + waitMs > giveUpAt) throw error;
      await delay(waitMs, undefined, { signal: this.#signal(options) });
    }
  }

  /** One try, its body not read yet. @throws HeddleError `gateway-unavailable` */
  async open(method: string, path: string, token: string | undefined, options: GatewayRequest): Promise<Response> {
    const { body, headers, timeoutMs = TIMEOUT_MS } = options;
    const isText = typeof body === 'string';
    const signals = [this.#signal(options), ...(timeoutMs === Infinity ? [] : [AbortSignal.timeout(timeoutMs)])];
    try {
      return await fetch(this.#urlOf(path, options), {
        method,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.any(signals.filter((signal) => signal !== undefined)),
      });
    } catch (error) {
      throw this.#silence(error);
    }
  }

  async #text(response: Response): Promise<string> {
    try {
      return await response.text();
    } catch (error) {
      throw this.#silence(error);
    }
  }

  #silence(cause: unknown): Error {
    if (this.ending?.aborted || (cause as Error).name === 'AbortError') return cause as Error;
    const advice = `Does it run (heddle start), and is this its address? It comes from ${this.from}.`;
    return new HeddleError('gateway-unavailable', `${this.url} cannot be reached: ${reasonOf(cause)}. ${advice}`, {
      cause,
    });
  }

  #signal({ signal }: GatewayRequest): AbortSignal | undefined {
    if (signal === undefined || this.ending === undefined) return signal ?? this.ending;
    return AbortSignal.any([signal, this.ending]);
  }

  #urlOf(path: string, { query = {} }: GatewayRequest): string {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      given.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return `${this.url}${path}${search === '' ? '' : `?${search}`}`;
  }
}

/** What a refusal says, as an error of ours: by its code, or by its status where it has none that is known here. */
export function errorOf(response: Pick<Response, 'status' | 'headers'>, text: string): HeddleError {
  const problem = (jsonOf(text) ?? {}) as Problem;
  const code = codeOf(problem.code, response.status);
  const detail = problem.detail ?? problem.title ?? `The gateway answered with ${response.status}.`;
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new HeddleError(code, detail, {
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(problem.errors === undefined ? {} : { fields: problem.errors }),
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
  });
}

function codeOf(code: string | undefined, status: number): ErrorCode {
  if (code !== undefined && code in ERRORS) return code as ErrorCode;
  if (status === 401) return 'token-invalid';
  if (status === 403) return 'permission-missing';
  if (status === 404) return 'not-found';
  if (status === 429) return 'rate-limited';
  return status >= 500 ? 'gateway-unavailable' : 'internal';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
