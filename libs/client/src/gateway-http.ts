import { Refusal, refusalOf, unreachable } from './refusal.js';
import { type TokenSource, type Tokens, tokensOf } from './tokens.js';

/** Where the gateway is, and who asks it. */
export interface Gateway {
  /** As it is reached from here, such as `https://mesh.example.com`. */
  url: string;
  token: TokenSource;
  /** Makes the requests; the platform's own by default. */
  fetch?: typeof fetch;
}

export interface Asking {
  method?: 'GET' | 'POST';
  /** Written as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Until all of the answer has come; none when left out. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** Statuses beside those of success that are answers, too. */
  accepted?: readonly number[];
}

/** Requests to the gateway, under a token. A token that is refused is replaced once. */
export class GatewayHttp {
  readonly tokens: Tokens;
  readonly url: string;
  readonly #fetch: typeof fetch;

  /** @throws TypeError for a URL that is none */
  constructor({ url, token, fetch: request = fetch }: Gateway) {
    if (!URL.canParse(url) || !/^https?:/i.test(url)) {
      throw new TypeError(
        `The gateway must be an http or https URL, such as https://mesh.example.com, and not ${url}.`,
      );
    }
    this.url = url.replace(/\/+$/, '');
    this.tokens = tokensOf(token);
    // A browser's `fetch` must not be called as a method of something else.
    this.#fetch = (...wish) => request(...wish);
  }

  /**
   * @param path from the root of the gateway
   * @throws Refusal for whatever is neither a success nor accepted; what `signal` is aborted with
   */
  async ask(path: string, asking: Asking = {}): Promise<Response> {
    const token = await this.tokens.get();
    const response = await this.#once(path, token, asking);
    if (response.ok || asking.accepted?.includes(response.status) === true) return response;
    const refusal = await refusalOf(response);
    if (refusal.status !== 401) throw refusal;
    this.tokens.refused?.(token);
    const another = await this.tokens.get();
    if (another === token) throw refusal;
    const again = await this.#once(path, another, asking);
    if (again.ok || asking.accepted?.includes(again.status) === true) return again;
    throw await refusalOf(again);
  }

  /** The same, and its answer read as JSON. */
  async askJson<T>(path: string, asking: Asking): Promise<T> {
    const response = await this.ask(path, asking);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      if (cause instanceof SyntaxError) {
        throw new Refusal('answer-unreadable', `What ${path} answered is no JSON.`, { retryable: true, cause });
      }
      asking.signal?.throwIfAborted();
      throw unreachable(this.url, cause, asking.timeoutMs);
    }
  }

  async #once(path: string, token: string, { method, body, headers, timeoutMs, signal }: Asking): Promise<Response> {
    const url = this.url + path;
    const signals = [
      ...(signal === undefined ? [] : [signal]),
      ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)]),
    ];
    try {
      return await this.#fetch(url, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
      });
    } catch (cause) {
      // Who asks does not want it any more: no failure of the way, and nothing to try again.
      signal?.throwIfAborted();
      throw unreachable(url, cause, timeoutMs);
    }
  }
}
