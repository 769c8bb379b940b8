import { CONTROL_TOPICS, type ControlLog, type ControlPut, slotOf } from '@heddle/event';
import type { SealedWebhook, WebhookPlace } from '../protocols/webhook/sealed-webhook.js';
import type { ChunkPut, ChunkRecord, ChunkState } from './parking.js';
import { type ProgressRecord, uniteProgress } from './progress.js';
import { type QueueDirectory, fullKey, queueKey, replayKey, webhookKey } from './queue-directory.js';
import type { Restored } from './queue-host.js';
import { type QueueDefinition, isBounded } from './queue.js';
import type { ReplayDefinition } from './replay.js';

/** A progress record with where it belongs. */
export interface PartitionRecord {
  topic: string;
  partition: number;
  record: ProgressRecord;
}

interface ProgressValue extends ProgressRecord {
  tenant: string;
  queue: string;
  uuid: string;
  topic: string;
  partition: number;
}

/** What the topics say of the queues of some slots, by the uuid of the queue. */
export type StoredStates = Map<string, Pick<Restored, 'progress' | 'parked'>>;

type StateTopic = typeof CONTROL_TOPICS.progress | typeof CONTROL_TOPICS.parked;

/** Whose state it is: a queue, or a side lane of one, in the slot of that queue. */
export type StateOwner = Pick<QueueDefinition, 'tenant' | 'name' | 'uuid'>;

/**
 * The durable state of queues, in three compacted topics: definitions and claims in `heddle.queues`, progress in
 * `heddle.progress`, what waits long in `heddle.parked`. All records of a queue are in the partition of its slot.
 */
export class QueueStore {
  /** Keys that stand in the topics, per queue, so that they can be deleted with it. */
  #keys = {
    [CONTROL_TOPICS.progress]: new Map<string, Set<string>>(),
    [CONTROL_TOPICS.parked]: new Map<string, Set<string>>(),
  };

  constructor(
    private readonly controlLog: ControlLog,
    private readonly directory: QueueDirectory,
    private readonly instance: string,
    private readonly address: string,
  ) {}

  /**
   * Claims slots; returns the epoch of each. The claim comes before anything is read: whatever an earlier owner still
   * writes carries an older epoch, and is united with ours at the next takeover.
   */
  async claim(slots: readonly number[]): Promise<Map<number, number>> {
    const at = new Date().toISOString();
    const epochs = await this.controlLog.put(
      CONTROL_TOPICS.queues,
      slots.map((slot) => ({
        partition: slot,
        key: `claim/${slot}`,
        value: { format: 1, instance: this.instance, address: this.address, at },
      })),
    );
    return new Map(slots.map((slot, index) => [slot, epochs[index] ?? 0]));
  }

  /** Stores a queue and what belongs to it, all or nothing: they share one partition and one request. */
  async putQueue(queue: QueueDefinition, webhook?: SealedWebhook): Promise<void> {
    const { tenant, name } = queue;
    const partition = slotOf(tenant, name);
    // Whoever takes the bounds of a queue that is full takes that, too.
    const isLeft = !isBounded(queue) && this.directory.isFull(tenant, name);
    await this.#define([
      { partition, key: queueKey(tenant, name), value: queue },
      ...(isLeft ? [{ partition, key: fullKey(tenant, name), value: null }] : []),
      ...(webhook === undefined ? [] : [{ partition, key: webhookKey(webhook.tenant, webhook.name), value: webhook }]),
    ]);
  }

  /** Tells every instance that a queue is full, or is not any more. */
  async putFull({ tenant, name }: Pick<QueueDefinition, 'tenant' | 'name'>, isFull: boolean): Promise<void> {
    const value = isFull ? { format: 1, since: new Date().toISOString() } : null;
    await this.#define([{ partition: slotOf(tenant, name), key: fullKey(tenant, name), value }]);
  }

  /** Stores a webhook in the slot of the queue it reads. */
  async putWebhook(webhook: SealedWebhook): Promise<void> {
    const { tenant, name, queue } = webhook;
    const partition = slotOf(tenant, queue);
    await this.#define([{ partition, key: webhookKey(tenant, name), value: webhook }]);
  }

  async deleteWebhook({ tenant, name, queue }: WebhookPlace): Promise<void> {
    const partition = slotOf(tenant, queue);
    await this.#define([{ partition, key: webhookKey(tenant, name), value: null }]);
  }

  async putReplay(replay: ReplayDefinition): Promise<void> {
    const partition = slotOf(replay.tenant, replay.queue);
    await this.#define([{ partition, key: replayKey(replay), value: replay }]);
  }

  /** Forgets a replay that has ended. */
  async deleteReplay(replay: ReplayDefinition): Promise<void> {
    const partition = slotOf(replay.tenant, replay.queue);
    await this.#define([{ partition, key: replayKey(replay), value: null }]);
  }

  /**
   * Deletes a queue, its replays, the webhooks given and its state; the definitions go first, so that nothing of it
   * comes back.
   */
  async deleteQueue(queue: QueueDefinition, webhooks: readonly WebhookPlace[] = []): Promise<void> {
    const partition = slotOf(queue.tenant, queue.name);
    await this.directory.caughtUp(partition);
    const replays = this.directory.replays(queue.tenant, queue.name);
    const wasBounded = isBounded(queue) || this.directory.isFull(queue.tenant, queue.name);
    await this.#define([
      { partition, key: queueKey(queue.tenant, queue.name), value: null },
      ...(wasBounded ? [{ partition, key: fullKey(queue.tenant, queue.name), value: null }] : []),
      ...webhooks.map(({ tenant, name }) => ({ partition, key: webhookKey(tenant, name), value: null })),
      ...replays.map((replay) => ({ partition, key: replayKey(replay), value: null })),
    ]);
    await this.deleteState(queue);
    for (const { id } of replays) await this.deleteState({ ...queue, uuid: id });
  }

  /** Deletes the progress and the parked items of a queue or side lane. */
  async deleteState(owner: StateOwner): Promise<void> {
    await this.#deleteKeys(CONTROL_TOPICS.progress, owner);
    await this.#deleteKeys(CONTROL_TOPICS.parked, owner);
  }

  async deleteParked(owner: StateOwner): Promise<void> {
    await this.#deleteKeys(CONTROL_TOPICS.parked, owner);
  }

  async #deleteKeys(topic: StateTopic, { tenant, name, uuid }: StateOwner): Promise<void> {
    const partition = slotOf(tenant, name);
    const keys = [...(this.#keys[topic].get(uuid) ?? [])];
    this.#keys[topic].delete(uuid);
    if (keys.length === 0) return;
    await this.controlLog.put(
      topic,
      keys.map((key) => ({ partition, key, value: null })),
    );
  }

  async putProgress(entries: readonly { queue: StateOwner; at: PartitionRecord }[]): Promise<void> {
    if (entries.length === 0) return;
    await this.controlLog.put(
      CONTROL_TOPICS.progress,
      entries.map(({ queue, at }) => ({
        partition: slotOf(queue.tenant, queue.name),
        key: this.#remember(CONTROL_TOPICS.progress, queue.uuid, progressKey(queue, at)),
        value: progressValue(queue, at),
      })),
    );
  }

  async putParked(entries: readonly { queue: StateOwner; puts: readonly ChunkPut[] }[]): Promise<void> {
    const records: ControlPut[] = [];
    for (const { queue, puts } of entries) {
      const partition = slotOf(queue.tenant, queue.name);
      for (const put of puts) {
        const key = chunkKey(queue, put.chunk);
        const stateKey = `${key}/state`;
        if ('gone' in put) {
          records.push({ partition, key, value: null }, { partition, key: stateKey, value: null });
          const keys = this.#keys[CONTROL_TOPICS.parked].get(queue.uuid);
          keys?.delete(key);
          keys?.delete(stateKey);
          continue;
        }
        this.#remember(CONTROL_TOPICS.parked, queue.uuid, key);
        if ('record' in put) records.push({ partition, key, value: put.record });
        if (put.state === undefined) continue;
        this.#remember(CONTROL_TOPICS.parked, queue.uuid, stateKey);
        records.push({ partition, key: stateKey, value: put.state });
      }
    }
    if (records.length > 0) await this.controlLog.put(CONTROL_TOPICS.parked, records);
  }

  /**
   * Reads the state of the queues of some slots. Where several epochs have written the progress of a partition, one
   * record is made of them and written under ours, before the older ones are deleted.
   */
  async load(slots: readonly number[], epochs: ReadonlyMap<number, number>): Promise<StoredStates> {
    // One after the other, for an earlier owner may still write: what it parks in between is then seen twice, and would
    // not be seen at all the other way round.
    const progress = await this.#loadTopic(CONTROL_TOPICS.progress, slots);
    const parked = await this.#loadTopic(CONTROL_TOPICS.parked, slots);
    const states: StoredStates = new Map();
    const state = (uuid: string): { progress: PartitionRecord[]; parked: Restored['parked'][number][] } => {
      let known = states.get(uuid);
      if (known === undefined) states.set(uuid, (known = { progress: [], parked: [] }));
      return known as { progress: PartitionRecord[]; parked: Restored['parked'][number][] };
    };
    for (const [key, value] of parked) {
      if (key.endsWith('/state')) {
        const { uuid } = value as ChunkState;
        this.#remember(CONTROL_TOPICS.parked, uuid, key);
        continue;
      }
      const record = value as ChunkRecord;
      this.#remember(CONTROL_TOPICS.parked, record.uuid, key);
      const done = parked.get(`${key}/state`) as ChunkState | undefined;
      state(record.uuid).parked.push((lot) => lot.restore(record, done));
    }
    const united = await this.#unite(progress as Map<string, ProgressValue>, epochs);
    for (const { uuid, at } of united) state(uuid).progress.push(at);
    return states;
  }

  async #unite(
    progress: ReadonlyMap<string, ProgressValue>,
    epochs: ReadonlyMap<number, number>,
  ): Promise<{ uuid: string; at: PartitionRecord }[]> {
    const byPartition = new Map<string, { key: string; value: ProgressValue }[]>();
    for (const [key, value] of progress) {
      const name = `${value.uuid}/${value.topic}/${value.partition}`;
      const known = byPartition.get(name);
      if (known === undefined) byPartition.set(name, [{ key, value }]);
      else known.push({ key, value });
    }
    const united: { uuid: string; at: PartitionRecord }[] = [];
    const writes: { queue: StateOwner; at: PartitionRecord }[] = [];
    const older: ControlPut[] = [];
    for (const records of byPartition.values()) {
      const record = uniteProgress(records.map(({ value }) => value));
      const first = records[0]!.value;
      if (record === undefined) continue;
      const slot = slotOf(first.tenant, first.queue);
      const epoch = epochs.get(slot) ?? 0;
      const at = { topic: first.topic, partition: first.partition, record: { ...record, epoch } };
      const queue = { tenant: first.tenant, name: first.queue, uuid: first.uuid };
      united.push({ uuid: first.uuid, at });
      writes.push({ queue, at });
      const ours = progressKey(queue, at);
      older.push(
        ...records.filter(({ key }) => key !== ours).map(({ key }) => ({ partition: slot, key, value: null })),
      );
    }
    await this.putProgress(writes);
    if (older.length > 0) await this.controlLog.put(CONTROL_TOPICS.progress, older);
    return united;
  }

  /** Puts records of one slot into `heddle.queues`, all or none. */
  async #define(puts: readonly ControlPut[]): Promise<void> {
    const offsets = await this.controlLog.put(CONTROL_TOPICS.queues, puts);
    this.directory.putAt(puts[0]!.partition, Math.max(...offsets));
  }

  async #loadTopic(topic: string, slots: readonly number[]): Promise<Map<string, unknown>> {
    const state = new Map<string, unknown>();
    await this.controlLog.load(topic, slots, ({ key, value }) => {
      if (value === null) state.delete(key);
      else state.set(key, value);
    });
    return state;
  }

  #remember(topic: StateTopic, uuid: string, key: string): string {
    let keys = this.#keys[topic].get(uuid);
    if (keys === undefined) this.#keys[topic].set(uuid, (keys = new Set()));
    keys.add(key);
    return key;
  }
}

function progressKey({ tenant, uuid }: StateOwner, { topic, partition, record }: PartitionRecord): string {
  return `${tenant}/${uuid}/${topic}/${partition}/${record.epoch}`;
}

function chunkKey({ tenant, uuid }: StateOwner, chunk: string): string {
  return `${tenant}/${uuid}/${chunk}`;
}

function progressValue({ tenant, name, uuid }: StateOwner, at: PartitionRecord): ProgressValue {
  return { ...at.record, tenant, queue: name, uuid, topic: at.topic, partition: at.partition };
}
