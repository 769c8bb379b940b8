import { CONTROL_TOPICS, type ControlLog, type ControlRecord, SLOT_COUNT, slotOf } from '@heddle/event';
import type { WebhookDefinition } from '../protocols/webhook/webhook.js';
import { type ProgressRecord, uniteProgress } from './progress.js';
import type { QueueDefinition } from './queue.js';

/** A progress record with where it belongs. */
export interface PartitionRecord {
  topic: string;
  partition: number;
  record: ProgressRecord;
}

export interface StoredQueue {
  queue: QueueDefinition;
  webhook: WebhookDefinition | undefined;
  progress: PartitionRecord[];
}

interface ProgressValue extends ProgressRecord {
  tenant: string;
  queue: string;
  uuid: string;
  topic: string;
  partition: number;
}

const SLOTS = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);

/**
 * The durable state of queues, in two compacted topics: definitions and claims in `heddle.queues`, progress in
 * `heddle.progress`. All records of a queue are in the partition of its slot.
 */
export class QueueStore {
  /** The epoch of each slot: the offset of the record with which this process claimed it. */
  #epochs: number[] = [];
  /** Keys of progress records that stand in the topic, per queue, so that they can be deleted with it. */
  #progressKeys = new Map<string, Set<string>>();

  constructor(
    private readonly controlLog: ControlLog,
    private readonly instance: string,
    private readonly address: string,
  ) {}

  /**
   * Claims all slots, then reads what stands in them. The claim comes first: whatever an earlier owner still writes
   * carries an older epoch, and is united with ours at the next takeover.
   */
  async takeOver(): Promise<StoredQueue[]> {
    const at = new Date().toISOString();
    this.#epochs = await this.controlLog.put(
      CONTROL_TOPICS.queues,
      SLOTS.map((slot) => ({
        partition: slot,
        key: `claim/${slot}`,
        value: { format: 1, instance: this.instance, address: this.address, at },
      })),
    );
    const definitions = await this.#load(CONTROL_TOPICS.queues);
    const progress = await this.#load(CONTROL_TOPICS.progress);
    const stored: StoredQueue[] = [];
    for (const [key, value] of definitions) {
      if (!key.startsWith('queue/')) continue;
      const queue = value as QueueDefinition;
      const webhook = definitions.get(webhookKey(queue.tenant, queue.name)) as WebhookDefinition | undefined;
      stored.push({ queue, webhook, progress: await this.#unite(queue, progress) });
    }
    return stored;
  }

  /** Stores a queue and the webhook that reads it, both or neither: they share one partition and one request. */
  async putQueue(queue: QueueDefinition, webhook: WebhookDefinition): Promise<void> {
    const partition = slotOf(queue.tenant, queue.name);
    await this.controlLog.put(CONTROL_TOPICS.queues, [
      { partition, key: queueKey(queue.tenant, queue.name), value: queue },
      { partition, key: webhookKey(queue.tenant, queue.name), value: webhook },
    ]);
  }

  /** Deletes a queue, its webhook and its progress; the definition goes first, so that nothing of it comes back. */
  async deleteQueue(queue: QueueDefinition): Promise<void> {
    const partition = slotOf(queue.tenant, queue.name);
    await this.controlLog.put(CONTROL_TOPICS.queues, [
      { partition, key: queueKey(queue.tenant, queue.name), value: null },
      { partition, key: webhookKey(queue.tenant, queue.name), value: null },
    ]);
    const keys = [...(this.#progressKeys.get(queue.uuid) ?? [])];
    this.#progressKeys.delete(queue.uuid);
    if (keys.length > 0) {
      await this.controlLog.put(
        CONTROL_TOPICS.progress,
        keys.map((key) => ({ partition, key, value: null })),
      );
    }
  }

  /** The epoch under which the progress of a queue is written. */
  epochOf(queue: QueueDefinition): number {
    return this.#epochs[slotOf(queue.tenant, queue.name)] ?? 0;
  }

  async putProgress(entries: readonly { queue: QueueDefinition; at: PartitionRecord }[]): Promise<void> {
    await this.controlLog.put(
      CONTROL_TOPICS.progress,
      entries.map(({ queue, at }) => ({
        partition: slotOf(queue.tenant, queue.name),
        key: this.#progressKey(queue, at),
        value: progressValue(queue, at),
      })),
    );
  }

  /** One record per partition out of those of all epochs; where there were several, ours is written and they go. */
  async #unite(queue: QueueDefinition, progress: ReadonlyMap<string, unknown>): Promise<PartitionRecord[]> {
    const byPartition = new Map<string, { key: string; value: ProgressValue }[]>();
    for (const [key, raw] of progress) {
      const value = raw as ProgressValue;
      if (value.uuid !== queue.uuid) continue;
      const name = `${value.topic}/${value.partition}`;
      byPartition.set(name, [...(byPartition.get(name) ?? []), { key, value }]);
    }
    const united: PartitionRecord[] = [];
    const older: string[] = [];
    for (const records of byPartition.values()) {
      const record = uniteProgress(records.map(({ value }) => value));
      const [first] = records;
      if (record === undefined || first === undefined) continue;
      const { topic, partition } = first.value;
      united.push({ topic, partition, record: { ...record, epoch: this.epochOf(queue) } });
      older.push(...records.map(({ key }) => key));
    }
    if (united.length === 0) return united;
    await this.putProgress(united.map((at) => ({ queue, at })));
    const ours = this.#progressKeys.get(queue.uuid) ?? new Set();
    const slot = slotOf(queue.tenant, queue.name);
    const gone = older.filter((key) => !ours.has(key));
    if (gone.length > 0) {
      await this.controlLog.put(
        CONTROL_TOPICS.progress,
        gone.map((key) => ({ partition: slot, key, value: null })),
      );
    }
    return united;
  }

  async #load(topic: string): Promise<Map<string, unknown>> {
    const state = new Map<string, unknown>();
    await this.controlLog.load(topic, SLOTS, ({ key, value }: ControlRecord) => {
      if (value === null) state.delete(key);
      else state.set(key, value);
    });
    return state;
  }

  #progressKey(queue: QueueDefinition, { topic, partition, record }: PartitionRecord): string {
    const key = `${queue.tenant}/${queue.uuid}/${topic}/${partition}/${record.epoch}`;
    let keys = this.#progressKeys.get(queue.uuid);
    if (keys === undefined) this.#progressKeys.set(queue.uuid, (keys = new Set()));
    keys.add(key);
    return key;
  }
}

function queueKey(tenant: string, name: string): string {
  return `queue/${tenant}/${name}`;
}

function webhookKey(tenant: string, name: string): string {
  return `webhook/${tenant}/${name}`;
}

function progressValue(queue: QueueDefinition, { topic, partition, record }: PartitionRecord): ProgressValue {
  return { ...record, tenant: queue.tenant, queue: queue.name, uuid: queue.uuid, topic, partition };
}
