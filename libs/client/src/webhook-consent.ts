import type { HeaderSource } from './webhook-request.js';
import { headerOf } from './webhook-request.js';

/** What a sender asks before it delivers (CloudEvents HTTP WebHook 1.0.2 §4). */
export interface ConsentRequest {
  /** Whom it delivers for, such as `events.example.com`. */
  origin: string;
  /** Requests a minute that it would like to make; undefined when it does not say. */
  ratePerMinute: number | undefined;
  /** Where consent may be given later: see `giveConsent`. Whoever asks has written it: look where it leads. */
  callback: string | undefined;
}

/** Who may deliver, and how fast. */
export interface Consent {
  /** `*` allows any. */
  origins: readonly string[] | '*';
  /** Requests a minute, at most; as many as are asked for when left out. */
  ratePerMinute?: number;
  /** Hears of those that are not among the origins: consent may be given later, by their callback. */
  onAsked?(asked: ConsentRequest): void;
}

/** The headers of the answer: none of the handshake's where there is no consent. */
export function consentHeaders(
  consent: Consent | undefined,
  headers: HeaderSource,
): Record<string, string> | undefined {
  const header = headerOf(headers);
  const origin = header('webhook-request-origin')?.trim();
  if (origin === undefined || origin === '') return undefined;
  const wanted = Number(header('webhook-request-rate'));
  const asked = Number.isSafeInteger(wanted) && wanted > 0 ? wanted : undefined;
  if (consent === undefined || !isAllowed(consent, origin)) {
    consent?.onAsked?.({ origin, ratePerMinute: asked, callback: header('webhook-request-callback') });
    return undefined;
  }
  const most = consent.ratePerMinute;
  const rate = most === undefined ? asked : Math.min(most, asked ?? most);
  return {
    'webhook-allowed-origin': origin,
    'webhook-allowed-rate': rate === undefined ? '*' : String(rate),
  };
}

function isAllowed({ origins }: Consent, origin: string): boolean {
  return origins === '*' || origins.some((allowed) => allowed.toLowerCase() === origin.toLowerCase());
}

/**
 * Gives consent later, where a sender that asked said so (§4.1.3). The URL is one that it has written: call this for
 * senders that you know.
 *
 * @throws Error when it is not taken
 */
export async function giveConsent(
  callback: string,
  ratePerMinute?: number,
  request: typeof fetch = fetch,
): Promise<void> {
  const headers = ratePerMinute === undefined ? {} : { 'webhook-allowed-rate': String(ratePerMinute) };
  const answer = await request(callback, { method: 'POST', headers, redirect: 'error' });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`The consent was answered with ${answer.status}.`);
}
