import { setTimeout as delay } from 'node:timers/promises';
import { CONTROL_TOPICS, type ControlLog, type EventLog, type SlotGroup, slotOf } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { States } from '../fetch/states.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Namespaces } from '../messages/namespaces.js';
import type { GatewayMetrics } from '../metrics.js';
import type { Mask } from '../represent.js';
import { droppedAttempt } from './lease-attempt.js';
import { LogPages } from './log-pages.js';
import { Ownership, type SlotWork, type TakenSlot } from './ownership.js';
import { QueueDirectory } from './queue-directory.js';
import { QueueSet } from './queue-set.js';
import type { QueueSetHost, SharedReading } from './queue-set-host.js';
import { QueueOffsets } from './queue-offsets.js';
import { QueueRooms } from './queue-rooms.js';
import { QueueStore } from './queue-store.js';
import { queueUuidOf } from './replay.js';
import { Replays } from './replays.js';
import type { RetrySchedule } from './queue.js';
import { Queues } from './queues.js';
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
  /** What queues retry by where they do not say. */
  retry: RetrySchedule;
  /** Whether a tenant may have one more queue. @throws HeddleError `quota-exceeded` */
  admitQueue?: (tenant: string) => void;
  /** Makes the topic of a tenant's raw messages, where it is not there yet. @throws HeddleError `log-unavailable` */
  ensureRaw?: (tenant: string) => Promise<void> | undefined;
  /** Of objects, for queues of shape `state`. */
  states: Pick<States, 'of'>;
  /** Hides what is personal. */
  mask: Mask;
  /** Under which topics the events of types are. */
  namespaces: Namespaces;
  metrics: Pick<GatewayMetrics, 'filterErrors'>;
  log: Log;
}

/** Replays read little at a time, and little of it is kept: live queues that catch up have fetches and pages of their own. */
const REPLAY_PAGES = { fetches: 2, keptBytes: 8 * 1024 * 1024, pageBytes: 256 * 1024 };

/** How long a queue that is not known is looked for. */
const DIRECTORY_PATIENCE_MS = 2000;

/** Durable queues at work: who owns them, what they hold, what is written of them. */
export class DeliveryEngine implements SlotWork {
  readonly directory: QueueDirectory;
  readonly ownership: Ownership;
  readonly store: QueueStore;
  readonly set: QueueSet;
  readonly queues: Queues;
  readonly replays: Replays;
  readonly offsets: QueueOffsets;
  /** Whether there is room for what is published. */
  readonly rooms: QueueRooms;
  readonly pages: LogPages;
  readonly #eventLog: Pick<EventLog, 'bounds'>;
  readonly #writer: StateWriter;
  readonly #companions: Pick<SlotWork, 'onTaken' | 'onLost'>[] = [];

  constructor(parts: EngineParts) {
    const { eventLog, controlLog, slotGroup, ledger, shared, instance, address, baseUrl, retry, metrics, log } = parts;
    const { mask, namespaces } = parts;
    this.#eventLog = eventLog;
    const topics = (): readonly string[] => shared.topics();
    this.directory = new QueueDirectory(controlLog);
    this.store = new QueueStore(controlLog, this.directory, instance, address);
    this.pages = new LogPages(eventLog, baseUrl);
    this.ownership = new Ownership(slotGroup, this.directory, this.store, eventLog, topics, log);
    this.#writer = new StateWriter(this.store, ledger, log);
    const host: QueueSetHost = {
      givenUp: (definition, { stored, cycle, attempts, refusal, code }) => {
        const { tenant, name: queue, deadLetters, deadLetterQueue: to } = definition;
        const uuid = queueUuidOf(definition);
        const { reason, answer } = refusal;
        if (to !== undefined) {
          ledger.deadMessage({ event: stored, tenant, queue, to, reason: `${code}: ${reason}` });
        }
        if (!deadLetters) return;
        const why = { reason, code, ...(answer === undefined ? {} : { lastAnswer: answer }) };
        ledger.deadLetter({ event: stored, tenant, queue, uuid, cycle, attempts, ...why });
      },
      dropped: (definition, stored, cycle) => {
        ledger.attempt(droppedAttempt({ ...definition, uuid: queueUuidOf(definition) }, stored, cycle));
      },
      filterFailed: () => metrics.filterErrors.inc(),
      stateOf: (event, mayFetch) => parts.states.of(event, mayFetch),
      mask: parts.mask,
      namespaces,
      isCurrent: () => this.ownership.isCurrent(),
      epochOf: (definition) => this.ownership.epochOf(definition),
    };
    this.set = new QueueSet(shared, this.pages, this.#writer, host, log);
    this.offsets = new QueueOffsets(eventLog, topics);
    const { directory, store, set, offsets, ownership } = this;
    const pages = new LogPages(eventLog, baseUrl, REPLAY_PAGES);
    const queue: Queues['working'] = (tenant, name) => this.queues.working(tenant, name);
    this.replays = new Replays({ store, directory, set, pages, offsets, ledger, queue, mask, namespaces, log });
    const { queueSet } = this.replays;
    const { admitQueue, ensureRaw } = parts;
    const made = { directory, store, set: queueSet, offsets, ledger, ownership, retry, admitQueue, ensureRaw, log };
    this.queues = new Queues(made);
    const atWork: Queues['atWork'] = (tenant, name) => this.queues.atWork(tenant, name);
    this.rooms = new QueueRooms({ atWork, directory, store, namespaces, log });
  }

  /** From now on comes and goes with the slots of this instance, after the queues; added before the start. */
  accompany(companion: Pick<SlotWork, 'onTaken' | 'onLost'>): void {
    this.#companions.push(companion);
  }

  /** Learns what queues there are, and takes over those that the group gives to this process. */
  async start(): Promise<void> {
    await this.directory.start();
    await this.ownership.start(this);
    this.rooms.start();
  }

  onTaken(taken: TakenSlot): void {
    for (const queue of this.directory.inSlot(taken.slot).queues) this.queues.begin(queue, taken.restored(queue.uuid));
    this.replays.resume(taken, (tenant, name) => this.queues.atWork(tenant, name));
    for (const companion of this.#companions) companion.onTaken(taken);
  }

  onLost(slot: number): void {
    for (const companion of this.#companions) companion.onLost(slot);
    for (const { tenant, name } of this.directory.inSlot(slot).queues) this.queues.handOver(tenant, name);
  }

  onRenewed(): void {
    this.set.lookAgain();
  }

  /** Whether a tenant has a queue of this name, wherever it is at work; one that was made a moment ago elsewhere, too. */
  knowsQueue(tenant: string, name: string): boolean | Promise<boolean> {
    if (this.queues.find(tenant, name) !== undefined) return true;
    const slot = slotOf(tenant, name);
    return this.ownership.owns(slot) ? false : this.#looksFor(tenant, name, slot);
  }

  /** Once all that the log has of its slot by now is known here. */
  async #looksFor(tenant: string, name: string, slot: number): Promise<boolean> {
    const bounds = await this.#eventLog.bounds(CONTROL_TOPICS.queues);
    const end = bounds[slot]?.end ?? 0;
    if (end > 0)
      await Promise.race([
        this.directory.reached(slot, end - 1),
        delay(DIRECTORY_PATIENCE_MS, undefined, { ref: false }),
      ]);
    return this.queues.find(tenant, name) !== undefined;
  }

  /** Resolves when everything that was settled before is durable. */
  settled(): Promise<void> {
    return this.#writer.settled();
  }

  /** Leases nothing more, writes how far every queue is, and leaves its slots to others. */
  async stop(): Promise<void> {
    this.rooms.stop();
    await this.replays.close();
    this.queues.stop();
    this.set.stop();
    await this.#writer.stop();
    await this.ownership.leave();
    await this.directory.stop();
  }
}
