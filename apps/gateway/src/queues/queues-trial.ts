import { LOCAL_TENANT, MemoryEventLog, objectTopicSpec } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { compileFilter } from '../filters/filters.js';
import type { AttemptRecord } from '../ledger/attempt.js';
import { DispatchedEvent } from '../represent.js';
import { DeliveryQueue } from './delivery-queue.js';
import type { QueueHost } from './queue-host.js';
import { type Offsets, QueueOffsets } from './queue-offsets.js';
import type { QueueDefinition } from './queue.js';
import { Queues } from './queues.js';
import { callerFor } from '../identity/identity-trial.js';

const PARTITIONS = 2;
/** Whoever may do everything in the local tenant. */
export const ADMIN = callerFor();
export const EPOCH = 42;
export const TYPE = 'heddle.contract.v1.Contract.Signed.v1';

/** Queues on an event log in memory, without anything around them: events get in by `publish`, nothing is stored. */
export class TrialQueues {
  readonly eventLog = new MemoryEventLog({
    decode: ({ value }) => ({ data: JSON.parse(Buffer.from(value).toString()) }),
  });
  /** What `heddle.queues` would have, by name, with the tenant in front unless it is the local one. */
  readonly stored = new Map<string, QueueDefinition>();
  readonly webhooks: { name: string; queue: string; contentMode?: 'binary' }[] = [];
  readonly attempts: AttemptRecord[] = [];
  readonly purged: Offsets[] = [];
  /** What `settled` waits for. */
  durable: Promise<void> = Promise.resolve();
  owns = true;
  /** Whether there may be one queue more. */
  admit: () => void = () => undefined;
  readonly queues: Queues;
  #atWork = new Set<DeliveryQueue>();

  constructor() {
    this.queues = new Queues({
      store: {
        putQueue: (queue) => Promise.resolve(void this.stored.set(storedAs(queue.tenant, queue.name), queue)),
        deleteQueue: ({ tenant, name }) => Promise.resolve(void this.stored.delete(storedAs(tenant, name))),
      },
      set: {
        add: (definition) => this.#add(definition),
        redefine: (queue, definition) => queue.redefine(definition, compileFilter(definition.filter)),
        close: (queue) => {
          queue.close();
          this.#atWork.delete(queue);
        },
        lagOf: () => 7,
        purge: (_queue, below) => Promise.resolve(void this.purged.push(below)),
      },
      directory: {
        queue: (tenant, name) => this.stored.get(storedAs(tenant, name)),
        queues: (tenant) => [...this.stored.values()].filter((queue) => queue.tenant === tenant),
        webhooks: (tenant) => (tenant === LOCAL_TENANT ? this.webhooks : []) as never,
      },
      offsets: new QueueOffsets(this.eventLog, () => ['contract', 'sales-order']),
      ledger: {
        attempt: (attempt) => void this.attempts.push(attempt),
      },
      ownership: { owns: () => this.owns, epochOf: () => EPOCH },
      admitQueue: () => this.admit(),
      retry: { firstMs: 1000, factor: 2, capMs: 300_000, jitter: 0, attempts: 3, maxAgeMs: 86_400_000 },
      log: createLog('test', 'silent'),
    });
  }

  async start(): Promise<void> {
    await this.eventLog.ensureTopics(['contract', 'sales-order'].map((topic) => objectTopicSpec(topic, PARTITIONS)));
  }

  /** Appends so many events, `e1` and on under keys of their own, and offers them to every queue at work. */
  async publish(count: number, first = 1, bytes = 0): Promise<void> {
    for (let n = first; n < first + count; n += 1) {
      const value = Buffer.from(JSON.stringify({ Contract: `K${n}`, text: 'x'.repeat(bytes) }));
      const attributes = { id: `e${n}`, source: '/test', type: TYPE };
      const [outcome] = await this.eventLog.append([{ topic: 'contract', key: `K${n}`, event: { attributes, value } }]);
      if (outcome === undefined || 'error' in outcome) throw new Error('not appended');
      const { events } = await this.eventLog.fetch(outcome.position);
      for (const queue of this.#atWork) queue.offer(new DispatchedEvent(events[0]!, n, '', 'http://gateway.test'));
    }
    for (const queue of this.#atWork) queue.offered();
  }

  #add(definition: QueueDefinition): DeliveryQueue {
    const host: QueueHost = {
      onProgress: () => undefined,
      onParked: () => undefined,
      onRoom: () => undefined,
      onAbsent: () => undefined,
      onGivenUp: () => undefined,
      onDropped: () => undefined,
      shown: (event) => event,
      isCurrent: () => true,
      settled: () => this.durable,
    };
    const filter = compileFilter(definition.filter);
    const queue = new DeliveryQueue(definition, filter, undefined, host, { chunkName: () => 'chunk' });
    this.#atWork.add(queue);
    return queue;
  }
}

function storedAs(tenant: string, name: string): string {
  return tenant === LOCAL_TENANT ? name : `${tenant}/${name}`;
}
