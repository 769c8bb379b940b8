import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ReceiverNetwork } from '../../network/receiver-network.js';
import { failureOf, oneRequest } from './one-request.js';
import type { TlsIdentity } from './one-request.js';

/** What the sender says of itself when it asks for consent. */
export interface HandshakeWish {
  /** A DNS name for the system that delivers, not for one machine of it. */
  origin: string;
  /** Requests a minute that it would like to make. */
  ratePerMinute?: number | undefined;
}

/**
 * Whether a receiver agreed to be delivered to (CloudEvents HTTP WebHook 1.0.2 §4, "Abuse protection"). Deliveries are
 * made in `granted`, and in `exempt`, where nobody is asked.
 *
 * - `asking`: it has not been reached yet, and is asked again with growing delays.
 * - `pending`: it answered without consent; that may still come by the callback.
 * - `granted`: it allowed the origin, at a rate or at any.
 * - `refused`: it allowed another origin, or no rate that could be kept.
 * - `expired`: no consent came in time.
 */
export type Consent =
  | { state: 'exempt' }
  | { state: 'asking'; since: string; token: string; lastError?: string }
  | { state: 'pending'; since: string; token: string }
  | { state: 'granted'; at: string; token: string; ratePerMinute?: number }
  | { state: 'refused'; at: string; reason: string }
  | { state: 'expired'; at: string };

/** How long consent is waited for after the receiver was first asked. */
export const CONSENT_MS = 7 * 86_400_000;
const TIMEOUT_MS = 10_000;
const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 300_000;
/** The form of the token that stands in the address of a late consent. */
export const CONSENT_TOKEN = /^([a-z0-9][a-z0-9-]*)[.]([a-z0-9][a-z0-9-]*|~[A-Za-z0-9_-]+)[.][A-Za-z0-9_-]{43}$/;
/** Names that stand in the token as they are; others are encoded, for it stands in a URL and has dots of its own. */
const PLAIN_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** The consent to begin with; its token makes the callback's URL one that nobody can guess. */
export function initialConsent(
  { tenant, name, handshake }: { tenant: string; name: string; handshake: 'exempt' | HandshakeWish },
  now: number,
): Consent {
  if (handshake === 'exempt') return { state: 'exempt' };
  const named = PLAIN_NAME.test(name) ? name : `~${Buffer.from(name).toString('base64url')}`;
  const token = `${tenant}.${named}.${randomBytes(32).toString('base64url')}`;
  return { state: 'asking', since: new Date(now).toISOString(), token };
}

/** The webhook a callback's token is for; nothing where it cannot be one. */
export function webhookOfToken(token: string): { tenant: string; name: string } | undefined {
  const [, tenant, name] = CONSENT_TOKEN.exec(token) ?? [];
  if (tenant === undefined || name === undefined) return undefined;
  return { tenant, name: name.startsWith('~') ? Buffer.from(name.slice(1), 'base64url').toString() : name };
}

/** Whether a callback's token is the one that was handed out. */
export function isTokenOf(consent: Consent, token: string): boolean {
  if (!('token' in consent)) return false;
  const [given, wanted] = [Buffer.from(token), Buffer.from(consent.token)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Milliseconds until a receiver that was not reached is asked again. `tries` is how often it was asked. */
export function askAgainMs(tries: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, tries - 1));
}

/** Milliseconds that consent may still be waited for. */
export function remainingMs(consent: Consent, now: number): number {
  return 'since' in consent ? Date.parse(consent.since) + CONSENT_MS - now : Infinity;
}

export interface AskedReceiver {
  url: string;
  wish: HandshakeWish;
  callback: string;
  /** What else the question says: credentials, where the receiver lets nobody ask without. */
  headers?: Readonly<Record<string, string>> | undefined;
  tls?: TlsIdentity | undefined;
  network: ReceiverNetwork;
}

/** Asks a receiver once; the state after its answer. Never rejects. */
export async function ask(
  consent: Consent & { token: string; since: string },
  { url, wish, callback, headers: further, tls, network }: AskedReceiver,
): Promise<Consent> {
  const { since, token } = consent;
  const rate = wish.ratePerMinute;
  try {
    const { headers } = await oneRequest(url, {
      method: 'OPTIONS',
      headers: {
        ...further,
        'webhook-request-origin': wish.origin,
        'webhook-request-callback': callback,
        ...(rate === undefined ? {} : { 'webhook-request-rate': String(rate) }),
      },
      tls,
      network,
      timeoutMs: TIMEOUT_MS,
    });
    return answered({ since, token }, headers, wish, Date.now());
  } catch (error) {
    return { state: 'asking', since, token, lastError: failureOf(error) };
  }
}

/** What an answer means. Its status means nothing: consent is in the headers alone (§4.2). */
function answered(
  { since, token }: { since: string; token: string },
  headers: IncomingHttpHeaders,
  wish: HandshakeWish,
  now: number,
): Consent {
  const origin = textOf(headers['webhook-allowed-origin']);
  if (origin === undefined) return { state: 'pending', since, token };
  if (origin !== '*' && origin.toLowerCase() !== wish.origin.toLowerCase()) {
    return { state: 'refused', at: new Date(now).toISOString(), reason: `it allows ${origin.slice(0, 100)} only` };
  }
  return granted(token, textOf(headers['webhook-allowed-rate']), wish, now);
}

/** Consent with the rate that came with it, by answer or by callback; without one it is for the rate asked for. */
export function granted(token: string, rateHeader: string | undefined, wish: HandshakeWish, now: number): Consent {
  const at = new Date(now).toISOString();
  if (rateHeader === '*') return { state: 'granted', at, token };
  const rate = rateHeader === undefined ? wish.ratePerMinute : Number(rateHeader);
  if (rate === undefined) return { state: 'granted', at, token };
  if (!Number.isSafeInteger(rate) || rate < 1) {
    return { state: 'refused', at, reason: `its rate ${rateHeader?.slice(0, 20)} is no number above zero` };
  }
  return { state: 'granted', at, token, ratePerMinute: rate };
}

function textOf(header: string | string[] | undefined): string | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  return text === '' ? undefined : text;
}
