import { HeddleError } from '@heddle/event';
import { reasonOf } from '../reason.js';
import type { Credentials } from './who-asks.js';

/** The access token of whoever asks: got when it is first needed, and again when a fifth of its life is left. */
export interface Tokens {
  /** @throws HeddleError `token-missing` where nobody is known, `token-invalid` where the secret is wrong */
  token(): Promise<string>;
  /** This one was refused; whether another can be had. */
  refused(token: string): boolean;
}

const USED_SHARE = 0.8;
const TIMEOUT_MS = 10_000;

export function tokensOf(credentials: Credentials): Tokens {
  if (credentials.kind === 'client') return new ClientTokens(credentials);
  if (credentials.kind === 'token') {
    return { token: () => Promise.resolve(credentials.token), refused: () => false };
  }
  const { why } = credentials;
  return {
    token: () => Promise.reject(new HeddleError('token-missing', `Nobody asks: ${why}.`)),
    refused: () => false,
  };
}

/** Client credentials (RFC 6749 §4.4). */
class ClientTokens implements Tokens {
  #token: { value: string; until: number } | undefined;
  #fetching: Promise<string> | undefined;

  constructor(private readonly credentials: Credentials & { kind: 'client' }) {}

  async token(): Promise<string> {
    if (this.#token !== undefined && Date.now() < this.#token.until) return this.#token.value;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  refused(token: string): boolean {
    if (this.#token?.value === token) this.#token = undefined;
    return true;
  }

  async #fetch(): Promise<string> {
    const { tokenUrl, clientId, clientSecret } = this.credentials;
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const askedAt = Date.now();
    let response: Response;
    let body: Record<string, unknown>;
    try {
      response = await fetch(tokenUrl, {
        method: 'POST',
        headers: { accept: 'application/json', authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    } catch (cause) {
      const { origin } = new URL(tokenUrl);
      throw new HeddleError('gateway-unavailable', `${origin} gives no token: ${reasonOf(cause)}.`, { cause });
    }
    const { access_token: value, expires_in: seconds, error } = body;
    if (!response.ok || typeof value !== 'string') throw refusal(response.status, clientId, tokenUrl, error);
    this.#token = { value, until: askedAt + (Number(seconds) || 300) * 1000 * USED_SHARE };
    return value;
  }
}

function refusal(status: number, clientId: string, tokenUrl: string, error: unknown): HeddleError {
  const code = typeof error === 'string' ? ` (${error.slice(0, 64)})` : '';
  const said = `${tokenUrl} answers ${clientId} with ${status}${code}`;
  if (status === 429) return new HeddleError('rate-limited', `${said}: wait a little, then try again.`);
  if (status >= 500) return new HeddleError('gateway-unavailable', `${said}.`);
  return new HeddleError('token-invalid', `${said}: its id or secret is wrong, or it is disabled or deleted.`);
}
