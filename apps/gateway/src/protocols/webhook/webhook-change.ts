import { type ClientCertificate, shownCertificate, shownKey } from './client-certificate.js';
import type { WebhookAuth } from './credentials.js';
import { type Consent, initialConsent } from './handshake.js';
import { masked, unmasked } from './masked.js';
import { shownHeader } from './request-maker.js';
import { type WebhookSecret, maskedSecret, newSecret, normalSecret, validSecrets } from './secrets.js';
import type { OAuth2Client } from './token-source.js';
import type { Subscription, WebhookDefinition } from './webhook.js';
import type { WebhookRequest } from './webhook.shape.js';

/**
 * What a PUT makes of a webhook. Masked values keep the stored ones, and so do secrets that are left out; consent is
 * kept as long as the same is asked of the same URL.
 *
 * @throws HeddleError `data-invalid` for a masked value that is not the stored one's.
 */
export function changedWebhook(
  { tenant, name }: Pick<WebhookDefinition, 'tenant' | 'name'>,
  request: WebhookRequest,
  before: WebhookDefinition | undefined,
  now: number,
  subscription: Subscription | undefined = before?.subscription,
): { webhook: WebhookDefinition; madeSecret: string | undefined } {
  const at = new Date(now).toISOString();
  // What cannot be read cannot be kept: then everything has to be given again.
  const stored = before?.unreadable === undefined ? before : undefined;
  const kept = stored === undefined ? [] : validSecrets(stored.secrets, now);
  const madeSecret = request.secrets === undefined && stored === undefined ? newSecret() : undefined;
  const secrets =
    madeSecret === undefined ? secretsOf(request.secrets, kept, at) : [{ secret: madeSecret, createdAt: at }];
  const { url, contentMode, defaultContentType, delivery, handshake } = request;
  const webhook: WebhookDefinition = {
    format: 1,
    tenant,
    name,
    queue: request.queue ?? name,
    ownsQueue: request.queue === undefined,
    version: (before?.version ?? 0) + 1,
    url,
    contentMode,
    ...(defaultContentType === undefined ? {} : { defaultContentType }),
    secrets,
    headers: headersOf(request.headers, stored?.headers),
    auth: authOf(request.auth, stored?.auth),
    delivery,
    handshake,
    consent: { state: 'exempt' },
    paused: request.paused ?? before?.paused ?? false,
    ...(subscription === undefined ? {} : { subscription }),
    ...(before?.disabled === undefined ? {} : { disabled: before.disabled }),
    createdAt: before?.createdAt ?? at,
    updatedAt: at,
  };
  return { webhook: { ...webhook, consent: consentOf(webhook, before, now) }, madeSecret };
}

function consentOf(webhook: WebhookDefinition, before: WebhookDefinition | undefined, now: number): Consent {
  const isSame =
    before !== undefined &&
    before.url === webhook.url &&
    JSON.stringify(before.handshake) === JSON.stringify(webhook.handshake);
  return isSame ? before.consent : initialConsent(webhook, now);
}

function secretsOf(
  given: WebhookRequest['secrets'],
  stored: readonly WebhookSecret[],
  createdAt: string,
): WebhookSecret[] {
  if (given === undefined) return [...stored];
  return given.map(({ secret, expiresAt }, index) => {
    const match = stored.find((one) => maskedSecret(one.secret) === secret);
    const written = normalSecret(unmasked(secret, match?.secret, `secrets.${index}.secret`, maskedSecret));
    const known = stored.find((one) => one.secret === written);
    return {
      secret: written,
      createdAt: known?.createdAt ?? createdAt,
      ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
    };
  });
}

function headersOf(
  given: Readonly<Record<string, string>>,
  stored: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      unmasked(value, stored[name], `headers.${name}`, (secret) => shownHeader(name, secret)),
    ]),
  );
}

/** Credentials with what came back masked put in again. */
function authOf({ basic, apiKey, oauth2, mtls }: WebhookRequest['auth'], stored: WebhookAuth = {}): WebhookAuth {
  const auth: WebhookAuth = {};
  if (basic !== undefined) {
    const password = unmasked(basic.password, stored.basic?.password, 'auth.basic.password');
    auth.basic = { ...basic, password };
  }
  if (apiKey !== undefined) {
    auth.apiKey = { ...apiKey, value: unmasked(apiKey.value, stored.apiKey?.value, 'auth.apiKey.value') };
  }
  if (oauth2 !== undefined) {
    const { tokenUrl, clientId, scope, clientSecret: secret, mtls: shown } = oauth2;
    auth.oauth2 = {
      tokenUrl,
      clientId,
      ...(secret === undefined
        ? {}
        : { clientSecret: unmasked(secret, stored.oauth2?.clientSecret, 'auth.oauth2.clientSecret') }),
      ...(shown === undefined ? {} : { mtls: withKey(shown, stored.oauth2?.mtls, 'auth.oauth2.mtls') }),
      ...(scope === undefined ? {} : { scope }),
    };
  }
  if (mtls !== undefined) auth.mtls = withKey(mtls, stored.mtls, 'auth.mtls');
  return auth;
}

/** A certificate whose key, where it came back masked, is the stored one of the same certificate. */
function withKey(
  { certificate, privateKey, ca }: NonNullable<WebhookRequest['auth']['mtls']>,
  stored: ClientCertificate | undefined,
  field: string,
): ClientCertificate {
  const storedKey = stored?.certificate === certificate ? stored.privateKey : undefined;
  return {
    certificate,
    privateKey: unmasked(privateKey, storedKey, `${field}.privateKey`, shownKey),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Credentials as they may be shown. */
export function shownAuth({ basic, apiKey, oauth2, mtls }: WebhookAuth): WebhookAuth {
  return {
    ...(basic === undefined ? {} : { basic: { ...basic, password: masked(basic.password) } }),
    ...(apiKey === undefined ? {} : { apiKey: { ...apiKey, value: masked(apiKey.value) } }),
    ...(oauth2 === undefined ? {} : { oauth2: shownClient(oauth2) }),
    ...(mtls === undefined ? {} : { mtls: shownCertificate(mtls) }),
  };
}

function shownClient({ clientSecret, mtls, ...open }: OAuth2Client): OAuth2Client {
  return {
    ...open,
    ...(clientSecret === undefined ? {} : { clientSecret: masked(clientSecret) }),
    ...(mtls === undefined ? {} : { mtls: shownCertificate(mtls) }),
  };
}

/** The same after a change: what somebody read before is out of date. */
export function nextVersion(webhook: WebhookDefinition): WebhookDefinition {
  return { ...webhook, version: webhook.version + 1, updatedAt: new Date().toISOString() };
}
