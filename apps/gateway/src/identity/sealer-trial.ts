import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { Sealer } from './sealer.js';

/** For tests: it seals with a key that everybody can read here. */
export class TrialSealer implements Sealer {
  readonly #key = createHash('sha256').update('no secret').digest();

  seal(tenant: string, context: string, plaintext: string): Promise<string> {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(`${tenant}\n${context}`));
    const bytes = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    return Promise.resolve(bytes.toString('base64url'));
  }

  open(tenant: string, context: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12));
    decipher.setAAD(Buffer.from(`${tenant}\n${context}`)).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString();
  }
}
