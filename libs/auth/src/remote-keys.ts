import { HeddleError } from '@heddle/event';
import { createRemoteJWKSet, customFetch, errors } from 'jose';
import { tokenInvalid } from './bearer.js';
import type { KeyFinder } from './jwt.js';

/** How the keys of an issuer elsewhere are got. */
export interface RemoteKeysOptions {
  /** How the key set is got; the global `fetch` when not said. */
  fetch?: typeof fetch;
  /** Milliseconds between two requests for a key that is not in the set (30,000). */
  cooldownMs?: number;
}

const TIMEOUT_MS = 5000;
const MAX_AGE_MS = 600_000;
/** After a failure the issuer is left alone for so long. */
const FAILURE_MS = 5000;
const MAX_BYTES = 256 * 1024;

/**
 * The keys of an issuer elsewhere (RFC 7517), got when first needed, and again after ten minutes or, at most every 30 s,
 * for a key id that is not among them.
 */
export function remoteKeys(url: string, options: RemoteKeysOptions = {}): KeyFinder {
  const { fetch: request = fetch, cooldownMs = 30_000 } = options;
  let failedAt = -Infinity;
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: TIMEOUT_MS,
    cooldownDuration: cooldownMs,
    cacheMaxAge: MAX_AGE_MS,
    [customFetch]: async (address, init) => {
      if (Date.now() - failedAt < FAILURE_MS) throw new Error('it did not answer a moment ago');
      try {
        const answer = await request(address, { ...init, redirect: 'error' });
        const body = await answer.text();
        if (answer.status !== 200 || body.length > MAX_BYTES) throw new Error(`status ${answer.status}`);
        return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } });
      } catch (error) {
        failedAt = Date.now();
        throw error;
      }
    },
  });
  return async (header) => {
    try {
      return await keys(header);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
        throw tokenInvalid('its key is not one of its issuer', cause);
      }
      if (cause instanceof errors.JOSENotSupported) throw tokenInvalid('its key is of a kind that is not used', cause);
      throw unavailable(url, cause);
    }
  };
}

/**
 * The keys of an issuer that says itself where they are (OpenID Connect Discovery 1.0 §4), asked when first needed.
 */
export function discoveredKeys(issuer: string, options: RemoteKeysOptions = {}): KeyFinder {
  const { fetch: request = fetch } = options;
  let keys: Promise<KeyFinder> | undefined;
  let failedAt = -Infinity;
  const discover = async (): Promise<KeyFinder> => {
    const answer = await request(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`, {
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const document = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown };
    // Whoever names another issuer speaks for another issuer (§4.3).
    if (document.issuer !== issuer || typeof document.jwks_uri !== 'string')
      throw new Error('no document of this issuer');
    return remoteKeys(document.jwks_uri, options);
  };
  return async (header) => {
    if (keys === undefined && Date.now() - failedAt < FAILURE_MS) throw unavailable(issuer);
    keys ??= discover();
    let found: KeyFinder;
    try {
      found = await keys;
    } catch (cause) {
      keys = undefined;
      failedAt = Date.now();
      throw unavailable(issuer, cause);
    }
    return found(header);
  };
}

function unavailable(url: string, cause?: unknown): HeddleError {
  return new HeddleError('issuer-unavailable', `The keys of ${new URL(url).origin} cannot be had now.`, {
    cause,
    retryAfterSeconds: 5,
  });
}
