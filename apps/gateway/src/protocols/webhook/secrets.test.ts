import { expect, it } from 'vitest';
import {
  MAX_SECRETS,
  kindOf,
  maskedSecret,
  newSecret,
  normalSecret,
  publicKeyOf,
  rotate,
  secretProblem,
  secretView,
  validSecrets,
} from './secrets.js';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const HOUR = 3_600_000;

it('secrets that are made here are accepted here', () => {
  for (const kind of ['v1', 'v1a'] as const) {
    const secret = newSecret(kind);
    expect(kindOf(secret)).toBe(kind);
    expect(secretProblem(secret)).toBeUndefined();
    expect(normalSecret(secret)).toBe(secret);
  }
  expect(publicKeyOf(newSecret('v1a'))).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
});

it('a secret of a wrong length, form or key pair is refused', () => {
  const bytes = (prefix: string, length: number): string => prefix + Buffer.alloc(length, 7).toString('base64');
  expect([24, 64].map((length) => secretProblem(bytes('whsec_', length)))).toEqual([undefined, undefined]);
  for (const wrong of [
    bytes('whsec_', 23),
    bytes('whsec_', 65),
    bytes('whsk_', 31),
    bytes('whsk_', 64),
    bytes('whpk_', 32),
    'whsec_!!',
    'secret',
    '',
  ]) {
    expect(secretProblem(wrong), wrong).toMatch(/^must /);
  }
});

it('an ed25519 seed alone gets its public key beside it', () => {
  const whole = newSecret('v1a');
  const seed = `whsk_${Buffer.from(whole.slice(5), 'base64').subarray(0, 32).toString('base64')}`;
  expect(secretProblem(seed)).toBeUndefined();
  expect(normalSecret(seed)).toBe(whole);
});

it('rotation lets the secrets of its kind sign along for the overlap, and no longer', () => {
  const [v1, v1a] = [newSecret(), newSecret('v1a')].map((secret) => ({ secret, createdAt: 'then' }));
  const { secrets, added } = rotate([v1!, v1a!], 'v1', HOUR, NOW);
  expect(secrets.map(({ secret }) => secret)).toEqual([added.secret, v1!.secret, v1a!.secret]);
  expect(validSecrets(secrets, NOW + HOUR - 1)).toHaveLength(3);
  expect(validSecrets(secrets, NOW + HOUR).map(({ secret }) => secret)).toEqual([added.secret, v1a!.secret]);
  // Rotating again never lengthens the life of one that is on its way out.
  const again = rotate(secrets, 'v1', 10 * HOUR, NOW);
  expect(again.secrets.find(({ secret }) => secret === v1!.secret)?.expiresAt).toBe(new Date(NOW + HOUR).toISOString());
});

it('rotation without overlap drops the secret at once', () => {
  const { secrets, added } = rotate([{ secret: newSecret(), createdAt: 'then' }], 'v1', 0, NOW);
  expect(secrets).toEqual([added]);
});

it('no more secrets sign at once than each delivery can bear', () => {
  let secrets = [{ secret: newSecret(), createdAt: 'then' }];
  for (let n = 1; n < MAX_SECRETS; n += 1) ({ secrets } = rotate(secrets, 'v1', HOUR, NOW));
  expect(() => rotate(secrets, 'v1', HOUR, NOW)).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(rotate(secrets, 'v1', HOUR, NOW + HOUR).secrets).toHaveLength(2);
});

it('a secret is shown by its last characters only, and its public key in full', () => {
  const secret = newSecret();
  expect(maskedSecret(secret)).toMatch(/^whsec_•••[A-Za-z0-9+/]{4}$/);
  expect(secret).toContain(maskedSecret(secret).slice(-4));
  const asymmetric = newSecret('v1a');
  const view = secretView({ secret: asymmetric, createdAt: 'then' });
  expect(view).toMatchObject({ kind: 'v1a', publicKey: publicKeyOf(asymmetric) });
  expect(view.secret).toMatch(/^whsk_•••.{4}$/);
});
