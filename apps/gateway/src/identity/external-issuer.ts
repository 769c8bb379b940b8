import {
  type Caller,
  type Claims,
  Permissions,
  type RemoteKeysOptions,
  type TrustedIssuer,
  discoveredKeys,
  remoteKeys,
  tokenInvalid,
} from '@heddle/auth';
import type { ClientDirectory } from './client-directory.js';
import { MAX_SCOPE } from './clients.shape.js';

/** An OpenID issuer elsewhere whose access tokens are believed here, and what they mean. */
export interface ExternalIssuerOptions {
  issuer: string;
  audience: string;
  /** Of its key set; it says so itself when not set. */
  keysUrl?: string | undefined;
  /** Values of `typ`: `jwt`, where it does not follow RFC 9068. */
  types: readonly string[];
  /**
   * `clients`: the claim `client` names a client here, which says what it may do. `scopes`: the token says so itself, in
   * the claims `tenant`, `namespace` and `scope`.
   */
  mapping: 'clients' | 'scopes';
  claims: { client: string; tenant: string; namespace: string; scope: string };
}

/** In front of the names of callers that are no clients here: no client is named like that. */
const EXTERNAL = 'oidc:';
const NAMESPACE = /^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){2}$/;
const SUBJECT = /^[\x21-\x7e]{1,120}$/;
/** What id tokens have and access tokens do not: one must not be taken for the other. */
const OF_ID_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash'];

export function externalIssuer(
  options: ExternalIssuerOptions,
  directory: Pick<ClientDirectory, 'byId' | 'hasTenant'>,
  keys: RemoteKeysOptions = {},
): TrustedIssuer {
  const { issuer, audience, types, keysUrl, mapping } = options;
  return {
    issuer,
    audience,
    types: types.map((type) => type.toLowerCase()),
    key: keysUrl === undefined ? discoveredKeys(issuer, keys) : remoteKeys(keysUrl, keys),
    callerOf(claims) {
      const found = OF_ID_TOKENS.find((name) => claims[name] !== undefined);
      if (found !== undefined) throw tokenInvalid(`it has ${found}, and so is an id token`);
      return mapping === 'clients' ? byClient(claims, options, directory) : byScopes(claims, options, directory);
    },
  };
}

/** Whether a caller is one whose rights stand in its token alone. */
export function isExternal({ client }: Pick<Caller, 'client'>): boolean {
  return client.startsWith(EXTERNAL);
}

/** It may do what the client here may; a change of that ends what was issued before, in whole seconds. */
function byClient(
  claims: Claims,
  { claims: names }: ExternalIssuerOptions,
  directory: Pick<ClientDirectory, 'byId'>,
): Caller {
  const id = claims[names.client];
  const client = typeof id === 'string' ? directory.byId(id) : undefined;
  if (client === undefined) throw tokenInvalid(`its ${names.client} is no client here`);
  return {
    tenant: client.tenant,
    namespace: client.namespace,
    client: client.client,
    permissions: Permissions.of(client.permissions),
    ...timesOf(claims),
  };
}

function byScopes(
  claims: Claims,
  { claims: names }: ExternalIssuerOptions,
  directory: Pick<ClientDirectory, 'hasTenant'>,
): Caller {
  const { sub } = claims;
  if (typeof sub !== 'string' || !SUBJECT.test(sub)) throw tokenInvalid('its sub is no name');
  const tenant = claims[names.tenant];
  if (typeof tenant !== 'string' || !directory.hasTenant(tenant)) {
    throw tokenInvalid(`its ${names.tenant} is no tenant here`);
  }
  const namespace = claims[names.namespace] ?? `${tenant}/mesh/external`;
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace) || !namespace.startsWith(`${tenant}/`)) {
    throw tokenInvalid(`its ${names.namespace} is no namespace of its tenant`);
  }
  const permissions = permissionsOf(claims[names.scope]);
  return { tenant, namespace, client: `${EXTERNAL}${sub}`, permissions, ...timesOf(claims) };
}

/** Those of a scope that are permissions here; others, such as openid, are for somebody else. */
function permissionsOf(scope: unknown): Permissions {
  const texts = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? (scope as unknown[]) : [];
  const ours = texts.filter((text): text is string => typeof text === 'string' && isPermission(text));
  try {
    // It has to fit into the tokens that instances and tickets carry, too.
    if (ours.join(' ').length > MAX_SCOPE) throw new RangeError(`longer than ${MAX_SCOPE}`);
    return Permissions.of(ours, 'scope');
  } catch (cause) {
    throw tokenInvalid('its scope has too many permissions', cause);
  }
}

function isPermission(text: string): boolean {
  try {
    return Permissions.of([text]).texts.length === 1;
  } catch {
    return false;
  }
}

function timesOf({ exp, iat }: Claims): Pick<Caller, 'expiresAt' | 'grantedAt'> {
  return { expiresAt: Number(exp) * 1000, grantedAt: Number(iat) * 1000 };
}
