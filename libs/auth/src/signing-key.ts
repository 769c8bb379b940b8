import { HeddleError } from '@heddle/event';
import { type CryptoKey, type JWK, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose';

export type { JWK };

const ALGORITHM = 'ES256';

/** A new key pair for signing tokens, ES256 (RFC 7518 §3.4); its id is its thumbprint (RFC 7638). */
export async function createKeyPair(): Promise<{ publicJwk: JWK; privateJwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const named = { kid: await calculateJwkThumbprint(jwk), alg: ALGORITHM, use: 'sig' };
  return { publicJwk: { ...jwk, ...named }, privateJwk: { ...(await exportJWK(privateKey)), ...named } };
}

/** The algorithms of the kinds of keys that are taken from others; the first when the key does not say. */
const ALGORITHMS_OF: Readonly<Record<string, readonly string[]>> = {
  'EC P-256': ['ES256'],
  'OKP Ed25519': ['EdDSA'],
  RSA: ['RS256', 'PS256'],
};
const MIN_RSA_CHARACTERS = 342;

/**
 * A public key that somebody brought, with its id and algorithm, and without what is nobody's business.
 *
 * @throws HeddleError `data-invalid` when it is no public key, or of a kind that is not used
 */
export async function publicKeyOf(given: JWK, field = 'keys'): Promise<JWK> {
  const { kty, crv, x, y, n, e } = given;
  const invalid = (rule: string): HeddleError => new HeddleError('data-invalid', `A key ${rule}.`, { field });
  if (['d', 'p', 'q', 'k'].some((name) => Object.hasOwn(given, name))) throw invalid('must be public, and this is not');
  const algorithms = ALGORITHMS_OF[kty === 'RSA' ? kty : `${kty} ${crv}`];
  if (algorithms === undefined) throw invalid('is of EC P-256, OKP Ed25519 or RSA');
  const alg = given.alg ?? algorithms[0]!;
  if (!algorithms.includes(alg)) throw invalid(`of this kind is for ${algorithms.join(' or ')}`);
  if (kty === 'RSA' && (n ?? '').length < MIN_RSA_CHARACTERS) throw invalid('of RSA has 2048 bits at least');
  const bare = Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined));
  try {
    await keyOf({ ...bare, alg } as JWK);
    const kid = given.kid ?? (await calculateJwkThumbprint(bare as JWK));
    return { ...bare, kid, alg, use: 'sig' } as JWK;
  } catch (cause) {
    throw new HeddleError('data-invalid', 'A key cannot be read.', { field, cause });
  }
}

/** @throws Error when it is no key that can sign or verify */
export async function keyOf(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, jwk.alg ?? ALGORITHM, { extractable: false });
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key signs no tokens');
  return key;
}
