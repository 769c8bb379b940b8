import { HeddleError, type ControlLog } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { bytesOf, decrypt, encrypt } from './aes-gcm.js';
import { type DataKey, DataKeys } from './data-keys.js';
import type { MasterKeys } from './master-keys.js';

/** Seals one secret; see `Vault.seal`. */
export type Sealer = (context: string, plaintext: string) => string;

const SEALED = /^sealed[.]v1[.]([0-9a-f-]{36})[.]([A-Za-z0-9_-]+)$/;
/**
 * A process takes a new key after so many seals with one. Nonces are random: 2^32 are allowed for a key (NIST SP
 * 800-38D §8.3), and even 250 processes, or starts of one, stay below that.
 */
const MAX_SEALS = 2 ** 24;

/**
 * Secrets as they may stand in the log: AES-256-GCM under a data key of the tenant, which itself is in the log, wrapped
 * by a master key that is not. A sealed secret opens for the tenant and the context it was sealed for only.
 */
export class Vault {
  readonly #keys: DataKeys;
  readonly #seals = new Map<string, number>();
  readonly #listeners = new Set<(tenant: string) => void>();

  constructor(
    controlLog: ControlLog,
    masterKeys: MasterKeys,
    private readonly log: Log,
    private readonly maxSeals = MAX_SEALS,
  ) {
    this.#keys = new DataKeys(controlLog, masterKeys, ({ tenant }) => {
      for (const listener of this.#listeners) listener(tenant);
    });
  }

  /** Resolves when every data key that was in the log is known; `heddle.keys` must be there. */
  async start(): Promise<void> {
    await this.#keys.start();
    const { shut } = this.#keys;
    if (shut.length === 0) return;
    this.log.error(
      {
        event: 'data-keys-shut',
        tenants: [...new Set(shut.map(({ tenant }) => tenant))],
        masterKeys: [...new Set(shut.map(({ wrapped }) => wrapped.by))],
      },
      'data keys cannot be opened: HEDDLE_MASTER_KEY lacks the master key that they name, or has another of that name',
    );
  }

  /**
   * Stops a start with a key that is not the one: it would go on with new secrets beside those that nobody can read.
   *
   * @throws HeddleError `secret-unreadable` when there are data keys, and none of them opens
   */
  requireKey(): void {
    const { shut } = this.#keys;
    if (shut.length === 0 || this.#keys.size > 0) return;
    const needed = [...new Set(shut.map(({ wrapped }) => wrapped.by))].join(', ');
    throw new HeddleError(
      'secret-unreadable',
      `None of the ${shut.length} data keys in the log opens with what HEDDLE_MASTER_KEY, or the file of HEDDLE_MASTER_KEY_FILE, has: they were sealed with the master key ${needed}. Put that one back from its copy. Without it the secrets of webhooks and the keys that sign access tokens are lost, though no event, queue or client: how to begin anew is said in docs/guides/secrets.md, "If it is lost".`,
    );
  }

  async stop(): Promise<void> {
    await this.#keys.stop();
  }

  /** Hears of every data key that can be used from now on; what could not be opened may open now. */
  onKey(listener: (tenant: string) => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Resolves with `sealed.v1.<key id>.<base64url>`.
   *
   * @param context which record and field it is for, such as `webhook/hook-1/secret`: it opens for the same only
   * @throws HeddleError `log-unavailable` when the tenant's first key cannot be stored
   */
  async seal(tenant: string, context: string, plaintext: string): Promise<string> {
    return (await this.sealer(tenant))(context, plaintext);
  }

  /** For several secrets at once: what seals them with the key that the tenant has now. */
  async sealer(tenant: string): Promise<Sealer> {
    let key = this.#keys.current(tenant);
    if (key === undefined || (this.#seals.get(key.id) ?? 0) >= this.maxSeals) key = await this.#keys.draw(tenant);
    return (context, plaintext) => this.#sealWith(key, context, plaintext);
  }

  /**
   * The secret in the clear.
   *
   * @throws HeddleError `secret-unreadable` when it was sealed for another tenant or context, was changed, or when its
   *   data key is not known here or cannot be opened by the master keys there are
   */
  open(tenant: string, context: string, sealed: string): string {
    const [, id = '', text = ''] = SEALED.exec(sealed) ?? [];
    const bytes = bytesOf(text);
    const key = this.#keys.byId(id);
    if (key === undefined) throw unreadable(context, `its data key ${id} is not known, or opens with no master key`);
    try {
      if (bytes === undefined) throw new RangeError('not base64url');
      return decrypt(key.key, bytes, aboutOf(tenant, context)).toString();
    } catch (cause) {
      throw unreadable(context, 'it was changed, or sealed for another place', cause);
    }
  }

  /** Whether it was sealed with the key that the tenant's secrets are sealed with now. */
  isCurrent(tenant: string, sealed: string): boolean {
    const key = this.#keys.current(tenant);
    return key !== undefined && sealed.startsWith(`sealed.v1.${key.id}.`);
  }

  #sealWith({ id, key, tenant }: DataKey, context: string, plaintext: string): string {
    this.#seals.set(id, (this.#seals.get(id) ?? 0) + 1);
    return `sealed.v1.${id}.${encrypt(key, Buffer.from(plaintext), aboutOf(tenant, context)).toString('base64url')}`;
  }
}

/** A tenant has no line end in its name, so that no two pairs make one text. */
function aboutOf(tenant: string, context: string): string {
  return `heddle/sealed/1\n${tenant}\n${context}`;
}

function unreadable(context: string, why: string, cause?: unknown): HeddleError {
  return new HeddleError('secret-unreadable', `The stored secret ${context} cannot be opened: ${why}.`, { cause });
}
