import {
  type KeyObject,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { HeddleError } from '@heddle/event';
import { masked } from './masked.js';

/** `v1` is HMAC-SHA256 with a key both sides have, `v1a` is ed25519: the receiver needs the public key only. */
export type SecretKind = 'v1' | 'v1a';

/** A secret of Standard Webhooks 1.0.0, in its written form. */
export interface WebhookSecret {
  /** `whsec_` and 24 to 64 bytes, or `whsk_` and the 64 bytes of an ed25519 key pair (seed, public key), in base64. */
  secret: string;
  createdAt: string;
  /** From then on it signs no more. */
  expiresAt?: string;
}

/** What is shown of a secret once it has been handed out. */
export interface SecretView {
  kind: SecretKind;
  secret: string;
  /** Of `v1a`: `whpk_` and the 32 bytes of the public key in base64. */
  publicKey?: string;
  createdAt: string;
  expiresAt?: string;
}

/** Secrets of one webhook that sign at the same time, at most: each costs every delivery a signature. */
export const MAX_SECRETS = 5;

const SEED_BYTES = 32;

export function kindOf(secret: string): SecretKind {
  return secret.startsWith('whsk_') ? 'v1a' : 'v1';
}

/** A new secret from the system's random numbers. */
export function newSecret(kind: SecretKind = 'v1'): string {
  if (kind === 'v1') return `whsec_${randomBytes(32).toString('base64')}`;
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return `whsk_${Buffer.concat([Buffer.from(d ?? '', 'base64url'), Buffer.from(x ?? '', 'base64url')]).toString('base64')}`;
}

/** What is wrong with a secret somebody brings along, if anything is. */
export function secretProblem(secret: string): string | undefined {
  if (!/^wh(?:sec|sk)_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?$/.test(secret)) {
    return 'must be whsec_ or whsk_ and base64';
  }
  const { length } = secretBytes(secret);
  if (kindOf(secret) === 'v1') return length >= 24 && length <= 64 ? undefined : 'must have 24 to 64 bytes in base64';
  if (length !== SEED_BYTES && length !== 2 * SEED_BYTES) return 'must have the 64 bytes of an ed25519 key in base64';
  return length === SEED_BYTES || normalSecret(secret) === secret ? undefined : 'must have the public key of its seed';
}

/** The one written form of a secret: an ed25519 seed alone gets its public key beside it. */
export function normalSecret(secret: string): string {
  if (kindOf(secret) === 'v1') return secret;
  const seed = secretBytes(secret).subarray(0, SEED_BYTES);
  return `whsk_${Buffer.concat([seed, publicBytes(signingKey(secret))]).toString('base64')}`;
}

/** The key to sign with. */
export function signingKey(secret: string): KeyObject {
  const bytes = secretBytes(secret);
  if (kindOf(secret) === 'v1') return createSecretKey(bytes);
  // PKCS #8 of an ed25519 seed (RFC 8410 §7): the fixed prefix, then the seed.
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return createPrivateKey({
    key: Buffer.concat([prefix, bytes.subarray(0, SEED_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  });
}

/** The secrets that sign now. */
export function validSecrets(secrets: readonly WebhookSecret[], now: number): WebhookSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === undefined || Date.parse(expiresAt) > now);
}

/**
 * Adds a new secret; those of its kind go on signing for `overlapMs`, so that the receiver can change over in between.
 * What has expired is dropped.
 *
 * @throws HeddleError `conflict` when too many would sign at once.
 */
export function rotate(
  secrets: readonly WebhookSecret[],
  kind: SecretKind,
  overlapMs: number,
  now: number,
): { secrets: WebhookSecret[]; added: WebhookSecret } {
  const added = { secret: newSecret(kind), createdAt: new Date(now).toISOString() };
  const end = now + overlapMs;
  const older = secrets.map((secret) =>
    kindOf(secret.secret) !== kind || (secret.expiresAt !== undefined && Date.parse(secret.expiresAt) <= end)
      ? secret
      : { ...secret, expiresAt: new Date(end).toISOString() },
  );
  const all = validSecrets([added, ...older], now);
  if (all.length > MAX_SECRETS) {
    throw new HeddleError(
      'conflict',
      `${MAX_SECRETS} secrets sign already: wait until one expires, or put the webhook with the secrets it is to keep.`,
      { field: 'secrets' },
    );
  }
  return { secrets: all, added };
}

/** A secret as it is shown later: never itself. */
export function secretView({ secret, createdAt, expiresAt }: WebhookSecret): SecretView {
  const kind = kindOf(secret);
  return {
    kind,
    secret: maskedSecret(secret),
    ...(kind === 'v1a' ? { publicKey: publicKeyOf(secret) } : {}),
    createdAt,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** `whsec_•••` with the last characters, enough to tell secrets apart. */
export function maskedSecret(secret: string): string {
  const at = secret.indexOf('_') + 1;
  return secret.slice(0, at) + masked(secret.slice(at).replace(/=+$/, ''));
}

/** `whpk_` and the public key of an ed25519 secret, for the receiver to verify with. */
export function publicKeyOf(secret: string): string {
  return `whpk_${publicBytes(signingKey(secret)).toString('base64')}`;
}

function publicBytes(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
}

function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.slice(secret.indexOf('_') + 1), 'base64');
}
