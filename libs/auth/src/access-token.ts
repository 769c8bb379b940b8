import { uuidv7 } from '@heddle/event';
import { tokenInvalid } from './bearer.js';
import type { Caller } from './caller.js';
import { type Claims, type SigningKey, signJwt } from './jwt.js';
import { Permissions } from './permissions.js';

/** The type of access tokens (RFC 9068 §2.1). */
export const ACCESS_TOKEN = 'at+jwt';

/** What an access token says. */
export interface Grant {
  issuer: string;
  audience: string;
  /** The client's id at the token endpoint, which has the tenant in front of the name unless that is the local one. */
  clientId: string;
  caller: Omit<Caller, 'expiresAt'>;
  lifeSeconds: number;
}

const TENANT = /^[a-z][a-z0-9-]{0,30}$/;
const NAMESPACE = /^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64}){2}$/;
const CLIENT = /^[\x21-\x7e]{1,128}$/;

/** Issues an access token (RFC 9068), with the tenant, the namespace and the state of its client beside the scope. */
export function issueAccessToken(grant: Grant, key: SigningKey): Promise<string> {
  const { issuer, audience, clientId, caller, lifeSeconds } = grant;
  const now = Math.floor(Date.now() / 1000);
  const { tenant, namespace, client, permissions, grantedAt } = caller;
  const claims = {
    iss: issuer,
    aud: audience,
    sub: clientId,
    client_id: clientId,
    client,
    tenant,
    namespace,
    scope: permissions.scope,
    granted_at: grantedAt,
    iat: now,
    exp: now + lifeSeconds,
    jti: uuidv7(),
  };
  return signJwt(claims, ACCESS_TOKEN, key);
}

/**
 * Who an access token of our own is of, by its claims, which have been verified.
 *
 * @throws HeddleError `token-invalid` when it is no access token of a client
 */
export function callerOfClaims(claims: Claims): Caller {
  const { sub, client_id: clientId, client, tenant, namespace, scope, granted_at: grantedAt, exp } = claims;
  if (typeof sub !== 'string' || sub !== clientId) throw tokenInvalid('it is not of a client');
  if (typeof tenant !== 'string' || !TENANT.test(tenant)) throw tokenInvalid('it names no tenant');
  if (typeof namespace !== 'string' || !NAMESPACE.test(namespace) || !namespace.startsWith(`${tenant}/`)) {
    throw tokenInvalid('it names no namespace of its tenant');
  }
  if (typeof client !== 'string' || !CLIENT.test(client)) throw tokenInvalid('it names no client');
  if (typeof scope !== 'string') throw tokenInvalid('it has no scope');
  if (typeof grantedAt !== 'number') throw tokenInvalid('it does not say as of when it is granted');
  const permissions = permissionsOf(scope);
  return { tenant, namespace, client, permissions, expiresAt: Number(exp) * 1000, grantedAt };
}

function permissionsOf(scope: string): Permissions {
  try {
    return Permissions.ofScope(scope);
  } catch (cause) {
    throw tokenInvalid('its scope is not of permissions', cause);
  }
}
