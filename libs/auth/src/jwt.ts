import { HeddleError } from '@heddle/event';
import { type CryptoKey, SignJWT, jwtVerify } from 'jose';
import { tokenInvalid } from './bearer.js';
import { type JwtForm, readForm } from './jwt-form.js';

/** What may sign a token that is believed here: asymmetric keys only, and no algorithm that a token could choose. */
export const ALGORITHMS = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const;

/** Seconds that the clocks of issuer and verifier may differ. */
export const CLOCK_SKEW_S = 30;

/** What is written into a token; times are in seconds (RFC 7519 §2). */
export type Claims = Readonly<Record<string, unknown>>;

/** A private key, as tokens are signed with. */
export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
}

/**
 * The key that a token is to be checked with, by what its header says.
 *
 * @throws HeddleError `token-invalid` when there is none, `issuer-unavailable` when that cannot be told now
 */
export type KeyFinder = (header: { kid?: string; alg: string }) => CryptoKey | Promise<CryptoKey>;

/** What a token must be to be believed. */
export interface Expectation {
  /** As the token has it, to the letter. */
  issuer: string;
  audience: string | readonly string[];
  /** Values of `typ` (RFC 8725 §3.11), so that a token of one use is not taken for another. */
  types: readonly string[];
  /** Whether a token may leave out what it is; only where no other kind of token could come (RFC 7523 is older). */
  isTypeOptional?: boolean;
  /** Seconds that clocks may differ (30). */
  skewSeconds?: number;
  key: KeyFinder;
}

/** A signed token (RFC 7515, compact) of a type, as `at+jwt`. */
export async function signJwt(claims: Claims, type: string, { kid, alg, privateKey }: SigningKey): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg, typ: type, kid }).sign(privateKey);
}

/**
 * The claims of a token that is what it must be: signed by a known key, of this issuer, for this audience, now.
 *
 * @throws HeddleError `token-invalid`, `issuer-unavailable`
 */
export async function verifyJwt(
  token: string,
  expectation: Expectation,
  { header, claims }: JwtForm = readForm(token),
): Promise<Claims> {
  const { issuer, audience, types, isTypeOptional = false, skewSeconds = CLOCK_SKEW_S, key } = expectation;
  const { alg, typ, kid } = header;
  if (typeof alg !== 'string' || !ALGORITHMS.some((name) => name === alg)) {
    throw tokenInvalid(`it is not signed with one of ${ALGORITHMS.join(', ')}`);
  }
  if (!(typ === undefined && isTypeOptional) && !isOfType(typ, types)) {
    throw tokenInvalid(`it is not of type ${types.join(' or ')}`);
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) throw tokenInvalid('its kid is no key id');
  if (claims.iss !== issuer) throw tokenInvalid('it is of another issuer');
  const { exp, iat } = claims;
  const now = Date.now() / 1000;
  // No token is for ever, or from the future; the rest of the times is checked with the signature.
  if (!isTime(exp)) throw tokenInvalid('it does not say when it ends');
  if (!isTime(iat) || iat > now + CLOCK_SKEW_S) throw tokenInvalid('it does not say when it was issued');
  try {
    const found = await key(kid === undefined ? { alg } : { kid, alg });
    const verified = await jwtVerify(token, found, {
      algorithms: [alg],
      issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      clockTolerance: skewSeconds,
      requiredClaims: ['exp', 'iat', 'aud'],
    });
    return verified.payload;
  } catch (error) {
    if (error instanceof HeddleError) throw error;
    throw tokenInvalid(reasonOf(error), error);
  }
}

function isOfType(typ: unknown, types: readonly string[]): boolean {
  return typeof typ === 'string' && types.includes(typ.toLowerCase().replace(/^application\//, ''));
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 1e11;
}

/** In our words, by the codes of jose; what is not known says nothing of itself. */
function reasonOf(error: unknown): string {
  const { code, claim } = error as { code?: string; claim?: string };
  if (code === 'ERR_JWT_EXPIRED') return 'it has expired';
  if (code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return 'its signature is wrong';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED' && claim === 'aud') return 'it is for another audience';
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED' && claim === 'nbf') return 'it is not valid yet';
  return 'it cannot be checked';
}
