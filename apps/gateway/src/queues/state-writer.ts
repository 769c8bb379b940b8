import type { Log } from '@heddle/runtime';
import type { ChunkPut } from './parking.js';
import type { ProgressChange } from './queue-host.js';
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

/** `topic/partition` of each partition whose progress has changed. */
type Changes = Map<StatefulQueue, Set<string>>;

/** Outcomes are joined for this long at most before they are written; so long what was accepted, if nobody waits. */
const OUTCOME_DELAY_MS = 10;
const LEDGER_DELAY_MS = 20;
/**
 * How long the progress may wait of what was accepted, for which nobody waits: it stands in the ledger by then, where a
 * new owner looks for it (`ended-tail.ts`, at the last 64 records of each slot, of which one is written in 20 ms).
 */
const ACCEPTED_DELAY_MS = 150;
/** How long events that were only passed over may stay unwritten. */
const PASSED_DELAY_MS = 5000;
const RETRY_DELAY_MS = 500;

/**
 * Writes the state of all queues of this process: one request for all that changed, never two at once, so that none
 * goes back. Attempts and dead letters are durable first, then what was parked, then the progress that passes them: a
 * crash in between repeats, and never loses.
 */
export class StateWriter {
  /** To be written next. */
  #changed: Changes = new Map();
  /** To be written with the next of those, or when its time has come. */
  #lazy: Changes = new Map();
  #lazyDueAt = Infinity;
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
  progressed(queue: StatefulQueue, topic: string, partition: number, what: ProgressChange): void {
    const name = `${topic}/${partition}`;
    if (what === 'outcome') {
      changesOf(this.#changed, queue).add(name);
      this.#schedule(OUTCOME_DELAY_MS);
      return;
    }
    changesOf(this.#lazy, queue).add(name);
    const dueAt = Date.now() + (what === 'accepted' ? ACCEPTED_DELAY_MS : PASSED_DELAY_MS);
    if (dueAt < this.#lazyDueAt) this.#lazyDueAt = dueAt;
    this.#schedule(what === 'accepted' ? LEDGER_DELAY_MS : PASSED_DELAY_MS);
  }

  /** Something parked of a queue has changed. */
  parked(queue: StatefulQueue): void {
    changesOf(this.#changed, queue);
    this.#schedule(OUTCOME_DELAY_MS);
  }

  /** Resolves when everything that changed before is durable. */
  settled(): Promise<void> {
    if (this.#changed.size === 0 && this.#lazy.size === 0 && this.#writing === undefined) return Promise.resolve();
    // Also while something is being written: that may fail, and then it is written again before this resolves.
    this.#schedule(OUTCOME_DELAY_MS);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A deleted queue has no state any more. */
  forget(queue: StatefulQueue): void {
    this.#changed.delete(queue);
    this.#lazy.delete(queue);
  }

  /** Writes what has changed, now. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#changed.size === 0 && this.#lazy.size === 0 && this.#waiting.length === 0) return;
    this.#lazyDueAt = 0;
    await this.#begin();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  #begin(): Promise<void> {
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  #schedule(delayMs: number): void {
    const at = Date.now() + delayMs;
    if (this.#stopped || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => void this.#round(), delayMs);
  }

  async #round(): Promise<void> {
    this.#timerAt = Infinity;
    while (this.#writing !== undefined) await this.#writing;
    if (this.#changed.size === 0 && this.#lazy.size === 0 && this.#waiting.length === 0) return;
    await this.#begin();
    if (this.#lazy.size > 0) this.#schedule(Math.max(0, this.#lazyDueAt - Date.now()));
  }

  /** What is to be written now; the accepted ones among it when their time has come, or somebody waits. */
  #takeChanged(): Changes {
    const changed = this.#changed;
    this.#changed = new Map();
    if (this.#waiting.length === 0 && Date.now() < this.#lazyDueAt) return changed;
    const lazy = this.#lazy;
    this.#lazy = new Map();
    this.#lazyDueAt = Infinity;
    if (changed.size === 0) return lazy;
    join(changed, lazy);
    return changed;
  }

  async #write(): Promise<void> {
    const changed = this.#takeChanged();
    const waiting = this.#waiting;
    this.#waiting = [];
    // All three are taken in one turn: progress never says more than the ledger and the parked items of that moment.
    const ledger = this.ledger.flush();
    const parked: { queue: StatefulQueue; puts: ChunkPut[] }[] = [];
    const progress: { queue: QueueDefinition; at: PartitionRecord }[] = [];
    for (const [queue, partitions] of changed) {
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
      join(this.#changed, changed);
      this.#waiting.push(...waiting);
      this.#schedule(RETRY_DELAY_MS);
    }
  }
}

function changesOf(changes: Changes, queue: StatefulQueue): Set<string> {
  let partitions = changes.get(queue);
  if (partitions === undefined) changes.set(queue, (partitions = new Set()));
  return partitions;
}

function join(changes: Changes, others: Changes): void {
  for (const [queue, partitions] of others) {
    const known = changes.get(queue);
    changes.set(queue, known === undefined ? partitions : known.union(partitions));
  }
}
