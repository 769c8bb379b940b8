import {
  type Caller,
  type JWK,
  Permissions,
  createClientSecret,
  hashSecret,
  permissionMissing,
  publicKeyOf,
  requirePermission,
} from '@heddle/auth';
import { HeddleError, fieldInvalid, uuidv7 } from '@heddle/event';
import type { VersionCheck } from '../management/version-check.js';
import type { ClientDirectory } from './client-directory.js';
import { type ClientRecord, type SecretRecord, checkClientName, clientIdOf, secretsNow } from './client.js';
import type {
  AnyServiceKey,
  ClientRequest,
  ClientView,
  NewSecret,
  RotateSecretRequest,
  ServiceKeyFormat,
  ServiceKeyQuery,
  ServiceKeyRequest,
} from './clients.shape.js';
import { permissionsOf } from './descriptor.js';
import { eventMeshKeyOf } from './event-mesh-key.js';
import { type ServiceUrls, serviceKeyOf } from './service-key.js';

export interface ClientsParts {
  directory: ClientDirectory;
  urls: ServiceUrls;
  /** Lets a tenant that has so many make one more. @throws HeddleError `quota-exceeded` */
  admitClient(tenant: string, present: number): void;
  /** What a client of the caller's tenant has subscribed, which goes with it. */
  subscriptions: {
    any(caller: Caller, client: string): boolean;
    /** @throws HeddleError `queue-elsewhere` when not all can be ended now */
    end(caller: Caller, client: string): Promise<void>;
  };
}

/** Secrets of a client that open the door at a time: the one in use, and the one that is about to be. */
const MAX_SECRETS = 2;

/**
 * The management of clients. Whoever manages a client needs every permission that it has or is to have, and those of
 * other tenants are not there.
 */
export class Clients {
  constructor(private readonly parts: ClientsParts) {}

  /** Those that the caller manages. */
  list(caller: Caller): ClientView[] {
    return this.parts.directory
      .clients(caller.tenant)
      .filter(({ client }) => caller.permissions.allows('manage', 'client', client))
      .map((client) => viewOf(client));
  }

  /** @throws HeddleError `not-found`, `permission-missing` */
  get(caller: Caller, name: string): ClientView {
    return viewOf(this.#known(caller, name));
  }

  /**
   * Makes a client, or changes one. What takes or gives rights ends the tokens it has.
   *
   * @throws HeddleError `permission-missing`, `permission-invalid`, `data-invalid`, `conflict`, `precondition-failed`,
   *   `quota-exceeded`
   */
  async put(
    caller: Caller,
    name: string,
    request: ClientRequest,
    check: VersionCheck,
  ): Promise<{ created: boolean; view: ClientView }> {
    requirePermission(caller, 'manage', 'client', checkClientName(name));
    const { descriptor } = request;
    const permissions = Permissions.of(
      descriptor === undefined ? (request.permissions ?? []) : permissionsOf(descriptor),
    );
    requireAll(caller, permissions);
    const keys = await Promise.all(request.keys.map((key, index) => publicKeyOf(key as JWK, `keys.${index}`)));
    const namespace = namespaceOf(caller, request.namespace);
    let created = false;
    let clientSecret: string | undefined;
    const stored = await this.parts.directory.change(caller.tenant, name, async (present) => {
      check(present?.version);
      if (present !== undefined) requireAll(caller, Permissions.of(present.permissions));
      if (request.disabled) notOneself(caller, name);
      const { description, disabled, certificates = [] } = request;
      const wished = { namespace, permissions: permissions.texts, disabled, keys, certificates };
      created = present === undefined;
      if (created) this.parts.admitClient(caller.tenant, this.parts.directory.clients(caller.tenant).length);
      const secrets = [...(present?.secrets ?? [])];
      if (created && keys.length === 0 && certificates.length === 0) {
        clientSecret = createClientSecret();
        secrets.push(await secretRecord(clientSecret));
      }
      return {
        ...changed(
          present,
          { tenant: caller.tenant, client: name },
          present === undefined || takesRights(present, wished),
        ),
        ...wished,
        ...(description === undefined ? {} : { description }),
        ...(descriptor === undefined ? {} : { descriptor }),
        secrets,
      };
    });
    return { created, view: viewOf(stored, clientSecret) };
  }

  /**
   * Deletes a client, and what it has subscribed. From the first moment on it is not let in any more, so that nothing of it
   * is made meanwhile; where not all could be ended, it stays disabled until it is deleted again.
   *
   * @throws HeddleError `not-found`, `permission-missing`, `conflict`, `precondition-failed`, `queue-elsewhere`
   */
  async delete(caller: Caller, name: string, check: VersionCheck): Promise<void> {
    const { directory, subscriptions } = this.parts;
    this.#known(caller, name);
    notOneself(caller, name);
    if (subscriptions.any(caller, name)) {
      await directory.change(caller.tenant, name, (present) => {
        const client = this.#manageable(caller, name, present);
        check(client.version);
        return client.disabled ? client : { ...client, ...changed(client, client, true), disabled: true };
      });
      await subscriptions.end(caller, name);
      await directory.change(caller.tenant, name, () => null);
      return;
    }
    await directory.change(caller.tenant, name, (present) => {
      const client = this.#manageable(caller, name, present);
      check(client.version);
      return null;
    });
  }

  /** A new secret; the one so far ends after the overlap, and one before that at once. */
  async rotate(
    caller: Caller,
    name: string,
    { overlapSeconds }: RotateSecretRequest,
    check: VersionCheck,
  ): Promise<NewSecret> {
    const { made, clientSecret } = await this.#addSecret(caller, name, overlapSeconds, check);
    return { ...secretView(made), clientSecret };
  }

  /** Takes a secret, and the tokens that may have been got with it. @throws HeddleError `not-found` */
  async removeSecret(caller: Caller, name: string, id: string, check: VersionCheck): Promise<void> {
    this.#known(caller, name);
    await this.parts.directory.change(caller.tenant, name, (present) => {
      const client = this.#manageable(caller, name, present);
      check(client.version);
      const secrets = client.secrets.filter((secret) => secret.id !== id);
      if (secrets.length === client.secrets.length) throw new HeddleError('not-found', 'There is no such secret.');
      return { ...client, ...changed(client, client, true), secrets };
    });
  }

  /** The document that a client is set up with; without a secret, for that is shown once. */
  serviceKey(
    caller: Caller,
    name: string,
    { format = 'heddle', credentialType = 'secret' }: Partial<ServiceKeyQuery> = {},
  ): AnyServiceKey {
    const client = this.#known(caller, name);
    if (credentialType === 'secret') return this.#keyOf(format, client);
    if (format !== 'event-mesh') {
      throw fieldInvalid('credentialType', 'is secret, unless the format is event-mesh');
    }
    const certificate = client.certificates?.at(-1);
    if (certificate !== undefined) return eventMeshKeyOf(client, this.parts.urls, undefined, certificate);
    throw new HeddleError('conflict', 'The client has no certificate: put one beside what it may do.', {
      field: 'certificates',
    });
  }

  /** The same with a new secret, beside the one so far. */
  async newServiceKey(
    caller: Caller,
    name: string,
    { overlapSeconds, format }: ServiceKeyRequest,
    check: VersionCheck,
  ): Promise<AnyServiceKey> {
    const { stored, clientSecret } = await this.#addSecret(caller, name, overlapSeconds, check);
    return this.#keyOf(format, stored, clientSecret);
  }

  #keyOf(format: ServiceKeyFormat, client: ClientRecord, clientSecret?: string): AnyServiceKey {
    return (format === 'event-mesh' ? eventMeshKeyOf : serviceKeyOf)(client, this.parts.urls, clientSecret);
  }

  async #addSecret(
    caller: Caller,
    name: string,
    overlapSeconds: number,
    check: VersionCheck,
  ): Promise<{ stored: ClientRecord; made: SecretRecord; clientSecret: string }> {
    this.#known(caller, name);
    const clientSecret = createClientSecret();
    const made = await secretRecord(clientSecret);
    const stored = await this.parts.directory.change(caller.tenant, name, (present) => {
      const client = this.#manageable(caller, name, present);
      check(client.version);
      const endsAt = Date.now() + overlapSeconds * 1000;
      const before = secretsNow(client)
        .slice(0, MAX_SECRETS - 1)
        .map((secret) => ({ ...secret, endsAt: Math.min(secret.endsAt ?? endsAt, endsAt) }));
      return {
        ...client,
        ...changed(client, client, false),
        secrets: [made, ...(overlapSeconds === 0 ? [] : before)],
      };
    });
    return { stored, made, clientSecret };
  }

  #known(caller: Caller, name: string): ClientRecord {
    return this.#manageable(caller, name, this.parts.directory.client(caller.tenant, checkClientName(name)));
  }

  #manageable(caller: Caller, name: string, client: ClientRecord | undefined): ClientRecord {
    requirePermission(caller, 'manage', 'client', name);
    if (client === undefined) throw new HeddleError('not-found', `There is no client ${name}.`);
    requireAll(caller, Permissions.of(client.permissions));
    return client;
  }
}

/** A new secret, as it is stored. */
export async function secretRecord(secret: string): Promise<SecretRecord> {
  return { id: uuidv7(), hash: await hashSecret(secret), createdAt: new Date().toISOString() };
}

/** What every change of a record does to it. @param endsTokens whether those that were granted before are refused */
export function changed(
  present: ClientRecord | undefined,
  { tenant, client }: Pick<ClientRecord, 'tenant' | 'client'>,
  endsTokens: boolean,
): Pick<ClientRecord, 'format' | 'tenant' | 'client' | 'version' | 'validFrom' | 'createdAt' | 'changedAt'> {
  const now = Date.now();
  const changedAt = new Date(now).toISOString();
  const before = present?.validFrom ?? 0;
  return {
    format: 1,
    tenant,
    client,
    version: (present?.version ?? 0) + 1,
    // Never the same twice, whatever the clock says: tokens carry it.
    validFrom: endsTokens ? Math.max(now, before + 1) : before,
    createdAt: present?.createdAt ?? changedAt,
    changedAt,
  };
}

type Rights = Pick<ClientRecord, 'namespace' | 'permissions' | 'disabled' | 'keys' | 'certificates'>;

function takesRights(present: ClientRecord, wished: Rights): boolean {
  const keysOf = ({ keys, certificates = [] }: Rights): string =>
    [...keys.map(({ kid }) => kid), ...certificates].join(' ');
  return (
    present.namespace !== wished.namespace ||
    present.permissions.join(' ') !== wished.permissions.join(' ') ||
    (wished.disabled && !present.disabled) ||
    keysOf(present) !== keysOf(wished)
  );
}

/** Nobody gives, or gets by changing another client, what it has not itself. */
function requireAll(caller: Caller, permissions: Permissions): void {
  if (caller.permissions.covers(permissions)) return;
  const missing = permissions.texts.find((text) => !caller.permissions.covers(Permissions.of([text])));
  throw permissionMissing(caller, missing ?? permissions.scope);
}

function notOneself(caller: Caller, name: string): void {
  if (caller.client !== name) return;
  throw new HeddleError('conflict', 'A client cannot shut itself out; another one has to do it.', { field: 'client' });
}

function namespaceOf({ tenant, namespace }: Caller, wished: string | undefined): string {
  if (wished === undefined) return namespace;
  if (wished.startsWith(`${tenant}/`)) return wished;
  throw new HeddleError('data-invalid', `A namespace begins with its tenant: ${tenant}/…`, { field: 'namespace' });
}

function secretView({ id, createdAt, endsAt }: SecretRecord): ClientView['secrets'][number] {
  return { id, createdAt, ...(endsAt === undefined ? {} : { endsAt: new Date(endsAt).toISOString() }) };
}

function viewOf(record: ClientRecord, clientSecret?: string): ClientView {
  const { client, tenant, namespace, permissions, description, descriptor, disabled, version } = record;
  const { createdAt, changedAt } = record;
  return {
    client,
    clientId: clientIdOf(record),
    tenant,
    namespace,
    permissions: [...permissions],
    ...(description === undefined ? {} : { description }),
    ...(descriptor === undefined ? {} : { descriptor: { ...descriptor } }),
    disabled,
    version,
    createdAt,
    changedAt,
    validFrom: new Date(record.validFrom).toISOString(),
    secrets: secretsNow(record).map(secretView),
    keys: record.keys.map((key) => ({ ...key })),
    ...(record.certificates === undefined || record.certificates.length === 0
      ? {}
      : { certificates: [...record.certificates] }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
  };
}
