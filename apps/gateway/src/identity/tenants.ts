import { type Caller, createClientSecret, requirePermission } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT } from '@heddle/event';
import type { ClientDirectory } from './client-directory.js';
import { type TenantRecord, checkTenantName } from './client.js';
import { changed, secretRecord } from './clients.js';
import type { ServiceKey, TenantRequest, TenantView } from './clients.shape.js';
import { type ServiceUrls, serviceKeyOf } from './service-key.js';

export interface TenantsParts {
  directory: ClientDirectory;
  urls: ServiceUrls;
  /** What a tenant still has at work, such as `2 queues`; nothing when it has nothing. */
  inUse(tenant: string): string | undefined;
}

/** The client that a tenant begins with. */
const ADMINISTRATOR = 'administrator';

/** The management of tenants, by whoever was given that explicitly: it is not part of everything. */
export class Tenants {
  constructor(private readonly parts: TenantsParts) {}

  /** Those that the caller manages. */
  list(caller: Caller): TenantView[] {
    const made = this.parts.directory.tenants().filter(({ deletedAt }) => deletedAt === undefined);
    return [{ tenant: LOCAL_TENANT }, ...made.map(viewOf)].filter(({ tenant }) =>
      caller.permissions.allows('manage', 'tenant', tenant),
    );
  }

  /**
   * Makes a tenant, and in it a client that may do everything there, whose service key is shown once.
   *
   * @throws HeddleError `permission-missing`, `conflict` when the name is or was taken
   */
  async make(
    caller: Caller,
    name: string,
    { namespace = `${name}/mesh/dev`, description }: TenantRequest,
  ): Promise<TenantView & { serviceKey: ServiceKey }> {
    const { directory, urls } = this.parts;
    requirePermission(caller, 'manage', 'tenant', checkTenantName(name));
    if (!namespace.startsWith(`${name}/`)) {
      throw new HeddleError('data-invalid', `A namespace begins with its tenant: ${name}/…`, { field: 'namespace' });
    }
    if (name === LOCAL_TENANT || directory.tenant(name) !== undefined) {
      const was = directory.hasTenant(name) ? 'is there' : 'was there, and what it stored still is';
      throw new HeddleError('conflict', `The tenant ${name} ${was}.`, { field: 'tenant' });
    }
    const createdAt = new Date().toISOString();
    const record: TenantRecord = {
      format: 1,
      tenant: name,
      ...(description === undefined ? {} : { description }),
      createdAt,
    };
    const clientSecret = createClientSecret();
    const secret = await secretRecord(clientSecret);
    await directory.putTenant(record);
    const administrator = await directory.change(name, ADMINISTRATOR, (present) => ({
      ...changed(present, { tenant: name, client: ADMINISTRATOR }, true),
      namespace,
      permissions: ['*'],
      disabled: false,
      secrets: [secret],
      keys: [],
    }));
    return { ...viewOf(record), serviceKey: serviceKeyOf(administrator, urls, clientSecret) };
  }

  /**
   * Deletes a tenant that has nothing any more but its administrator. Its events stay in the log, so its name is not
   * given again.
   *
   * @throws HeddleError `permission-missing`, `not-found`, `conflict` with what it still has
   */
  async delete(caller: Caller, name: string): Promise<void> {
    const { directory, inUse } = this.parts;
    requirePermission(caller, 'manage', 'tenant', checkTenantName(name));
    if (name === LOCAL_TENANT) throw new HeddleError('conflict', 'The local tenant stays.', { field: 'tenant' });
    const record = directory.tenant(name);
    if (record === undefined || record.deletedAt !== undefined) {
      throw new HeddleError('not-found', `There is no tenant ${name}.`);
    }
    const others = directory.clients(name).filter(({ client }) => client !== ADMINISTRATOR);
    const has = others.length > 0 ? `${others.length} clients besides its administrator` : inUse(name);
    if (has !== undefined) throw new HeddleError('conflict', `The tenant ${name} still has ${has}.`);
    // First nobody can make anything in it any more.
    await directory.change(name, ADMINISTRATOR, () => null);
    await directory.putTenant({ ...record, deletedAt: new Date().toISOString() });
  }
}

function viewOf({ tenant, description, createdAt }: TenantRecord): TenantView {
  return { tenant, ...(description === undefined ? {} : { description }), createdAt };
}
