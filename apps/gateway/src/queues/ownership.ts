import { type EventLog, HeddleError, type SlotGroup, type SlotMember, slotOf } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { setTimeout as delay } from 'node:timers/promises';
import { type EndedTail, endedTail } from './ended-tail.js';
import type { QueueDirectory } from './queue-directory.js';
import type { Restored } from './queue-host.js';
import type { QueueStore, StoredStates } from './queue-store.js';

/** What a slot that was taken over comes with: the state of each queue by its uuid. */
export interface TakenSlot {
  slot: number;
  epoch: number;
  /** What an earlier owner left of a queue or side lane; nothing where it never stored any. */
  restored(uuid: string): Restored | undefined;
}

/** Who works on the slots. Both must return at once. */
export interface SlotWork {
  onTaken(taken: TakenSlot): void;
  onLost(slot: number): void;
  /** Work may be begun again, after a time in which another instance might have owned the slots. */
  onRenewed(): void;
}

const RETRY_MS = 500;

/**
 * The slots of this process: claims those the group assigns, reads what earlier owners left, and hands them over to be
 * worked on. Its epoch is the offset of its claim; what an older epoch still does is told apart by it.
 */
export class Ownership {
  #member: SlotMember | undefined;
  #epochs = new Map<number, number>();
  /** Slots the group gave us, whether they are taken over already or not. */
  #assigned = new Set<number>();
  #taking: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(
    private readonly group: SlotGroup,
    private readonly directory: QueueDirectory,
    private readonly store: QueueStore,
    private readonly eventLog: EventLog,
    private readonly topics: () => readonly string[],
    private readonly log: Log,
  ) {}

  /** Joins the group; resolves when the slots of the first assignment are being worked on. */
  async start(work: SlotWork): Promise<void> {
    this.#member = await this.group.join({
      onAssigned: (slots) => this.#assign(slots, work),
      onRevoked: (slots) => this.#revoke(slots, work),
      onRenewed: () => work.onRenewed(),
    });
    await this.#taking;
  }

  /** Whether nobody else can own our slots: while it is false, nothing is begun. */
  isCurrent(): boolean {
    return this.#member?.isCurrent() ?? !this.#isStopping;
  }

  owns(slot: number): boolean {
    return this.#epochs.has(slot);
  }

  get slots(): number[] {
    return [...this.#epochs.keys()];
  }

  /** The epoch under which a queue is worked on. @throws HeddleError `queue-elsewhere` when it is not ours */
  epochOf({ tenant, name }: { tenant: string; name: string }): number {
    const epoch = this.#epochs.get(slotOf(tenant, name));
    if (epoch === undefined) throw elsewhere(name);
    return epoch;
  }

  /** Gives the slots to others; what was to be written has to be written before. */
  async leave(): Promise<void> {
    this.#isStopping = true;
    await this.#taking;
    await this.#member?.leave();
    this.#epochs.clear();
  }

  #assign(slots: readonly number[], work: SlotWork): void {
    for (const slot of slots) this.#assigned.add(slot);
    this.#taking = this.#taking.then(() => this.#takeOver(slots, work));
  }

  #revoke(slots: readonly number[], work: SlotWork): void {
    for (const slot of slots) {
      this.#assigned.delete(slot);
      if (!this.#epochs.delete(slot)) continue;
      work.onLost(slot);
    }
    if (slots.length > 0) this.log.info({ event: 'slots-lost', slots }, 'slots are another owner’s now');
  }

  async #takeOver(slots: readonly number[], work: SlotWork): Promise<void> {
    for (;;) {
      const wanted = slots.filter((slot) => this.#assigned.has(slot) && !this.#epochs.has(slot));
      if (wanted.length === 0 || this.#isStopping) return;
      try {
        return await this.#take(wanted, work);
      } catch (error) {
        this.log.warn(
          { event: 'takeover-failed', slots: wanted, err: error },
          'slots could not be taken over, trying again',
        );
        await delay(RETRY_MS);
      }
    }
  }

  async #take(slots: readonly number[], work: SlotWork): Promise<void> {
    const startedAt = performance.now();
    const epochs = await this.store.claim(slots);
    for (const [slot, epoch] of epochs) await this.directory.reached(slot, epoch);
    const [states, ends, ended] = await Promise.all([
      this.store.load(slots, epochs),
      this.#ends(),
      endedTail(this.eventLog, slots),
    ]);
    for (const [slot, epoch] of epochs) {
      if (!this.#assigned.has(slot)) continue;
      this.#epochs.set(slot, epoch);
      work.onTaken({ slot, epoch, restored: (uuid) => restoredOf(states, uuid, { ends, ended }) });
    }
    const ms = Math.round(performance.now() - startedAt);
    this.log.info({ event: 'slots-taken', slots: slots.length, queues: states.size, ms }, 'slots taken over');
  }

  /** Where the log ends: what stands before it may have been delivered by an earlier owner. */
  async #ends(): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    await Promise.all(
      this.topics().map(async (topic) => {
        for (const { partition, end } of await this.eventLog.bounds(topic)) ends.set(`${topic}/${partition}`, end);
      }),
    );
    return ends;
  }
}

function restoredOf(
  states: StoredStates,
  uuid: string,
  { ends, ended }: { ends: ReadonlyMap<string, number>; ended: EndedTail },
): Restored {
  const { progress = [], parked = [] } = states.get(uuid) ?? {};
  return { progress, parked, ends, ended: ended.get(uuid) ?? NOTHING };
}

const NOTHING: ReadonlySet<string> = new Set();

function elsewhere(name: string): HeddleError {
  return new HeddleError('queue-elsewhere', `The queue ${name} is moving to another instance; try again.`, {
    retryAfterSeconds: 1,
  });
}
