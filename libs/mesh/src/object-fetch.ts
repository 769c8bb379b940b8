import { setTimeout as delay } from 'node:timers/promises';
import type { ClientTokens } from '@heddle/auth';
import { type EventAttributes, HeddleError } from '@heddle/event';
import { type ObjectAddress, type ObjectPlaces, addressOf } from './object-address.js';
import { refusalOf, textOf } from './object-answer.js';
import { StateCache } from './state-cache.js';

/** An object as its owner has it: its state, a tombstone where it was deleted, or that there has never been one. */
export type Fetched<S> =
  | { kind: 'state'; version: number; state: S; /** Whether it is other than what was fetched last. */ isNew: boolean }
  | { kind: 'tombstone'; version: number | undefined }
  | { kind: 'unknown' };

export interface ObjectFetchOptions extends ObjectPlaces {
  /** The client that this process is; without one it asks without a token. */
  tokens?: Pick<ClientTokens, 'header' | 'refused'> | undefined;
  request?: typeof fetch;
  /** Milliseconds that one fetch waits at most for an owner that is behind or away (10,000). */
  patienceMs?: number;
  /** Milliseconds that one request may take (5,000). */
  timeoutMs?: number;
  /** Bytes of an object at most (8 MiB). */
  maxBytes?: number;
  /** Characters of states that are kept for the next time (16 Mi). */
  cacheCharacters?: number;
}

const FIRST_WAIT_MS = 50;

/**
 * Reads the objects that notifications speak of. An answer is never older than the version that was notified: while the
 * owner is not that far, this waits as long as its patience lasts. What has not changed since the last time is not
 * transferred again (ETag).
 */
export class ObjectFetch {
  readonly #options: Required<Omit<ObjectFetchOptions, 'tokens'>> & Pick<ObjectFetchOptions, 'tokens'>;
  readonly #cache: StateCache;

  constructor(options: ObjectFetchOptions) {
    this.#options = {
      request: fetch,
      patienceMs: 10_000,
      timeoutMs: 5000,
      maxBytes: 8 * 1024 * 1024,
      cacheCharacters: 16 * 1024 * 1024,
      ...options,
    };
    this.#cache = new StateCache(this.#options.cacheCharacters);
  }

  /**
   * @param what an event, or the `dataref` of one
   * @throws HeddleError `object-behind`, `owner-unavailable`, `rate-limited`, `credentials-unavailable`, all of them
   * retryable; `permission-missing`, `token-invalid`, `parameter-invalid`, which trying again does not mend
   */
  async fetch<S>(what: EventAttributes | string): Promise<Fetched<S>> {
    const address = addressOf(what, this.#options);
    const until = performance.now() + this.#options.patienceMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#ask<S>(address);
      } catch (error) {
        if (!(error instanceof HeddleError) || !error.retryable) throw error;
        const wait = Math.max((error.retryAfterSeconds ?? 0) * 1000, FIRST_WAIT_MS * 2 ** Math.min(attempt, 5));
        // A wait that goes past its end would be in vain: who asks hears of it at once, and may come back.
        if (performance.now() + wait > until) throw error;
        await delay(wait);
      }
    }
  }

  async #ask<S>({ url, version: wanted, isDirect }: ObjectAddress): Promise<Fetched<S>> {
    const name = url.replace(/[?#].*$/, '');
    const known = this.#cache.get(name);
    const answer = await this.#request(url, known?.etag);
    const version = Number(/^(?:W\/)?"(\d+)"$/.exec(answer.headers.get('etag') ?? '')?.[1] ?? Number.NaN);
    if (answer.status === 304 && known !== undefined) {
      await answer.body?.cancel();
      if (isOlder(known.version, wanted)) throw behind(url, wanted);
      return { kind: 'state', version: known.version, state: JSON.parse(known.text) as S, isNew: false };
    }
    if (answer.status === 200) {
      const text = await textOf(answer, this.#options.maxBytes);
      if (!Number.isSafeInteger(version)) throw new HeddleError('owner-unavailable', 'The answer has no version.');
      if (isOlder(version, wanted)) throw behind(url, wanted);
      this.#cache.put(name, { version, etag: `"${version}"`, text });
      return { kind: 'state', version, state: JSON.parse(text) as S, isNew: version !== known?.version };
    }
    const refusal = await refusalOf(answer);
    if (answer.status === 410) {
      if (isOlder(version, wanted)) throw behind(url, wanted);
      this.#cache.forget(name);
      return { kind: 'tombstone', version: Number.isSafeInteger(version) ? version : undefined };
    }
    if (answer.status === 404) {
      // What was notified exists: its owner has to catch up. A gateway says so by itself.
      if (isDirect && wanted !== undefined) throw behind(url, wanted);
      return { kind: 'unknown' };
    }
    throw refusal;
  }

  /** A token that is no longer taken is replaced once. */
  async #request(url: string, etag: string | undefined): Promise<Response> {
    const { tokens } = this.#options;
    const header = await tokens?.header();
    const answer = await this.#send(url, etag, header);
    if (answer.status !== 401 || tokens === undefined || header === undefined) return answer;
    await answer.body?.cancel();
    tokens.refused(header);
    return this.#send(url, etag, await tokens.header());
  }

  async #send(url: string, etag: string | undefined, header: string | undefined): Promise<Response> {
    const { request, timeoutMs } = this.#options;
    try {
      return await request(url, {
        headers: {
          accept: 'application/json',
          ...(header === undefined ? {} : { authorization: header }),
          ...(etag === undefined ? {} : { 'if-none-match': etag }),
        },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (cause) {
      const { origin } = new URL(url);
      throw new HeddleError('owner-unavailable', `${origin} did not answer within ${timeoutMs} ms.`, { cause });
    }
  }
}

function isOlder(version: number, wanted: number | undefined): boolean {
  // What says no version of itself cannot be told to be new enough.
  return wanted !== undefined && !(version >= wanted);
}

function behind(url: string, version: number | undefined): HeddleError {
  return new HeddleError('object-behind', `${new URL(url).pathname} is not at version ${version} yet; try again.`);
}
