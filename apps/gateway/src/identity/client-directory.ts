import type { Caller } from '@heddle/auth';
import { CONTROL_TOPICS, type ControlLog, type ControlRecord, type Follower, LOCAL_TENANT } from '@heddle/event';
import { type ClientRecord, type TenantRecord, clientOfId } from './client.js';
import type { RevokedClient } from './door-guard.js';
import { Once } from './once.js';

const TOPIC = CONTROL_TOPICS.clients;
/** The topic has one partition. */
const PARTITION = 0;

/**
 * Everyone who may come in, on every instance, as `heddle.clients` says: one record a client, one a tenant. Whoever
 * writes last wins; a change is known here when it is answered, and elsewhere as soon as the record has come there.
 */
export class ClientDirectory {
  readonly once: Once;
  readonly #clients = new Map<string, ClientRecord>();
  readonly #tenants = new Map<string, TenantRecord>();
  readonly #listeners = new Set<(revoked: RevokedClient) => void>();
  readonly #changes = new Map<string, Promise<unknown>>();
  #follower: Follower | undefined;

  constructor(private readonly controlLog: ControlLog) {
    this.once = new Once((key, value) => this.#put(key, value));
  }

  /** Resolves when everybody who was there is known; `heddle.clients` must be there. */
  async start(): Promise<void> {
    this.#follower = await this.controlLog.follow(TOPIC, (record) => this.#apply(record));
    this.once.start();
  }

  async stop(): Promise<void> {
    this.once.stop();
    await this.#follower?.stop();
  }

  client(tenant: string, name: string): ClientRecord | undefined {
    return this.#clients.get(`${tenant}/${name}`);
  }

  /** How many clients there are. */
  get size(): number {
    return this.#clients.size;
  }

  /** By its id at the token endpoint. */
  byId(id: string): ClientRecord | undefined {
    const found = clientOfId(id);
    return found === undefined ? undefined : this.client(found.tenant, found.client);
  }

  /** Those of a tenant, by name. */
  clients(tenant: string): ClientRecord[] {
    return [...this.#clients.values()]
      .filter((client) => client.tenant === tenant)
      .toSorted((one, other) => (one.client < other.client ? -1 : 1));
  }

  /** A tenant that is there. */
  hasTenant(tenant: string): boolean {
    if (tenant === LOCAL_TENANT) return true;
    const record = this.#tenants.get(tenant);
    return record !== undefined && record.deletedAt === undefined;
  }

  /** All but the local one, deleted ones among them. */
  tenants(): TenantRecord[] {
    return [...this.#tenants.values()].toSorted((one, other) => (one.tenant < other.tenant ? -1 : 1));
  }

  tenant(name: string): TenantRecord | undefined {
    return this.#tenants.get(name);
  }

  /** Whether what was granted to a caller is still its client's. */
  isCurrent({ tenant, client, grantedAt }: Pick<Caller, 'tenant' | 'client' | 'grantedAt'>): boolean {
    const record = this.#clients.get(`${tenant}/${client}`);
    return record !== undefined && !record.disabled && grantedAt >= record.validFrom;
  }

  /** Hears of every client whose earlier tokens are refused from now on. */
  onRevoked(listener: (revoked: RevokedClient) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Stores what becomes of a client; one change after the other at this instance.
   *
   * @param change gets the client as it is, and returns what it is to be: null to delete it, itself to leave it
   */
  change<T extends ClientRecord | null>(
    tenant: string,
    name: string,
    change: (present: ClientRecord | undefined) => T | Promise<T>,
  ): Promise<T> {
    const key = `${tenant}/${name}`;
    const turn = async (): Promise<T> => {
      const present = this.#clients.get(key);
      const wanted = await change(present);
      if (wanted !== (present ?? null)) await this.#put(`client/${key}`, wanted);
      return wanted;
    };
    const after = (this.#changes.get(key) ?? Promise.resolve()).then(turn, turn);
    this.#changes.set(key, after);
    const done = (): void => {
      if (this.#changes.get(key) === after) this.#changes.delete(key);
    };
    after.then(done, done);
    return after;
  }

  async putTenant(record: TenantRecord): Promise<void> {
    await this.#put(`tenant/${record.tenant}`, record);
  }

  async #put(key: string, value: unknown): Promise<void> {
    const [offset = 0] = await this.controlLog.put(TOPIC, [{ partition: PARTITION, key, value }]);
    await this.#follower?.reached(PARTITION, offset);
  }

  #apply({ key, value }: ControlRecord): void {
    const [kind = ''] = key.split('/', 1);
    const rest = key.slice(kind.length + 1);
    if (kind === 'once') this.once.apply(rest, value);
    else if (kind === 'tenant') setOrDelete(this.#tenants, rest, value as TenantRecord | null);
    else if (kind === 'client') this.#applyClient(rest, value as ClientRecord | null);
  }

  #applyClient(key: string, record: ClientRecord | null): void {
    const before = this.#clients.get(key);
    setOrDelete(this.#clients, key, record);
    if (before === undefined || (record?.validFrom === before.validFrom && !record.disabled)) return;
    for (const listener of this.#listeners) listener({ tenant: before.tenant, client: before.client });
  }
}

function setOrDelete<V>(map: Map<string, V>, key: string, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
