import { Refusal, refusalOf, unreachable } from './refusal.js';
import type { Tokens } from './tokens.js';

/** Who a receiver is at the token endpoint (RFC 6749 §3.2). */
export interface ClientCredentials {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** Fewer permissions than the client has; all of them when left out. */
  scope?: string;
}

const TIMEOUT_MS = 10_000;
/** Where the server does not say how long a token is good for. */
const DEFAULT_LIFE_S = 300;
/** A token is used for so much of its life. */
const USED_SHARE = 0.8;
/** After a failure the server is left alone for so long, or as long as it asks; who comes meanwhile hears the same. */
const FAILURE_MS = 1000;

/**
 * Access tokens for a client's id and secret (RFC 6749 §4.4): got when first needed, used for 80 % of their life, and
 * got once for all who ask at a time.
 */
export class ClientTokens implements Tokens {
  #token: { value: string; refreshAt: number } | undefined;
  #fetching: Promise<string> | undefined;
  #failure: { refusal: Refusal; until: number } | undefined;

  constructor(
    private readonly credentials: ClientCredentials,
    private readonly request: typeof fetch = fetch,
  ) {}

  /** @throws Refusal with the code of RFC 6749 §5.2, such as `invalid_client`, or `unreachable` */
  get(): string | Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.refreshAt) return this.#token.value;
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.refusal;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  refused(token: string): void {
    if (this.#token?.value === token) this.#token = undefined;
  }

  async #fetch(): Promise<string> {
    try {
      this.#token = await this.#ask();
      this.#failure = undefined;
      return this.#token.value;
    } catch (error) {
      const refusal = error instanceof Refusal ? error : unreachable(this.credentials.tokenUrl, error, TIMEOUT_MS);
      this.#failure = { refusal, until: Date.now() + (refusal.retryAfterMs ?? FAILURE_MS) };
      throw refusal;
    }
  }

  async #ask(): Promise<{ value: string; refreshAt: number }> {
    const { tokenUrl, clientId, clientSecret, scope } = this.credentials;
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const askedAt = Date.now();
    // Called without its owner: a browser's `fetch` must not be called as a method of something else.
    const { request } = this;
    const answer = await request(tokenUrl, {
      method: 'POST',
      headers: { accept: 'application/json', authorization: `Basic ${btoa(pair)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status !== 200) throw await tokenRefusal(answer);
    const { access_token: value, expires_in: seconds } = (await answer.json()) as Record<string, unknown>;
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new Refusal('answer-unreadable', 'The answer of the token endpoint has no access_token.');
    }
    const lifeS = Number(seconds) > 0 ? Number(seconds) : DEFAULT_LIFE_S;
    return { value, refreshAt: askedAt + lifeS * 1000 * USED_SHARE };
  }
}

/** Token endpoints say no in words of their own (RFC 6749 §5.2). */
async function tokenRefusal(answer: Response): Promise<Refusal> {
  const copy = answer.clone();
  const refusal = await refusalOf(answer);
  if (refusal.code !== 'answer-unreadable') return refusal;
  const { error } = (await copy.json().catch(() => ({}))) as { error?: unknown };
  if (typeof error !== 'string') return refusal;
  const { status, retryable, retryAfterMs } = refusal;
  return new Refusal(error, `The token endpoint answered ${status} (${error}).`, { status, retryable, retryAfterMs });
}
