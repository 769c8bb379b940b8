import type { Log } from '@heddle/runtime';
import type { DeliveryQueue } from './delivery-queue.js';
import type { PartitionRecord, QueueStore } from './queue-store.js';

/** Outcomes are joined for this long at most before they are written. */
const OUTCOME_DELAY_MS = 20;
/** How long events that were only passed over may stay unwritten. */
const PASSED_DELAY_MS = 5000;
const RETRY_DELAY_MS = 500;

/** Writes the progress of all queues: one request for all that changed, never two at once, so that none goes back. */
export class ProgressWriter {
  #changed = new Map<DeliveryQueue, Set<string>>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(
    private readonly store: QueueStore,
    private readonly log: Log,
  ) {}

  changed(queue: DeliveryQueue, topic: string, partition: number, what: 'outcome' | 'passed'): void {
    let names = this.#changed.get(queue);
    if (names === undefined) this.#changed.set(queue, (names = new Set()));
    names.add(`${topic}/${partition}`);
    this.#schedule(what === 'outcome' ? OUTCOME_DELAY_MS : PASSED_DELAY_MS);
  }

  /** A deleted queue has no progress any more. */
  forget(queue: DeliveryQueue): void {
    this.#changed.delete(queue);
  }

  /** Writes what has changed, now. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#changed.size === 0) return;
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
    this.#changed = new Map();
    const entries: { queue: DeliveryQueue['definition']; at: PartitionRecord }[] = [];
    for (const [queue, names] of changed) {
      const epoch = this.store.epochOf(queue.definition);
      for (const name of names) {
        const at = name.lastIndexOf('/');
        const [topic, partition] = [name.slice(0, at), Number(name.slice(at + 1))];
        entries.push({
          queue: queue.definition,
          at: { topic, partition, record: queue.record(topic, partition, epoch) },
        });
      }
    }
    try {
      await this.store.putProgress(entries);
    } catch (error) {
      this.log.warn({ event: 'progress-unwritten', err: error }, 'progress could not be stored, trying again');
      for (const [queue, names] of changed) {
        this.#changed.set(queue, names.union(this.#changed.get(queue) ?? new Set()));
      }
      this.#schedule(RETRY_DELAY_MS);
    }
  }
}
