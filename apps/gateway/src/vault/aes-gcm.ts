import { type KeyObject, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Nonce, ciphertext and tag in one. The nonce is random, 96 bits (NIST SP 800-38D §8.2.2), so that a key may be used
 * 2^32 times at most.
 *
 * @param about authenticated, but not part of the result: what is opened must be about the same
 */
export function encrypt(key: KeyObject, plaintext: Uint8Array, about: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(about));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** @throws Error for another key, another `about`, or a single changed bit */
export function decrypt(key: KeyObject, encrypted: Uint8Array, about: string): Buffer {
  if (encrypted.length < NONCE_BYTES + TAG_BYTES) throw new RangeError('too short to be encrypted');
  const end = encrypted.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, encrypted.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(about))
    .setAuthTag(encrypted.subarray(end));
  return Buffer.concat([decipher.update(encrypted.subarray(NONCE_BYTES, end)), decipher.final()]);
}

/** The bytes of a text in base64url; nothing for one that is not exactly how those bytes are written. */
export function bytesOf(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
