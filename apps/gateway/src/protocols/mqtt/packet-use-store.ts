import { CONTROL_TOPICS, type ControlLog, HeddleError, slotOf } from '@heddle/event';
import type { Queues } from '../../queues/queues.js';
import { PacketUses, type Run } from './packet-uses.js';

/** What stands in `heddle.mqtt` under `<tenant>/<session>`, in the slot of the session's queue. */
interface StoredUses {
  format: 1;
  /** Of the queue of the session. */
  uuid: string;
  runs: Run[];
}

export interface PacketUseStoreParts {
  controlLog: Pick<ControlLog, 'put' | 'load'>;
  queues: Pick<Queues, 'find' | 'atWork'>;
}

/** Whose packet ids they are. */
export interface SessionPlace {
  tenant: string;
  /** Of its queue. */
  name: string;
}

/**
 * Which packet ids of QoS 2 the sessions of this instance have released, durably: so that after a crash what comes again is told
 * from what comes under the same id next. All that is released at about the same time is written together.
 */
export class PacketUseStore {
  /** By slot: what stood there when the first session of it came. */
  readonly #loaded = new Map<number, Promise<Map<string, StoredUses>>>();
  readonly #dirty = new Map<string, SessionPlace & { uses: PacketUses }>();
  #waiting: Promise<void> | undefined;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: PacketUseStoreParts) {}

  /** Another instance may write, or may have written, what stands in a slot. */
  forget(slot: number): void {
    this.#loaded.delete(slot);
  }

  /** Of a session that is kept; its queue is there. */
  async of({ tenant, name }: SessionPlace): Promise<PacketUses> {
    const uuid = this.parts.queues.find(tenant, name)?.uuid;
    if (uuid === undefined) return new PacketUses();
    const slot = slotOf(tenant, name);
    let loading = this.#loaded.get(slot);
    if (loading === undefined) {
      loading = this.#load(slot);
      this.#loaded.set(slot, loading);
      loading.catch(() => this.#loaded.delete(slot));
    }
    const stored = (await loading).get(keyOf(tenant, name));
    return new PacketUses(uuid, stored?.uuid === uuid ? stored.runs : []);
  }

  /**
   * Resolves when what was released is durable, and nobody else has the session.
   *
   * @throws HeddleError `queue-elsewhere`
   */
  async keep(place: SessionPlace, uses: PacketUses): Promise<void> {
    this.#dirty.set(keyOf(place.tenant, place.name), { ...place, uses });
    await (this.#waiting ??= this.#writing.then(
      () => this.#write(),
      () => this.#write(),
    ));
    if (this.parts.queues.atWork(place.tenant, place.name) !== undefined) return;
    throw new HeddleError('queue-elsewhere', 'The session is at another instance now.', { retryAfterSeconds: 1 });
  }

  /** The session has ended: nothing of it comes again. */
  drop({ tenant, name }: SessionPlace): Promise<unknown> {
    const key = keyOf(tenant, name);
    this.#dirty.delete(key);
    return this.parts.controlLog.put(CONTROL_TOPICS.mqtt, [{ partition: slotOf(tenant, name), key, value: null }]);
  }

  async #write(): Promise<void> {
    this.#waiting = undefined;
    // What another instance works on by now is its to write.
    const own = [...this.#dirty].filter(([, { tenant, name }]) => this.parts.queues.atWork(tenant, name) !== undefined);
    const puts = own.map(([key, { tenant, name, uses }]) => {
      const value: StoredUses = { format: 1, uuid: uses.base, runs: [...uses.runs] };
      return { partition: slotOf(tenant, name), key, value };
    });
    this.#dirty.clear();
    if (puts.length === 0) return;
    const writing = this.parts.controlLog.put(CONTROL_TOPICS.mqtt, puts);
    this.#writing = writing;
    await writing;
  }

  async #load(slot: number): Promise<Map<string, StoredUses>> {
    const stored = new Map<string, StoredUses>();
    await this.parts.controlLog.load(CONTROL_TOPICS.mqtt, [slot], ({ key, value }) => {
      if (value === null) stored.delete(key);
      else stored.set(key, value as StoredUses);
    });
    return stored;
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
