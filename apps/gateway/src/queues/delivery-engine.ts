import type { ControlLog, EventLog, SlotGroup } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { Ledger } from '../ledger/ledger.js';
import { droppedAttempt } from './attempts.js';
import { LogPages } from './log-pages.js';
import { Ownership } from './ownership.js';
import { QueueDirectory } from './queue-directory.js';
import { QueueSet, type QueueSetHost, type SharedReading } from './queue-set.js';
import { QueueStore } from './queue-store.js';
import { QueueWorks } from './queue-works.js';
import { StateWriter } from './state-writer.js';

export interface EngineParts {
  eventLog: EventLog;
  controlLog: ControlLog;
  slotGroup: SlotGroup;
  ledger: Ledger;
  shared: SharedReading;
  /** A name of this process that no other has. */
  instance: string;
  /** The URL at which other instances reach this one. */
  address: string;
  /** Of the gateway, as receivers reach it. */
  baseUrl: string;
  log: Log;
}

/** Durable queues at work: who owns them, what they hold, what is written of them. */
export class DeliveryEngine {
  readonly directory: QueueDirectory;
  readonly ownership: Ownership;
  readonly store: QueueStore;
  readonly set: QueueSet;
  readonly works: QueueWorks;
  readonly pages: LogPages;
  readonly #writer: StateWriter;

  constructor(parts: EngineParts) {
    const { eventLog, controlLog, slotGroup, ledger, shared, instance, address, baseUrl, log } = parts;
    const topics = (): readonly string[] => shared.topics();
    this.directory = new QueueDirectory(controlLog);
    this.store = new QueueStore(controlLog, this.directory, instance, address);
    this.pages = new LogPages(eventLog, baseUrl);
    this.ownership = new Ownership(slotGroup, this.directory, this.store, eventLog, topics, log);
    this.#writer = new StateWriter(this.store, ledger, log);
    const host: QueueSetHost = {
      givenUp: ({ tenant, name: queue, uuid, deadLetters }, { stored, cycle, attempts, reason, code }) => {
        if (!deadLetters) return;
        ledger.deadLetter({ event: stored, tenant, queue, uuid, cycle, attempts, reason, code });
      },
      dropped: (definition, stored, cycle) => ledger.attempt(droppedAttempt(definition, stored, cycle)),
      isCurrent: () => this.ownership.isCurrent(),
      epochOf: (definition) => this.ownership.epochOf(definition),
    };
    this.set = new QueueSet(shared, this.pages, this.#writer, host, log);
    const { directory, ownership, store, set } = this;
    this.works = new QueueWorks({
      directory,
      ownership,
      store,
      set,
      writer: this.#writer,
      ledger,
      eventLog,
      topics,
      log,
    });
  }

  /** Learns what queues there are, and takes over those that the group gives to this process. */
  async start(): Promise<void> {
    await this.directory.start();
    await this.ownership.start(this.works);
  }

  /** Resolves when everything that was settled before is durable. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  /** Leases nothing more, writes how far every queue is, and leaves its slots to others. */
  async stop(): Promise<void> {
    await this.works.stop();
    await this.#writer.stop();
    await this.ownership.leave();
    await this.directory.stop();
  }
}
