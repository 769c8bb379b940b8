import { CONTROL_TOPICS, type ControlLog, type ControlRecord, type Follower, slotOf } from '@heddle/event';
import type { StoredWebhook } from '../protocols/webhook/sealed-webhook.js';
import { type QueueDefinition, isBounded } from './queue.js';
import type { ReplayDefinition } from './replay.js';

/** Who owns a slot, as the newest claim says. */
export interface SlotClaim {
  instance: string;
  /** The URL at which other instances reach the owner. */
  address: string;
  /** The offset of the claim: it rises with every owner, and with every start of the same one. */
  epoch: number;
}

/**
 * What `heddle.queues` says, on every instance: the definitions of queues, webhooks and replays, and who owns each
 * slot. Only the owner of a slot writes into its partition.
 */
export class QueueDirectory {
  #queues = new Map<string, QueueDefinition>();
  #webhooks = new Map<string, StoredWebhook>();
  #replays = new Map<string, ReplayDefinition>();
  /** Those of the queues that may be full, by their keys; and the keys of those that are. */
  #bounded = new Map<string, QueueDefinition>();
  #full = new Map<string, object>();
  #claims: (SlotClaim | undefined)[] = [];
  #putThrough: number[] = [];
  #follower: Follower | undefined;

  constructor(private readonly controlLog: ControlLog) {}

  /** Resolves when everything that was there is known. */
  async start(): Promise<void> {
    this.#follower = await this.controlLog.follow(CONTROL_TOPICS.queues, (record) => this.#apply(record));
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  /** Resolves when the record at this offset of a slot, and all before it, are known. */
  async reached(slot: number, offset: number): Promise<void> {
    await this.#follower?.reached(slot, offset);
  }

  /** Resolves when what this process has just put into a slot is known here. */
  async caughtUp(slot: number): Promise<void> {
    await this.#follower?.reached(slot, this.#putThrough[slot] ?? -1);
  }

  /** A record was put at this offset of a slot. */
  putAt(slot: number, offset: number): void {
    this.#putThrough[slot] = Math.max(this.#putThrough[slot] ?? -1, offset);
  }

  queue(tenant: string, name: string): QueueDefinition | undefined {
    return this.#queues.get(queueKey(tenant, name));
  }

  webhook(tenant: string, name: string): StoredWebhook | undefined {
    return this.#webhooks.get(webhookKey(tenant, name));
  }

  /** Every queue, webhook and replay of a slot. */
  inSlot(slot: number): { queues: QueueDefinition[]; webhooks: StoredWebhook[]; replays: ReplayDefinition[] } {
    return {
      queues: [...this.#queues.values()].filter(({ tenant, name }) => slotOf(tenant, name) === slot),
      webhooks: [...this.#webhooks.values()].filter(({ tenant, queue }) => slotOf(tenant, queue) === slot),
      replays: [...this.#replays.values()].filter(({ tenant, queue }) => slotOf(tenant, queue) === slot),
    };
  }

  /** The replays of a queue, the newest first; those of an earlier queue of its name may be among them. */
  replays(tenant: string, queue: string): ReplayDefinition[] {
    return [...this.#replays.values()]
      .filter((replay) => replay.tenant === tenant && replay.queue === queue)
      .sort((one, other) => (one.id < other.id ? 1 : -1));
  }

  /** The queues of a tenant. */
  queues(tenant: string): QueueDefinition[] {
    return [...this.#queues.values()].filter((queue) => queue.tenant === tenant);
  }

  /** The queues of all tenants that are bounded, which are few. */
  get bounded(): Iterable<QueueDefinition> {
    return this.#bounded.values();
  }

  /** Whether the instance that works on a queue has said that it is full. */
  isFull(tenant: string, name: string): boolean {
    return this.#full.has(fullKey(tenant, name));
  }

  /** The webhooks of a tenant. */
  webhooks(tenant: string): StoredWebhook[] {
    return [...this.#webhooks.values()].filter((webhook) => webhook.tenant === tenant);
  }

  ownerOf(slot: number): SlotClaim | undefined {
    return this.#claims[slot];
  }

  #apply({ key, value, offset, partition }: ControlRecord): void {
    if (key.startsWith('queue/')) this.#define(key, value as QueueDefinition | null);
    else if (key.startsWith('full/')) change(this.#full, key, value as object | null);
    else if (key.startsWith('webhook/')) change(this.#webhooks, key, value as StoredWebhook | null);
    else if (key.startsWith('replay/')) change(this.#replays, key, value as ReplayDefinition | null);
    else if (key.startsWith('claim/')) {
      this.#claims[partition] = { ...(value as { instance: string; address: string }), epoch: offset };
    }
  }

  #define(key: string, queue: QueueDefinition | null): void {
    change(this.#queues, key, queue);
    change(this.#bounded, key, queue !== null && isBounded(queue) ? queue : null);
  }
}

export function fullKey(tenant: string, name: string): string {
  return `full/${tenant}/${name}`;
}

export function queueKey(tenant: string, name: string): string {
  return `queue/${tenant}/${name}`;
}

export function webhookKey(tenant: string, name: string): string {
  return `webhook/${tenant}/${name}`;
}

export function replayKey({ tenant, queue, id }: { tenant: string; queue: string; id: string }): string {
  return `replay/${tenant}/${queue}/${id}`;
}

function change<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}
