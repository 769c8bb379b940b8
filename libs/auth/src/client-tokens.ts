import { HeddleError } from '@heddle/event';

/** Who a process is at the token endpoint. */
export interface ClientCredentials {
  /** The token endpoint (RFC 6749 §3.2). */
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** All that the client has when not said. */
  scope?: string;
}

interface Token {
  header: string;
  refreshAt: number;
}

const TIMEOUT_MS = 10_000;
/** Where the server does not say how long a token is good for. */
const DEFAULT_LIFE_S = 300;
/** A token is used for so much of its life. */
const USED_SHARE = 0.8;
/** After a failure the server is left alone for so long; whoever asks meanwhile gets the same reason. */
const FAILURE_MS = 1000;

/**
 * The access token of a process that calls others with a client of its own (RFC 6749 §4.4): got when first needed, used
 * for 80 % of its life, and got once for all who ask at a time.
 */
export class ClientTokens {
  #token: Token | undefined;
  #fetching: Promise<string> | undefined;
  #failure: { error: HeddleError; until: number } | undefined;

  constructor(
    private readonly credentials: ClientCredentials,
    private readonly request: typeof fetch = fetch,
  ) {}

  /** The value of an authorization header. @throws HeddleError `credentials-unavailable` */
  header(): string | Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.refreshAt) return this.#token.header;
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.error;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  /** A request with this header was answered 401: another token is got for the next one. */
  refused(header: string): void {
    if (this.#token?.header === header) this.#token = undefined;
  }

  async #fetch(): Promise<string> {
    try {
      this.#token = await this.#ask();
      this.#failure = undefined;
      return this.#token.header;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : 'no answer';
      const { origin } = new URL(this.credentials.tokenUrl);
      const error = new HeddleError('credentials-unavailable', `No token from ${origin}: ${reason}`, { cause });
      this.#failure = { error, until: Date.now() + FAILURE_MS };
      throw error;
    }
  }

  async #ask(): Promise<Token> {
    const { tokenUrl, clientId, clientSecret, scope } = this.credentials;
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const askedAt = Date.now();
    const answer = await this.request(tokenUrl, {
      method: 'POST',
      headers: { accept: 'application/json', authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
    if (answer.status !== 200) throw new Error(`status ${answer.status}${codeOf(body)}`);
    const { access_token: token, expires_in: seconds } = body;
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw new Error('the answer has no access_token');
    const lifeS = Number(seconds) > 0 ? Number(seconds) : DEFAULT_LIFE_S;
    return { header: `Bearer ${token}`, refreshAt: askedAt + lifeS * 1000 * USED_SHARE };
  }
}

/** The error code of RFC 6749 §5.2, which says what is wrong and no secret. */
function codeOf({ error }: Record<string, unknown>): string {
  return typeof error === 'string' && /^[\x20-\x7e]{1,64}$/.test(error) ? ` (${error})` : '';
}
