import { HeddleError } from '@heddle/event';
import type { Kind, Permissions, Verb } from './permissions.js';

/** Who asks, as its token says; where it may act is decided by nothing else. */
export interface Caller {
  /** The only tenant whose things it sees. */
  tenant: string;
  /** Three segments, of which the first is the tenant: `acme/sales/prod`. */
  namespace: string;
  /** The client's id, as the audit names it. */
  client: string;
  permissions: Permissions;
  /** Milliseconds since 1970 at which its token ends. */
  expiresAt: number;
  /** Milliseconds since 1970: what changed the client's rights after that ends what was granted before. */
  grantedAt: number;
}

/** @throws HeddleError `permission-missing`, naming the one that is needed */
export function requirePermission(caller: Caller, verb: Verb, kind: Kind, name: string): void {
  if (caller.permissions.allows(verb, kind, name)) return;
  throw permissionMissing(caller, `${verb}:${kind}:${name}`);
}

/** The error of a caller who is known, and may not; names the permission that it needs. */
export function permissionMissing(caller: Caller, permission: string): HeddleError {
  return new HeddleError('permission-missing', `The client ${caller.client} needs the permission ${permission}.`);
}
