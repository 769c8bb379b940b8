import { HeddleError } from '@heddle/event';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import { type ClientCertificate, tlsOf } from './client-certificate.js';
import { failureOf, oneRequest } from './one-request.js';

/**
 * Client credentials for the authorization server of a receiver (RFC 6749 §4.4): a secret, or a certificate
 * (RFC 8705 §2), and never both.
 */
export interface OAuth2Client {
  tokenUrl: string;
  clientId: string;
  clientSecret?: string;
  mtls?: ClientCertificate;
  scope?: string;
}

interface Token {
  header: string;
  /** When it is to be replaced, milliseconds since the epoch: before it really expires. */
  staleAt: number;
  /** Whether it was fetched because the receiver refused the one before. */
  replacesRefused: boolean;
}

const TIMEOUT_MS = 10_000;
/** What a token is taken to be good for when the server does not say (RFC 6749 §5.1 only recommends that it does). */
const DEFAULT_LIFE_MS = 300_000;
/** How long before its end a token is replaced: for clocks that differ, and for what is on its way. */
const MAX_SKEW_MS = 30_000;
const SKEW_SHARE = 0.1;
/** After a failure the server is left alone for so long; attempts in between fail with the same reason. */
const FAILURE_MS = 1000;

/**
 * The access token of one webhook: fetched when first needed, shared until shortly before it expires, replaced once
 * when the receiver refuses it. Callers at the same time share one request.
 */
export class TokenSource {
  #token: Token | undefined;
  #fetching: Promise<void> | undefined;
  #refused = false;
  #failure: { error: HeddleError; until: number } | undefined;

  constructor(
    readonly client: OAuth2Client,
    private readonly network: ReceiverNetwork,
  ) {}

  /** The value of the authorization header, where a token is at hand. */
  get header(): string | undefined {
    const token = this.#token;
    return token !== undefined && Date.now() < token.staleAt ? token.header : undefined;
  }

  /** Resolves when a token is at hand. @throws HeddleError `credentials-unavailable` */
  fetch(): Promise<void> {
    if (this.header !== undefined) return Promise.resolve();
    if (this.#failure !== undefined && Date.now() < this.#failure.until) return Promise.reject(this.#failure.error);
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  /**
   * The receiver answered 401 to a request with this header. Returns whether trying again at once makes sense: the token
   * is another by now, or is replaced. One that replaced a refused one is not replaced for that again, or a receiver
   * that refuses every token would cost a token for each delivery.
   */
  refused(header: string): boolean {
    const token = this.#token;
    if (token === undefined || token.header !== header) return true;
    if (token.replacesRefused) return false;
    this.#token = undefined;
    this.#refused = true;
    return true;
  }

  async #fetch(): Promise<void> {
    try {
      const token = await requestToken(this.client, this.network);
      this.#token = { ...token, replacesRefused: this.#refused };
      this.#refused = false;
      this.#failure = undefined;
    } catch (cause) {
      const reason = failureOf(cause);
      const error = new HeddleError(
        'credentials-unavailable',
        `No token from ${new URL(this.client.tokenUrl).origin}: ${reason}`,
        { cause },
      );
      this.#failure = { error, until: Date.now() + FAILURE_MS };
      throw error;
    }
  }
}

async function requestToken(client: OAuth2Client, network: ReceiverNetwork) {
  const { tokenUrl, clientId, clientSecret, mtls, scope } = client;
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    // A certificate does not say which client it is of (RFC 8705 §2).
    ...(clientSecret === undefined ? { client_id: clientId } : {}),
    ...(scope === undefined ? {} : { scope }),
  });
  const askedAt = Date.now();
  const { status, body } = await oneRequest(tokenUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      ...(clientSecret === undefined ? {} : { authorization: basicOf(clientId, clientSecret) }),
    },
    body: form.toString(),
    tls: mtls === undefined ? undefined : tlsOf(mtls),
    network,
    timeoutMs: TIMEOUT_MS,
  });
  const answer = jsonObject(body);
  if (status !== 200) throw new Error(`status ${status}${oauthError(answer)}`);
  const { access_token: token, token_type: type, expires_in: seconds } = answer;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw new Error('the answer has no access_token');
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') throw new Error('the token is not of type Bearer');
  const lifeMs = Number(seconds) > 0 ? Number(seconds) * 1000 : DEFAULT_LIFE_MS;
  return { header: `Bearer ${token}`, staleAt: askedAt + lifeMs - Math.min(MAX_SKEW_MS, lifeMs * SKEW_SHARE) };
}

/** User and password are form-encoded before they are put together (RFC 6749 §2.3.1). */
function basicOf(clientId: string, clientSecret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`).toString('base64')}`;
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

function jsonObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The error code of RFC 6749 §5.2, which says what is wrong and no secret. */
function oauthError({ error }: Record<string, unknown>): string {
  return typeof error === 'string' && /^[\x20-\x7e]{1,64}$/.test(error) ? ` (${error})` : '';
}
