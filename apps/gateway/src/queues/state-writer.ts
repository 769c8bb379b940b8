import type { Log } from '@heddle/runtime';
import type { ChunkPut } from './parking.js';
import type { PartitionRecord, QueueStore } from './queue-store.js';
import type { QueueDefinition } from './queue.js';

/** Whose state is written: a queue at work, with the epoch of its owner. */
export interface StatefulQueue {
  readonly definition: QueueDefinition;
  record(topic: string, partition: number): PartitionRecord['record'];
  drainParked(): ChunkPut[];
  undrainParked(puts: readonly ChunkPut[]): void;
}

/** What has to be durable before any progress passes it. */
export interface Preceding {
  flush(): Promise<void>;
}

interface Changes {
  /** `topic/partition` of each partition whose progress has changed. */
  partitions: Set<string>;
}

/** Outcomes are joined for this long at most before they are written. */
const OUTCOME_DELAY_MS = 10;
/** How long events that were only passed over may stay unwritten. */
const PASSED_DELAY_MS = 5000;
const RETRY_DELAY_MS = 500;

/**
 * Writes the state of all queues of this process: one request for all that changed, never two at once, so that none
 * goes back. Attempts and dead letters are durable first, then what was parked, then the progress that passes them: a
 * crash in between repeats, and never loses.
 */
export class StateWriter {
  #changed = new Map<StatefulQueue, Changes>();
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(
    private readonly store: QueueStore,
    private readonly ledger: Preceding,
    private readonly log: Log,
  ) {}

  /** The progress of a partition of a queue has changed. */
  progressed(queue: StatefulQueue, topic: string, partition: number, what: 'outcome' | 'passed'): void {
    this.#changes(queue).partitions.add(`${topic}/${partition}`);
    this.#schedule(what === 'outcome' ? OUTCOME_DELAY_MS : PASSED_DELAY_MS);
  }

  /** Something parked of a queue has changed. */
  parked(queue: StatefulQueue): void {
    this.#changes(queue);
    this.#schedule(OUTCOME_DELAY_MS);
  }

  /** Resolves when everything that changed before is durable. */
  settled(): Promise<void> {
    if (this.#changed.size === 0 && this.#writing === undefined) return Promise.resolve();
    // Also while something is being written: that may fail, and then it is written again before this resolves.
    this.#schedule(OUTCOME_DELAY_MS);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A deleted queue has no state any more. */
  forget(queue: StatefulQueue): void {
    this.#changed.delete(queue);
  }

  /** Writes what has changed, now. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#changed.size === 0 && this.#waiting.length === 0) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  #changes(queue: StatefulQueue): Changes {
    let changes = this.#changed.get(queue);
    if (changes === undefined) this.#changed.set(queue, (changes = { partitions: new Set() }));
    return changes;
  }

  #schedule(delayMs: number): void {
    const at = Date.now() + delayMs;
    if (this.#stopped || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      void this.flush();
    }, delayMs);
  }

  async #write(): Promise<void> {
    const changed = this.#changed;
    const waiting = this.#waiting;
    this.#changed = new Map();
    this.#waiting = [];
    // All three are taken in one turn: progress never says more than the ledger and the parked items of that moment.
    const ledger = this.ledger.flush();
    const parked: { queue: StatefulQueue; puts: ChunkPut[] }[] = [];
    const progress: { queue: QueueDefinition; at: PartitionRecord }[] = [];
    for (const [queue, { partitions }] of changed) {
      const puts = queue.drainParked();
      if (puts.length > 0) parked.push({ queue, puts });
      for (const name of partitions) {
        const at = name.lastIndexOf('/');
        const [topic, partition] = [name.slice(0, at), Number(name.slice(at + 1))];
        progress.push({ queue: queue.definition, at: { topic, partition, record: queue.record(topic, partition) } });
      }
    }
    let isParked = false;
    try {
      const parking = this.store.putParked(parked.map(({ queue, puts }) => ({ queue: queue.definition, puts })));
      const [stored, preceded] = await Promise.allSettled([parking, ledger]);
      isParked = stored.status === 'fulfilled';
      for (const outcome of [stored, preceded]) if (outcome.status === 'rejected') throw outcome.reason;
      await this.store.putProgress(progress);
      for (const resolve of waiting) resolve();
    } catch (error) {
      this.log.warn({ event: 'state-unwritten', err: error }, 'the state of queues could not be stored, trying again');
      if (!isParked) for (const { queue, puts } of parked) queue.undrainParked(puts);
      for (const [queue, { partitions }] of changed) {
        const again = this.#changes(queue);
        again.partitions = again.partitions.union(partitions);
      }
      this.#waiting.push(...waiting);
      this.#schedule(RETRY_DELAY_MS);
    }
  }
}
