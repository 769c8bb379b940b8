import { HeddleError } from '@heddle/event';
import type { Sealer, Vault } from '../../vault/vault.js';
import type { WebhookAuth } from './credentials.js';
import { masked } from './masked.js';
import type { WebhookDefinition } from './webhook.js';

/** A definition as it is stored: in the place of each secret stands what it was sealed to. */
export type SealedWebhook = Omit<WebhookDefinition, 'format' | 'unreadable'> & { format: 2 };

/** What may stand in the log. Format 1 is from before there was sealing, and has its secrets in the clear. */
export type StoredWebhook = SealedWebhook | WebhookDefinition;

/** Where a webhook is stored. */
export type WebhookPlace = Pick<WebhookDefinition, 'tenant' | 'name' | 'queue'>;

/** What a secret becomes; `field` and `target`, where it goes to, say which one it is. */
type Change = (secret: string, field: string, target: string) => string;

/** Whoever can write into the log cannot make a secret go elsewhere: it opens for the URL that it was sealed for. */
export function sealWebhook(webhook: WebhookDefinition, seal: Sealer): SealedWebhook {
  const { unreadable: _never, ...stored } = webhook;
  return {
    ...stored,
    ...withSecrets(webhook, (secret, field, target) => seal(contextOf(webhook, field, target), secret)),
    format: 2,
  };
}

/** A stored definition with its secrets in the clear; one whose secrets cannot be opened says so, and why. */
export function openWebhook(stored: StoredWebhook, vault: Pick<Vault, 'open'>): WebhookDefinition {
  if (stored.format === 1) return stored;
  const { tenant } = stored;
  try {
    return {
      ...stored,
      ...withSecrets(stored, (sealed, field, target) => vault.open(tenant, contextOf(stored, field, target), sealed)),
      format: 1,
    };
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { ...stored, ...withSecrets(stored, () => masked('')), unreadable: error.message, format: 1 };
  }
}

/** Whether it stands in the log in the clear, or under another key than the one its tenant seals with now. */
export function isToBeSealed(stored: StoredWebhook, vault: Pick<Vault, 'isCurrent'>): boolean {
  if (stored.format === 1) return true;
  let isCurrent = true;
  withSecrets(stored, (sealed) => {
    isCurrent &&= vault.isCurrent(stored.tenant, sealed);
    return sealed;
  });
  return !isCurrent;
}

/** One of the same name that is created later is another: what was sealed for this one does not open for it. */
function contextOf({ name, createdAt }: Pick<StoredWebhook, 'name' | 'createdAt'>, field: string, to: string): string {
  return `webhook/${name}/${createdAt}/${field}/${to}`;
}

/** All that nobody may read of a definition. Any header of the receiver's may be a secret, whatever its name. */
function withSecrets(
  { secrets, headers, auth, consent, url }: Pick<StoredWebhook, 'secrets' | 'headers' | 'auth' | 'consent' | 'url'>,
  change: Change,
): Pick<WebhookDefinition, 'secrets' | 'headers' | 'auth' | 'consent'> {
  return {
    secrets: secrets.map((one, index) => ({ ...one, secret: change(one.secret, `secrets.${index}`, url) })),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, change(value, `headers.${name}`, url)]),
    ),
    auth: withAuthSecrets(auth, url, change),
    consent: 'token' in consent ? { ...consent, token: change(consent.token, 'consent.token', url) } : consent,
  };
}

function withAuthSecrets({ basic, apiKey, oauth2, mtls }: WebhookAuth, url: string, change: Change): WebhookAuth {
  const auth: WebhookAuth = {};
  if (basic !== undefined) {
    auth.basic = { ...basic, password: change(basic.password, 'auth.basic.password', url) };
  }
  if (apiKey !== undefined) auth.apiKey = { ...apiKey, value: change(apiKey.value, 'auth.apiKey.value', url) };
  if (oauth2 !== undefined) {
    const { clientSecret, mtls: shown, tokenUrl } = oauth2;
    auth.oauth2 = {
      ...oauth2,
      ...(clientSecret === undefined
        ? {}
        : { clientSecret: change(clientSecret, 'auth.oauth2.clientSecret', tokenUrl) }),
      ...(shown === undefined
        ? {}
        : { mtls: { ...shown, privateKey: change(shown.privateKey, 'auth.oauth2.mtls.privateKey', tokenUrl) } }),
    };
  }
  if (mtls !== undefined) {
    auth.mtls = { ...mtls, privateKey: change(mtls.privateKey, 'auth.mtls.privateKey', url) };
  }
  return auth;
}
