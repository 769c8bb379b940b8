import { type EventLog, HeddleError, slotOf } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Ledger } from '../ledger/ledger.js';
import type { WebhookDefinition } from '../protocols/webhook/webhook.js';
import { leaseAttempt } from './attempts.js';
import type { DeliveryQueue } from './delivery-queue.js';
import { LeaseBook } from './lease-book.js';
import type { Ownership, SlotWork, TakenSlot } from './ownership.js';
import type { QueueDirectory } from './queue-directory.js';
import type { QueueSet } from './queue-set.js';
import type { QueueStore } from './queue-store.js';
import type { QueueDefinition } from './queue.js';
import type { StateWriter } from './state-writer.js';

/** A queue that this instance works on, with the leases that remote receivers have of it. */
export interface WorkingQueue {
  readonly queue: DeliveryQueue;
  readonly book: LeaseBook;
}

/** What comes and goes with the queues of this instance: receivers of webhooks, replays. Must return at once. */
export interface Companion {
  onWorking(working: WorkingQueue, taken: TakenSlot): void;
  onEnded(working: WorkingQueue, why: 'handed over' | 'deleted'): void;
}

/**
 * The queues of the slots this instance owns. Changes are stored before they are worked with and before they are
 * answered; those of one queue come one after another.
 */
export class QueueWorks implements SlotWork {
  readonly #working = new Map<string, WorkingQueue>();
  readonly #companions: Companion[] = [];
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly parts: {
      directory: QueueDirectory;
      ownership: Ownership;
      store: QueueStore;
      set: QueueSet;
      writer: StateWriter;
      ledger: Ledger;
      eventLog: EventLog;
      topics: () => readonly string[];
      log: Log;
    },
  ) {}

  /** From now on comes and goes with the queues; added before the slots are taken. */
  accompany(companion: Companion): void {
    this.#companions.push(companion);
  }

  get all(): WorkingQueue[] {
    return [...this.#working.values()];
  }

  /** @throws HeddleError `not-found`, or `queue-elsewhere` when another instance works on it */
  find(tenant: string, name: string): WorkingQueue {
    const working = this.#working.get(`${tenant}/${name}`);
    if (working !== undefined) return working;
    if (this.parts.ownership.owns(slotOf(tenant, name))) {
      throw new HeddleError('not-found', `There is no queue ${name}.`, { field: 'name' });
    }
    throw new HeddleError('queue-elsewhere', `The queue ${name} is moving to another instance; try again.`, {
      retryAfterSeconds: 1,
    });
  }

  /** Changes of one queue, and of what belongs to it, come one after another. */
  inTurn<T>(tenant: string, name: string, change: () => Promise<T>): Promise<T> {
    const key = `${tenant}/${name}`;
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(change, change);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(key) === settled) this.#turns.delete(key);
      });
    this.#turns.set(key, settled);
    return turn;
  }

  /** Stores a new queue, with the webhook it comes with, and puts it to work. */
  async create(definition: QueueDefinition, webhook?: WebhookDefinition): Promise<WorkingQueue> {
    const { ownership, store, directory } = this.parts;
    const epoch = ownership.epochOf(definition);
    await store.putQueue(definition, webhook);
    await directory.caughtUp(slotOf(definition.tenant, definition.name));
    return this.#begin(definition, {
      slot: slotOf(definition.tenant, definition.name),
      epoch,
      restored: () => undefined,
    });
  }

  /** Stores a changed definition; the position stays. */
  async change(working: WorkingQueue, definition: QueueDefinition, webhook?: WebhookDefinition): Promise<void> {
    this.parts.ownership.epochOf(definition);
    await this.parts.store.putQueue(definition, webhook);
    await this.parts.directory.caughtUp(slotOf(definition.tenant, definition.name));
    this.parts.set.redefine(working.queue, definition);
    working.book.wake();
  }

  /** Deletes a queue with its position, what is parked of it, and the webhooks that read it. */
  async delete(working: WorkingQueue): Promise<void> {
    const { definition } = working.queue;
    const { directory, store } = this.parts;
    this.parts.ownership.epochOf(definition);
    const slot = slotOf(definition.tenant, definition.name);
    const webhooks = directory.inSlot(slot).webhooks.filter(({ queue }) => queue === definition.name);
    this.#end(working, 'deleted');
    await store.deleteQueue(definition, webhooks);
    await directory.caughtUp(slot);
  }

  /**
   * Settles everything there is: the queue goes on with what is appended from now on. Leases that are out are lost.
   * Returns how many deliveries it had taken and gives up.
   */
  async purge(working: WorkingQueue): Promise<number> {
    const { definition } = working.queue;
    const { eventLog, store, topics } = this.parts;
    const epoch = this.parts.ownership.epochOf(definition);
    const slot = slotOf(definition.tenant, definition.name);
    const { ready, leased, waiting } = working.queue.statistics;
    const positionEpoch = working.queue.positionEpoch + 1;
    const progress: { topic: string; partition: number; record: ReturnType<DeliveryQueue['record']> }[] = [];
    for (const topic of topics()) {
      for (const { partition, end } of await eventLog.bounds(topic)) {
        const record = { format: 1 as const, epoch, positionEpoch, contiguous: end, through: end, unsettled: [] };
        progress.push({ topic, partition, record });
      }
    }
    this.#end(working, 'deleted');
    // The new position stands before the old state goes: a crash between leaves what is parked, not the old position.
    await store.putProgress(progress.map((at) => ({ queue: definition, at })));
    await store.deleteParked(definition);
    this.#begin(definition, { slot, epoch, restored: () => ({ progress, parked: [], ends: new Map() }) });
    return ready + leased + waiting;
  }

  onTaken(taken: TakenSlot): void {
    for (const definition of this.parts.directory.inSlot(taken.slot).queues) this.#begin(definition, taken);
  }

  onLost(slot: number): void {
    for (const working of this.all) {
      const { tenant, name } = working.queue.definition;
      if (slotOf(tenant, name) === slot) this.#end(working, 'handed over');
    }
  }

  /** Leases nothing more, and has what every queue knows written. */
  async stop(): Promise<void> {
    for (const working of this.all) working.book.close();
    this.parts.set.stop();
    await this.parts.writer.flush();
  }

  #begin(definition: QueueDefinition, taken: TakenSlot): WorkingQueue {
    const { set, ledger } = this.parts;
    const queue = set.add(definition, taken.restored(definition.uuid));
    const book = new LeaseBook(
      { uuid: definition.uuid, epoch: taken.epoch, leaseMs: () => queue.definition.leaseMs },
      queue,
      (lease, ending) => ledger.attempt(leaseAttempt(queue.definition, lease, ending)),
    );
    queue.onAvailable(() => book.wake());
    const working = { queue, book };
    this.#working.set(`${definition.tenant}/${definition.name}`, working);
    for (const companion of this.#companions) companion.onWorking(working, taken);
    return working;
  }

  #end(working: WorkingQueue, why: 'handed over' | 'deleted'): void {
    const { tenant, name } = working.queue.definition;
    if (this.#working.get(`${tenant}/${name}`) !== working) return;
    this.#working.delete(`${tenant}/${name}`);
    working.book.close();
    this.parts.set.close(working.queue, why);
    for (const companion of this.#companions) companion.onEnded(working, why);
  }
}
