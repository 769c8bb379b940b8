import { type KeyObject, createSecretKey, randomBytes } from 'node:crypto';
import { CONTROL_TOPICS, type ControlLog, type ControlRecord, type Follower, uuidv7 } from '@heddle/event';
import type { MasterKeys, WrappedKey } from './master-keys.js';

/** A data key as it stands in `heddle.keys`, under `data/<tenant>/<id>`. */
export interface DataKeyRecord {
  format: 1;
  tenant: string;
  id: string;
  /** Of a tenant the highest one seals; all open. */
  generation: number;
  createdAt: string;
  wrapped: WrappedKey;
}

/** A data key at hand. */
export interface DataKey {
  tenant: string;
  id: string;
  generation: number;
  key: KeyObject;
}

const PREFIX = 'data/';
const KEY_BYTES = 32;

/**
 * The data keys of all tenants, as every instance knows them. Two instances that draw one for a tenant at the same time
 * both draw: all keys open, and all instances come to seal with the same one.
 */
export class DataKeys {
  readonly #byId = new Map<string, DataKey>();
  /** The one that seals, by tenant. */
  readonly #current = new Map<string, DataKey>();
  /** Records that no master key opens, by id. */
  readonly #shut = new Map<string, DataKeyRecord>();
  readonly #drawing = new Map<string, Promise<DataKey>>();
  /** As they stand in the log, of those at hand. */
  readonly #records = new Map<string, DataKeyRecord>();
  #follower: Follower | undefined;

  /** @param onKey a key that was not known before can be used now */
  constructor(
    private readonly controlLog: ControlLog,
    private readonly masterKeys: MasterKeys,
    private readonly onKey: (key: DataKey) => void = () => undefined,
  ) {}

  /** Resolves when every key that was in the log is known. */
  async start(): Promise<void> {
    this.#follower = await this.controlLog.follow(CONTROL_TOPICS.keys, (record) => this.#apply(record));
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  /** How many can be used. */
  get size(): number {
    return this.#byId.size;
  }

  byId(id: string): DataKey | undefined {
    return this.#byId.get(id);
  }

  /** The key a tenant's secrets are sealed with, if it has any yet. */
  current(tenant: string): DataKey | undefined {
    return this.#current.get(tenant);
  }

  /** What no master key opens. */
  get shut(): readonly DataKeyRecord[] {
    return [...this.#shut.values()];
  }

  /** Resolves with a new key of the tenant, of the next generation, once the log has it. */
  draw(tenant: string): Promise<DataKey> {
    let drawing = this.#drawing.get(tenant);
    if (drawing === undefined) {
      drawing = this.#draw(tenant).finally(() => this.#drawing.delete(tenant));
      this.#drawing.set(tenant, drawing);
    }
    return drawing;
  }

  async #draw(tenant: string): Promise<DataKey> {
    const bytes = randomBytes(KEY_BYTES);
    const id = uuidv7();
    const generation = this.#generationOf(tenant) + 1;
    const wrapped = this.masterKeys.wrap(bytes, aboutOf(tenant, id));
    const createdAt = new Date().toISOString();
    const record: DataKeyRecord = { format: 1, tenant, id, generation, createdAt, wrapped };
    const put = putOf(record);
    await this.controlLog.put(CONTROL_TOPICS.keys, [put]);
    this.#records.set(put.key, record);
    return this.#add(record, bytes);
  }

  #apply({ key, value }: ControlRecord): void {
    if (value === null) return this.#keep(key);
    const record = recordOf(key, value);
    if (record === undefined) return;
    this.#records.set(key, record);
    // One that was wrapped anew is the same key.
    if (this.#byId.has(record.id)) return;
    const opened = this.masterKeys.unwrap(record.wrapped, aboutOf(record.tenant, record.id));
    if (opened === undefined) this.#shut.set(record.id, record);
    else this.#add(record, opened.key);
  }

  /** One that was taken out of the log while this process still seals with it, for it is behind, is put back. */
  #keep(key: string): void {
    const record = this.#records.get(key);
    if (record === undefined || this.#current.get(record.tenant)?.id !== record.id) return;
    // Where that fails: who deletes keys looks a second time at what is sealed, and puts back what is named there.
    void this.controlLog.put(CONTROL_TOPICS.keys, [putOf(record)]).catch(() => undefined);
  }

  #generationOf(tenant: string): number {
    const shut = this.shut.filter((record) => record.tenant === tenant).map(({ generation }) => generation);
    return Math.max(0, this.#current.get(tenant)?.generation ?? 0, ...shut);
  }

  #add({ tenant, id, generation }: DataKeyRecord, bytes: Uint8Array): DataKey {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const key: DataKey = { tenant, id, generation, key: createSecretKey(bytes) };
    this.#shut.delete(id);
    this.#byId.set(id, key);
    const current = this.#current.get(tenant);
    if (current === undefined || isNewer(key, current)) this.#current.set(tenant, key);
    this.onKey(key);
    return key;
  }
}

/** Of one generation the lowest id, which every instance finds alike, whatever was wrapped anew since. */
function isNewer(one: DataKey, other: DataKey): boolean {
  return one.generation === other.generation ? one.id < other.id : one.generation > other.generation;
}

/** The data key of a record of `heddle.keys`; nothing for what else is there. */
function recordOf(key: string, value: unknown): DataKeyRecord | undefined {
  if (!key.startsWith(PREFIX) || typeof value !== 'object' || value === null) return undefined;
  const record = value as Partial<DataKeyRecord>;
  const isKey = key === `${PREFIX}${record.tenant}/${record.id}` && typeof record.wrapped?.bytes === 'string';
  return isKey ? (record as DataKeyRecord) : undefined;
}

/** The data keys that are in the log now. */
export async function dataKeyRecords(controlLog: Pick<ControlLog, 'load'>): Promise<DataKeyRecord[]> {
  const records = new Map<string, DataKeyRecord>();
  await controlLog.load(CONTROL_TOPICS.keys, [0], ({ key, value }) => {
    const record = recordOf(key, value);
    if (record !== undefined) records.set(key, record);
    else records.delete(key);
  });
  return [...records.values()];
}

/** What a wrapped key is about: it opens under no other tenant or id. */
export function aboutOf(tenant: string, id: string): string {
  return `heddle/data-key/1\n${tenant}\n${id}`;
}

export function putOf(record: DataKeyRecord): { partition: 0; key: string; value: DataKeyRecord } {
  return { partition: 0, key: `${PREFIX}${record.tenant}/${record.id}`, value: record };
}
