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

/** @throws Error when it is no key that can sign or verify */
export async function keyOf(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, jwk.alg ?? ALGORITHM, { extractable: false });
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key signs no tokens');
  return key;
}
