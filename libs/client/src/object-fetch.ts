import { Backoff, pause } from './backoff.js';
import type { CloudEvent } from './cloud-event.js';
import { type Gateway, GatewayHttp } from './gateway-http.js';
import { Refusal, refusalOf } from './refusal.js';

/** What an event led to: the state of the object, that it was deleted, or that it is still what was had before. */
export type FetchedObject<S = unknown> =
  | { kind: 'state'; version: number; etag: string; state: S }
  | { kind: 'tombstone'; version: number }
  | { kind: 'unchanged'; version: number; etag: string };

/** How the object of an event is fetched. */
export interface FetchObject extends Gateway {
  /** By which other URLs events call the gateway, where it is reached by another one from here. */
  knownAs?: readonly string[];
  /** Of what was fetched before: when it is still that, it is not sent again. */
  etag?: string;
  /** Waits so long for an object that its owner has not yet at the version notified; 30 s by default. */
  waitMs?: number;
  signal?: AbortSignal;
}

const WAIT_MS = 30_000;
const REQUEST_MS = 15_000;
const OBJECT_PATH = /^\/v1\/objects\/[^/]+\/[^/]+$/;

/**
 * Fetches the object that an event speaks of: never older than the event says. What can be had in a moment (503: its
 * owner is behind, or away) is asked for again until it is there.
 *
 * @throws Refusal `object-behind` or `owner-unavailable` when the time is over; `permission-missing`, `not-found`, …;
 * `reference-refused` when the event has no reference, or one that leads elsewhere: tokens are for the gateway alone; what
 * `signal` is aborted with
 */
export async function fetchObject<S = unknown>(
  event: Pick<CloudEvent, 'dataref'>,
  { etag, waitMs = WAIT_MS, knownAs = [], signal, ...gateway }: FetchObject,
): Promise<FetchedObject<S>> {
  const http = new GatewayHttp(gateway);
  const { path, version } = pathOf(event.dataref, [http.url, ...knownAs]);
  const headers = { accept: 'application/json', ...(etag === undefined ? {} : { 'if-none-match': etag }) };
  const until = Date.now() + waitMs;
  const backoff = new Backoff(200, 2000);
  for (;;) {
    try {
      const response = await http.ask(path, { headers, accepted: [304, 410], timeoutMs: REQUEST_MS, signal });
      return await read<S>(response, version, signal);
    } catch (error) {
      if (!(error instanceof Refusal) || !error.retryable) throw error;
      const retryInMs = backoff.next(error.retryAfterMs);
      if (Date.now() + retryInMs > until) throw error;
      await pause(retryInMs, signal);
      signal?.throwIfAborted();
    }
  }
}

async function read<S>(response: Response, least: number, signal?: AbortSignal): Promise<FetchedObject<S>> {
  const etag = response.headers.get('etag') ?? '';
  const version = Number(/^(?:W\/)?"(\d+)"$/.exec(etag)?.[1] ?? Number.NaN);
  if (response.status === 410) {
    const refusal = await refusalOf(response);
    if (refusal.code !== 'object-gone') throw refusal;
  }
  if (!Number.isSafeInteger(version)) {
    throw new Refusal('answer-unreadable', 'The object came without its version.', { retryable: true });
  }
  // The gateway promises this; a cache between here and there does not.
  if (version < least) {
    throw new Refusal('object-behind', `The object is at version ${version}, and not yet at ${least}.`, {
      retryable: true,
    });
  }
  if (response.status === 410) return { kind: 'tombstone', version };
  if (response.status === 304) return { kind: 'unchanged', version, etag };
  try {
    return { kind: 'state', version, etag, state: (await response.json()) as S };
  } catch (cause) {
    signal?.throwIfAborted();
    throw new Refusal('answer-unreadable', 'The object did not come whole.', { retryable: true, cause });
  }
}

/** @throws Refusal `reference-refused` */
function pathOf(dataref: unknown, gateways: readonly string[]): { path: string; version: number } {
  if (typeof dataref !== 'string' || !URL.canParse(dataref, gateways[0])) throw refused('it has none');
  const url = new URL(dataref, gateways[0]);
  const gateway = gateways.map((known) => new URL(known)).find(({ origin }) => origin === url.origin);
  if (gateway === undefined || url.username !== '') throw refused(`it leads to ${url.origin}`);
  const root = gateway.pathname.replace(/\/$/, '');
  const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : url.pathname;
  if (!OBJECT_PATH.test(path)) throw refused(`it leads to ${url.pathname}`);
  return { path: path + url.search, version: Number(url.searchParams.get('version') ?? 0) };
}

function refused(why: string): Refusal {
  return new Refusal('reference-refused', `The reference of the event is not followed: ${why}.`);
}
