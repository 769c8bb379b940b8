import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { secretBytes } from './webhook.js';

/** Signs deliveries to one webhook as Standard Webhooks 1.0.0 says (`v1`, HMAC-SHA256 over id, timestamp and body). */
export class Signer {
  readonly #key: KeyObject;

  constructor(secret: string) {
    this.#key = createSecretKey(secretBytes(secret));
  }

  /** @param timestamp in seconds since the epoch, new for each attempt */
  sign(id: string, timestamp: number, body: Uint8Array): string {
    return `v1,${createHmac('sha256', this.#key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  }
}

/**
 * The message id of an event: its own, unless that has a character the signed text or a header cannot carry (a dot,
 * which separates the parts; anything outside ASCII): then a digest of it, the same at every attempt.
 */
export function messageId(eventId: string): string {
  return /^[A-Za-z0-9_:~-]{1,128}$/.test(eventId)
    ? eventId
    : `sha256_${createHash('sha256').update(eventId).digest('base64url')}`;
}
