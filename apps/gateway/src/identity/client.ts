import type { JWK } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT } from '@heddle/event';

/** A secret of a client, as its hash; the secret itself was shown once. */
export interface SecretRecord {
  id: string;
  hash: string;
  createdAt: string;
  /** Milliseconds since 1970 from which on it is no secret any more; without it, until it is taken. */
  endsAt?: number;
  /** Whether it came with the file of clients that are there from the start. */
  fromFile?: true;
}

/** A client as it stands in `heddle.clients`. */
export interface ClientRecord {
  format: 1;
  tenant: string;
  /** Its name within the tenant, and at the token endpoint, behind the tenant's, its id. */
  client: string;
  namespace: string;
  permissions: readonly string[];
  description?: string;
  /** As a message client of SAP Event Mesh, which its permissions come from. */
  descriptor?: Readonly<Record<string, unknown>>;
  disabled: boolean;
  version: number;
  /** Milliseconds since 1970: tokens that were granted before are refused. */
  validFrom: number;
  createdAt: string;
  changedAt: string;
  /** Two at most, the newest first. */
  secrets: readonly SecretRecord[];
  /** Certificates by which it may show that it is this client (RFC 8705 §2.2), PEM. */
  certificates?: readonly string[];
  /** Public keys of assertions (RFC 7523). */
  keys: readonly JWK[];
}

/** A tenant other than the local one. */
export interface TenantRecord {
  format: 1;
  tenant: string;
  description?: string;
  createdAt: string;
  /** Its name is not given again: what it has stored is still there. */
  deletedAt?: string;
}

/** Names of the mesh itself, which no tenant gets: our topics and our sealed keys stand under it. */
const RESERVED_TENANT = 'heddle';
export const TENANT = /^[a-z][a-z0-9-]{0,30}$/;
export const CLIENT = /^[a-z][a-z0-9-]{0,62}$/;

const SAP_SUFFIX = '!b1|xbem-service!b1';

/** The id of a client at the token endpoint: its name, with the tenant in front unless that is the local one. */
export function clientIdOf({ tenant, client }: { tenant: string; client: string }): string {
  return tenant === LOCAL_TENANT ? client : `${tenant}.${client}`;
}

/** The same in the form that clients of SAP Event Mesh know: `sb-shop!b1|xbem-service!b1`. */
export function sapClientIdOf(client: { tenant: string; client: string }): string {
  return `sb-${clientIdOf(client)}${SAP_SUFFIX}`;
}

/** Tenant and name by the id at the token endpoint, in either form; nothing when it cannot be one. */
export function clientOfId(given: string): { tenant: string; client: string } | undefined {
  const isSap = given.startsWith('sb-') && given.endsWith(SAP_SUFFIX);
  const id = isSap ? given.slice('sb-'.length, -SAP_SUFFIX.length) : given;
  const at = id.indexOf('.');
  const found = { tenant: at === -1 ? LOCAL_TENANT : id.slice(0, at), client: id.slice(at + 1) };
  // One client, one id: the local tenant is never written in front.
  if (at !== -1 && found.tenant === LOCAL_TENANT) return undefined;
  return CLIENT.test(found.client) && TENANT.test(found.tenant) ? found : undefined;
}

/** @throws HeddleError `parameter-invalid` */
export function checkClientName(name: string): string {
  if (CLIENT.test(name)) return name;
  throw new HeddleError('parameter-invalid', 'A client is named by a-z, 0-9 and -, a letter first, up to 63.', {
    field: 'client',
  });
}

/** @throws HeddleError `parameter-invalid` */
export function checkTenantName(name: string): string {
  if (TENANT.test(name) && name !== RESERVED_TENANT) return name;
  const rule = name === RESERVED_TENANT ? `${name} is reserved` : 'by a-z, 0-9 and -, a letter first, up to 31';
  throw new HeddleError('parameter-invalid', `A tenant is named ${rule}.`, { field: 'tenant' });
}

/** The secrets of a client that open the door now. */
export function secretsNow({ secrets }: ClientRecord, now = Date.now()): SecretRecord[] {
  return secrets.filter(({ endsAt }) => endsAt === undefined || endsAt > now);
}
