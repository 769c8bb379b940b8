import type { Caller } from '@heddle/auth';
import { HeddleError, type Position, canonicalKey, objectOf, slotOf, uuidv7 } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { compileFilter } from '../filters/filters.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Namespaces } from '../messages/namespaces.js';
import type { Mask } from '../represent.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { LogPages } from './log-pages.js';
import type { TakenSlot } from './ownership.js';
import type { QueueDirectory } from './queue-directory.js';
import type { Restored } from './queue-host.js';
import type { QueueOffsets } from './queue-offsets.js';
import { QueueRights, requireSight, rightsOf } from './queue-rights.js';
import { QueueSelection } from './queue-selection.js';
import type { QueueSet } from './queue-set.js';
import type { QueueStore } from './queue-store.js';
import { SAMPLE_MS } from './rate-meter.js';
import { ReplayAtWork, replayView } from './replay-at-work.js';
import { countReplay } from './replay-count.js';
import type { ReplayCount, ReplayRequest, ReplayView } from './replay.shape.js';
import { windowOf } from './replay-window.js';
import { type ReplayDefinition, laneOf, selectionOf } from './replay.js';

export interface ReplaysParts {
  store: Pick<QueueStore, 'putReplay' | 'deleteReplay' | 'deleteState'>;
  directory: Pick<QueueDirectory, 'replays' | 'inSlot' | 'caughtUp'>;
  set: QueueSet;
  /** Apart from those that live queues catch up with: what a replay reads pushes out nothing of theirs. */
  pages: LogPages;
  offsets: QueueOffsets;
  ledger: Pick<Ledger, 'operation'>;
  /** The queue of a name that is at work here. @throws HeddleError `not-found`, `queue-elsewhere` */
  queue(tenant: string, name: string): DeliveryQueue;
  mask: Mask;
  namespaces: Namespaces;
  log: Log;
}

/** Where events stand, by their ids; nothing when that is not known of all of them. */
export type Locate = (eventIds: readonly string[]) => Promise<Position[] | undefined>;

/** Replays of one queue at a time, and ended ones that are remembered. */
const MAX_RUNNING = 4;
const MAX_ENDED = 20;
/** How often it is looked whether a replay is through. */
const CHECK_MS = 100;
/** How often the counts of one that runs are stored. */
const STORE_MS = 10_000;

/**
 * Replays: stored events delivered again to one queue, in a lane of its own beside the live one, whose position stays.
 * A replay is stored before it begins, is taken up by every new owner of its queue where the last one was, and ends
 * when all of it is settled.
 */
export class Replays {
  readonly #atWork = new Map<string, ReplayAtWork>();
  #timer: NodeJS.Timeout | undefined;
  #sampledAt = 0;

  constructor(private readonly parts: ReplaysParts) {}

  /** The set of queues, whose replays change and end with them. */
  get queueSet(): Pick<QueueSet, 'add' | 'redefine' | 'close' | 'lagOf' | 'purge'> {
    const { set } = this.parts;
    return {
      add: (definition, restored) => set.add(definition, restored),
      lagOf: (queue) => set.lagOf(queue),
      redefine: (queue, definition) => {
        set.redefine(queue, definition);
        for (const { lane, definition: replay } of this.#of(queue)) set.redefine(lane, laneOf(definition, replay));
      },
      close: (queue, why) => {
        for (const replay of this.#atWork.values()) if (replay.queue === queue) this.#leave(replay, why);
        set.close(queue, why);
      },
      purge: async (queue, below) => {
        for (const replay of this.#of(queue)) await this.#end(replay, 'stopped');
        await set.purge(queue, below);
      },
    };
  }

  /** Goes on with the replays of a slot that was taken over, after its queues. */
  resume({ slot, restored }: TakenSlot, atWork: (tenant: string, name: string) => DeliveryQueue | undefined): void {
    for (const replay of this.parts.directory.inSlot(slot).replays) {
      const queue = atWork(replay.tenant, replay.queue);
      if (queue?.definition.uuid !== replay.queueUuid) this.#forget(replay);
      else if (replay.state === 'running') this.#run(replay, queue, restored(replay.id));
      // It ended, and its owner died before it could take its state away.
      else if (hasState(restored(replay.id))) void this.#try('replay-state', () => this.#deleteState(replay));
    }
  }

  /**
   * Counts what a replay would deliver, or begins it: then it is stored when this resolves.
   *
   * @throws HeddleError `not-found`, `queue-elsewhere`, `data-invalid`, `attribute-invalid`, `filter-invalid`,
   *   `conflict` when too many run already, `log-unavailable`
   */
  async begin(caller: Caller, name: string, request: ReplayRequest, locate: Locate): Promise<ReplayView> {
    const { tenant } = caller;
    const queue = this.parts.queue(tenant, name);
    if (this.#of(queue).length >= MAX_RUNNING) {
      throw new HeddleError('conflict', `The queue ${name} has ${MAX_RUNNING} replays running: wait, or stop one.`);
    }
    const replay = await this.#define(caller, queue, request, locate);
    await this.#put(replay);
    const now = this.parts.queue(tenant, name);
    if (now.definition.uuid !== replay.queueUuid) {
      throw new HeddleError('conflict', `The queue ${name} was deleted meanwhile.`);
    }
    const { id, start, end, key, eventIds, filter, ratePerSecond } = replay;
    const detail = { id, start, end, key, eventIds, filter, ratePerSecond };
    this.parts.log.info({ event: 'replay-begun', tenant, queue: name, ...detail }, 'replay begun');
    // It may have been handed over and have come back meanwhile, with the replay.
    return (this.#atWork.get(id) ?? this.#run(replay, now, undefined)).view();
  }

  /** @throws HeddleError as {@link begin} */
  async count(caller: Caller, name: string, request: ReplayRequest, locate: Locate): Promise<ReplayCount> {
    const { tenant } = caller;
    const { pages, mask, namespaces } = this.parts;
    const queue = this.parts.queue(tenant, name);
    const replay = await this.#define(caller, queue, request, locate);
    const lane = laneOf(queue.definition, replay);
    const [selection, rights] = [new QueueSelection(lane, namespaces), new QueueRights(lane)];
    const compiled = compileFilter(lane.filter);
    return countReplay(replay, { pages, mask }, (event) => {
      const { type } = event.attributes;
      return selection.wants(event) && compiled.matches(rights.sees(type) ? event : mask.masked(event));
    });
  }

  /** The newest first. @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  list(caller: Caller, name: string): ReplayView[] {
    requireSight(caller, name);
    const { tenant } = caller;
    const { uuid } = this.parts.queue(tenant, name).definition;
    return this.parts.directory
      .replays(tenant, name)
      .filter(({ queueUuid }) => queueUuid === uuid)
      .map((replay) => this.#view(replay));
  }

  /** @throws HeddleError `permission-missing`, `not-found`, `queue-elsewhere` */
  get(caller: Caller, name: string, id: string): ReplayView {
    const view = this.list(caller, name).find((known) => known.id === id);
    if (view === undefined) throw new HeddleError('not-found', `The queue ${name} has no replay ${id.slice(0, 64)}.`);
    return view;
  }

  /**
   * Leases nothing more of a replay; what is leased ends, the rest is forgotten. One that has ended stays as it is.
   *
   * @throws HeddleError `not-found`, `queue-elsewhere`, `log-unavailable`
   */
  async stop(caller: Caller, name: string, id: string): Promise<ReplayView> {
    const view = this.get(caller, name, id);
    const replay = this.#atWork.get(id);
    if (replay === undefined || view.state !== 'running') return view;
    await this.#end(replay, 'stopped');
    return this.get(caller, name, id);
  }

  /** Stores what was counted; the lanes are handed over with their queues. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const replay of this.#atWork.values()) {
      if (replay.definition.state === 'running') await this.#try('replay-counts', () => this.#store(replay));
    }
  }

  async #define(
    caller: Caller,
    queue: DeliveryQueue,
    request: ReplayRequest,
    locate: Locate,
  ): Promise<ReplayDefinition> {
    const { from, to, eventIds, filter, ratePerSecond } = request;
    if (from === undefined && eventIds === undefined) {
      throw new HeddleError('data-invalid', 'from is needed, but for a replay of eventIds.', { field: 'from' });
    }
    const { tenant, name, uuid, topics, filter: own } = queue.definition;
    compileFilter([...own, ...filter]);
    const key = request.key === undefined ? undefined : canonicalKey(request.key);
    const places = eventIds === undefined ? undefined : await locate(eventIds);
    const about = { ...(key === undefined ? {} : { key }), ...(places === undefined ? {} : { places }) };
    const objects = topics?.map(objectOf);
    const window = await windowOf({ from, to }, { tenant, objects, ...about }, this.parts.offsets);
    return {
      format: 1,
      tenant,
      queue: name,
      id: uuidv7(),
      queueUuid: uuid,
      ...window,
      filter,
      rights: rightsOf(caller),
      ...(key === undefined ? {} : { key }),
      ...(eventIds === undefined ? {} : { eventIds }),
      ratePerSecond,
      state: 'running',
      requestedAt: new Date().toISOString(),
      report: { taken: 0, accepted: 0, dead: 0, dropped: 0 },
    };
  }

  #run(definition: ReplayDefinition, queue: DeliveryQueue, restored: Restored | undefined): ReplayAtWork {
    const { id, ratePerSecond, requestedAt, report } = definition;
    const lane = this.parts.set.add(laneOf(queue.definition, definition), restored, {
      lane: { ...selectionOf(definition, this.parts.mask), cycle: id, since: Date.parse(requestedAt) },
      locks: queue.locks,
      pages: this.parts.pages,
    });
    const replay = new ReplayAtWork(definition, queue, lane, queue.beside.add(lane, ratePerSecond), report);
    this.#atWork.set(id, replay);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
    return replay;
  }

  #check(): void {
    const now = Date.now();
    const isSample = now >= this.#sampledAt + SAMPLE_MS;
    if (isSample) this.#sampledAt = now;
    for (const replay of this.#atWork.values()) {
      if (isSample) replay.noteRate(now);
      const { lane, definition } = replay;
      if (definition.state === 'stopped') {
        if (lane.statistics.leased === 0) this.#lastReport(replay);
      } else if (lane.isClosed) {
        this.#atWork.delete(definition.id);
      } else if (lane.isDrained) {
        void this.#try('replay-end', () => this.#end(replay, 'done'));
      } else if (now >= replay.storedAt + STORE_MS) {
        replay.storedAt = now;
        void this.#try('replay-counts', () => this.#store(replay));
      }
    }
    if (this.#atWork.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #end(replay: ReplayAtWork, state: 'done' | 'stopped'): Promise<void> {
    replay.ending ??= this.#endOnce(replay, state).finally(() => (replay.ending = undefined));
    return replay.ending;
  }

  /** Stored first: whatever dies here, it is at work or it has ended. */
  async #endOnce(replay: ReplayAtWork, state: 'done' | 'stopped'): Promise<void> {
    if (replay.definition.state !== 'running') return;
    if (state === 'done') await replay.lane.settled();
    const ended: ReplayDefinition = { ...replay.current, state, endedAt: new Date().toISOString() };
    await this.#put(ended);
    replay.definition = ended;
    replay.detach();
    this.parts.set.close(replay.lane, 'deleted');
    if (state === 'done') this.#atWork.delete(ended.id);
    const { tenant, id, queue, report } = ended;
    this.parts.ledger.operation({ kind: `replay.${state}`, tenant, name: queue, detail: { id, report } });
    this.parts.log.info({ event: `replay-${state}`, tenant, queue, id, report }, `replay ${state}`);
    await this.#deleteState(ended);
    const known = this.parts.directory.replays(tenant, queue).filter((other) => other.state !== 'running');
    for (const old of known.slice(MAX_ENDED)) await this.parts.store.deleteReplay(old);
  }

  /** What was leased when it was stopped has ended now: the report is complete. */
  #lastReport(replay: ReplayAtWork): void {
    this.#atWork.delete(replay.definition.id);
    if (replay.report.accepted === replay.definition.report.accepted) return;
    void this.#try('replay-counts', () => this.#put(replay.current));
  }

  /** The queue is another owner's now, or deleted, and with it its replays. */
  #leave(replay: ReplayAtWork, why: 'handed over' | 'deleted'): void {
    this.#atWork.delete(replay.definition.id);
    replay.detach();
    this.parts.set.close(replay.lane, why);
  }

  async #store(replay: ReplayAtWork): Promise<void> {
    if (replay.ending !== undefined || replay.lane.isClosed) return;
    await this.#put(replay.current);
  }

  /** A replay of a queue that is gone. */
  #forget(replay: ReplayDefinition): void {
    void this.#try('replay-forget', async () => {
      await this.parts.store.deleteReplay(replay);
      await this.#deleteState(replay);
    });
  }

  async #put(replay: ReplayDefinition): Promise<void> {
    await this.parts.store.putReplay(replay);
    await this.parts.directory.caughtUp(slotOf(replay.tenant, replay.queue));
  }

  #deleteState({ tenant, queue: name, id: uuid }: ReplayDefinition): Promise<void> {
    return this.parts.store.deleteState({ tenant, name, uuid });
  }

  #of(queue: DeliveryQueue): ReplayAtWork[] {
    return [...this.#atWork.values()].filter(
      (replay) => replay.queue === queue && replay.definition.state === 'running',
    );
  }

  #view(replay: ReplayDefinition): ReplayView {
    const atWork = this.#atWork.get(replay.id);
    if (atWork === undefined) return replayView(replay);
    return atWork.definition.state === 'running' ? atWork.view() : replayView(atWork.current);
  }

  async #try(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.parts.log.warn({ event: `${what}-failed`, err: error }, 'could not be stored, trying again');
    }
  }
}

function hasState(restored: Restored | undefined): boolean {
  return restored !== undefined && restored.progress.length + restored.parked.length > 0;
}
