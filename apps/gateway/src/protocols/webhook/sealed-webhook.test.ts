import { expect, it } from 'vitest';
import type { Vault } from '../../vault/vault.js';
import { masterKeys, openVault } from '../../vault/vault-trial.js';
import { isToBeSealed, openWebhook, sealWebhook, type SealedWebhook } from './sealed-webhook.js';
import { type WebhookDefinition, standstillOf } from './webhook.js';

const WEBHOOK: WebhookDefinition = {
  format: 1,
  tenant: 'acme',
  name: 'hook',
  queue: 'hook',
  ownsQueue: true,
  version: 3,
  url: 'https://receiver.test/hook',
  contentMode: 'structured',
  secrets: [
    { secret: 'whsec_canary-one', createdAt: '2026-01-01T00:00:00.000Z' },
    { secret: 'whsk_canary-two', createdAt: '2026-01-02T00:00:00.000Z', expiresAt: '2026-03-01T00:00:00.000Z' },
  ],
  headers: { 'x-secret': 'canary-three', 'x-name': 'canary-four' },
  auth: {
    basic: { user: 'someone', password: 'canary-five' },
    apiKey: { header: 'x-api-key', value: 'canary-six' },
    oauth2: {
      tokenUrl: 'https://tokens.test/',
      clientId: 'client',
      clientSecret: 'canary-seven',
      mtls: { certificate: 'certificate', privateKey: 'canary-ten' },
    },
    mtls: { certificate: 'certificate', privateKey: 'canary-eight' },
  },
  delivery: { maxInFlight: 64, timeoutMs: 15_000 },
  handshake: { origin: 'gateway.test' },
  consent: { state: 'pending', since: '2026-01-01T00:00:00.000Z', token: 'canary-nine' },
  paused: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};
const SECRETS = 10;

async function sealed(vault: Vault, webhook: WebhookDefinition = WEBHOOK): Promise<SealedWebhook> {
  return sealWebhook(webhook, await vault.sealer(webhook.tenant));
}

it('a stored definition has none of its secrets in it, and opens to what it was', async () => {
  const vault = await openVault();
  const stored = await sealed(vault);
  const text = JSON.stringify(stored);
  expect(text).not.toContain('canary');
  expect(text.match(/sealed[.]v1[.]/g)).toHaveLength(SECRETS);
  expect(stored).toMatchObject({ format: 2, url: WEBHOOK.url, auth: { basic: { user: 'someone' } } });
  expect(openWebhook(JSON.parse(text) as SealedWebhook, vault)).toEqual(WEBHOOK);
});

it('a definition from before, in the clear, is read, and is to be sealed', async () => {
  const vault = await openVault();
  expect(openWebhook(WEBHOOK, vault)).toEqual(WEBHOOK);
  expect(isToBeSealed(WEBHOOK, vault)).toBe(true);
  const stored = await sealed(vault);
  expect(isToBeSealed(stored, vault)).toBe(false);
  const older = await openVault(masterKeys('main'), undefined, 1);
  const underOldKey = await sealed(older);
  await older.seal('acme', 'another', 'secret');
  expect(isToBeSealed(underOldKey, older)).toBe(true);
});

it('a sealed secret in the place of another one of the same webhook is refused', async () => {
  const vault = await openVault();
  const stored = await sealed(vault);
  const places = JSON.stringify(stored).match(/sealed[.]v1[.][^"]+/g) ?? [];
  let moved = 0;
  for (const from of places) {
    for (const to of places) {
      if (from === to) continue;
      const changed = JSON.parse(JSON.stringify(stored).replace(to, from)) as SealedWebhook;
      expect(standstillOf(openWebhook(changed, vault))).toBe('unreadable');
      moved += 1;
    }
  }
  expect(moved).toBe(SECRETS * (SECRETS - 1));
});

it.each<[string, Partial<SealedWebhook>]>([
  ['another tenant', { tenant: 'globex' }],
  ['another webhook', { name: 'other' }],
  ['a webhook of the same name that was created later', { createdAt: '2026-01-01T00:00:00.001Z' }],
  ['another URL', { url: 'https://elsewhere.test/' }],
  ['another token URL', { auth: { oauth2: { ...WEBHOOK.auth.oauth2!, tokenUrl: 'https://elsewhere.test/' } } }],
])('moved to %s it is refused, shows nothing and delivers nothing', async (_, change) => {
  const vault = await openVault();
  const stored = await sealed(vault);
  const { oauth2 } = stored.auth;
  const auth =
    change.auth === undefined ? {} : { auth: { oauth2: { ...oauth2!, tokenUrl: 'https://elsewhere.test/' } } };
  const opened = openWebhook({ ...stored, ...change, ...auth }, vault);
  expect(standstillOf(opened)).toBe('unreadable');
  expect(JSON.stringify(opened)).not.toContain('canary');
  expect(opened.secrets.map(({ secret }) => secret)).toEqual(['•••', '•••']);
});
