import { type Caller, permissionMissing, requirePermission } from '@heddle/auth';
import { setTimeout as delay } from 'node:timers/promises';
import { type Append, CONTROL_TOPICS, type EventLog, HeddleError, JSON_CONTENT_TYPE, uuidv7 } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import { maySee } from '../queues/queue-rights.js';
import type { DeadLetterList, DeadLetterRef } from './dead-letter-list.js';
import type { Ledger } from './ledger.js';
import type { RedriveRequest, RedriveView } from './ledger.shape.js';
import type { OperationList } from './operation-list.js';

/**
 * Puts the events of letters back into their queue, as the delivery cycle of this name. Resolves when that is durable.
 *
 * @throws HeddleError when none of them was put back for sure; a retryable one is tried again
 */
export type Place = (
  queue: { tenant: string; name: string; uuid: string },
  letters: readonly DeadLetterRef[],
  cycle: string,
) => Promise<void>;

export interface RedriveParts {
  letters: DeadLetterList;
  operations: OperationList;
  ledger: Ledger;
  eventLog: EventLog;
  place: Place;
  log: Log;
}

const MAX_BATCH = 100;
const TRIES = 5;
const RETRY_MS = 1000;
const MAX_FAILURES = 20;
/** How often a redrive says that it goes on; one that has not for three times as long has died with its process. */
const REPORT_MS = 10_000;
/** Ended redrives of this process that are remembered; the log has all. */
const MAX_ENDED = 100;

/** A redrive at work. */
interface Redrive {
  readonly tenant: string;
  readonly view: RedriveView;
  readonly stopping: AbortController;
  reportedAt: number;
  done: Promise<void>;
}

/**
 * Redrives: letters go back into their queues at a chosen rate. A letter is marked as redriven only after its event is
 * safely back: a crash between leads to a repeat, never to a loss.
 */
export class Redrives {
  readonly #redrives = new Map<string, Redrive>();
  /** Letters that a redrive of this process is about: no other takes them. */
  readonly #taken = new Set<string>();

  constructor(private readonly parts: RedriveParts) {}

  /**
   * Counts what would be redriven, or begins to: of what a filter finds, the letters of those queues that the caller may
   * replay.
   *
   * @throws HeddleError `data-invalid` without ids or a filter; `index-behind` while the letters are not all known;
   *   `permission-missing` for a queue it may not replay, where that was named, or a letter of it
   */
  async begin(caller: Caller, request: RedriveRequest): Promise<RedriveView> {
    const { tenant } = caller;
    const { ids, filter, ratePerSecond, dryRun } = request;
    if ((ids === undefined) === (filter === undefined)) {
      throw new HeddleError('data-invalid', 'A redrive needs either ids or a filter.', { field: 'ids' });
    }
    const selected = (await this.#select(caller, request)).filter(({ id }) => !this.#taken.has(id));
    const view: RedriveView = {
      id: uuidv7(),
      state: dryRun ? 'counted' : 'running',
      selected: selected.length,
      queues: countOf(selected),
      placed: 0,
      failed: 0,
      failures: [],
      ratePerSecond,
      startedAt: new Date().toISOString(),
    };
    if (dryRun) return view;
    for (const { id } of selected) this.#taken.add(id);
    const redrive: Redrive = {
      tenant,
      view,
      stopping: new AbortController(),
      reportedAt: 0,
      done: Promise.resolve(),
    };
    this.#forgetEnded();
    this.#redrives.set(view.id, redrive);
    this.#report(redrive, 'started');
    redrive.done = this.#run(redrive, selected);
    return view;
  }

  /** The newest first, those of other processes and earlier ones included, of queues that the caller may know of. */
  async list(caller: Caller): Promise<RedriveView[]> {
    const { tenant } = caller;
    const reported = await this.parts.operations.ofRedrives(tenant, 500);
    const views = new Map<string, RedriveView>();
    for (const redrive of this.#redrives.values()) {
      if (redrive.tenant === tenant) views.set(redrive.view.id, redrive.view);
    }
    for (const { name, at, detail } of reported) {
      if (!views.has(name)) views.set(name, ended(detail as unknown as RedriveView, at));
    }
    return [...views.values()].filter((view) => maySeeRedrive(caller, view)).toSorted((a, b) => (a.id < b.id ? 1 : -1));
  }

  /** @throws HeddleError `not-found` */
  async get(caller: Caller, id: string): Promise<RedriveView> {
    const here = this.#redrives.get(id);
    if (here?.tenant === caller.tenant && maySeeRedrive(caller, here.view)) return here.view;
    const view = (await this.list(caller)).find((known) => known.id === id);
    if (view === undefined) throw new HeddleError('not-found', `There is no redrive ${id.slice(0, 64)}.`);
    return view;
  }

  /**
   * Puts nothing more back; what was put back stays so. Resolves with the report.
   *
   * @throws HeddleError `not-found`; `permission-missing` for a queue of it that the caller may not replay; `conflict`
   *   for one that runs in another process
   */
  async stop(caller: Caller, id: string): Promise<RedriveView> {
    const view = await this.get(caller, id);
    for (const queue of Object.keys(view.queues)) requirePermission(caller, 'replay', 'queue', queue);
    const here = this.#redrives.get(id);
    if (here === undefined) {
      if (view.state !== 'running') return view;
      throw new HeddleError('conflict', `The redrive ${id} runs in another instance; it can be stopped there.`);
    }
    here.stopping.abort();
    await here.done;
    return here.view;
  }

  /** Ends all of them; called before the ledger stops. */
  async close(): Promise<void> {
    for (const { stopping } of this.#redrives.values()) stopping.abort();
    await Promise.all([...this.#redrives.values()].map(({ done }) => done));
  }

  async #select(caller: Caller, { ids, filter }: RedriveRequest): Promise<DeadLetterRef[]> {
    const { tenant, permissions } = caller;
    const { letters } = this.parts;
    if (filter?.queue !== undefined) requirePermission(caller, 'replay', 'queue', filter.queue);
    const found = ids === undefined ? await letters.select(tenant, filter ?? {}) : await letters.selectIds(tenant, ids);
    const allowed = found.filter(({ queue }) => permissions.allows('replay', 'queue', queue?.name ?? ''));
    if (ids === undefined || allowed.length === found.length) return allowed;
    const refused = found.find((letter) => !allowed.includes(letter));
    throw permissionMissing(caller, `replay:queue:${refused?.queue?.name ?? '*'}`);
  }

  async #run(redrive: Redrive, letters: readonly DeadLetterRef[]): Promise<void> {
    const { view, stopping } = redrive;
    const begun = performance.now();
    const batch = Math.max(1, Math.min(MAX_BATCH, Math.floor(view.ratePerSecond / 10)));
    try {
      for (let at = 0; at < letters.length; at += batch) {
        const due = begun + (at / view.ratePerSecond) * 1000;
        await delay(Math.max(0, due - performance.now()), undefined, { signal: stopping.signal });
        await this.#putBack(redrive, letters.slice(at, at + batch));
        if (Date.now() > redrive.reportedAt + REPORT_MS) this.#report(redrive, 'progressed');
      }
      view.state = 'done';
    } catch (error) {
      view.state = stopping.signal.aborted ? 'stopped' : 'failed';
      if (view.state === 'failed') this.parts.log.error({ event: 'redrive-failed', err: error }, 'a redrive failed');
    } finally {
      for (const { id } of letters) this.#taken.delete(id);
      view.endedAt = new Date().toISOString();
      this.#report(redrive, view.state);
    }
  }

  /** Those of one queue together, in the order in which they were given up. */
  async #putBack(redrive: Redrive, letters: readonly DeadLetterRef[]): Promise<void> {
    const queues = Map.groupBy(letters, ({ tenant, queue }) => `${tenant}/${queue?.uuid ?? ''}`);
    for (const own of queues.values()) {
      const { queue, tenant } = own[0]!;
      if (queue === undefined) {
        this.#fail(redrive, own, 'the consumer of a service gave it up: there is no queue to put it back into');
        continue;
      }
      try {
        await this.#tryAgain(redrive, () => this.parts.place({ tenant, ...queue }, own, redrive.view.id));
      } catch (error) {
        if (redrive.stopping.signal.aborted) throw error;
        this.#fail(redrive, own, error instanceof Error ? error.message : String(error));
        continue;
      }
      redrive.view.placed += own.length;
      await this.#mark(redrive, own);
    }
  }

  /** They are back: from now on they are no open letters any more. */
  async #mark(redrive: Redrive, letters: readonly DeadLetterRef[]): Promise<void> {
    const marks = letters.map((letter) => markOf(letter, redrive.view.id));
    try {
      await this.#tryAgain(redrive, async () => {
        const outcomes = await this.parts.eventLog.append(marks);
        for (const outcome of outcomes) if ('error' in outcome) throw outcome.error;
      });
    } catch (error) {
      this.parts.log.error(
        { event: 'redrive-unmarked', redrive: redrive.view.id, letters: letters.map(({ id }) => id), err: error },
        'letters were put back but stay open, for that could not be stored',
      );
    }
  }

  async #tryAgain(redrive: Redrive, act: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof HeddleError) || !error.retryable || tries >= TRIES) throw error;
        await delay(RETRY_MS, undefined, { signal: redrive.stopping.signal });
      }
    }
  }

  #fail({ view }: Redrive, letters: readonly DeadLetterRef[], reason: string): void {
    view.failed += letters.length;
    for (const { id } of letters) if (view.failures.length < MAX_FAILURES) view.failures.push({ id, reason });
  }

  #report(redrive: Redrive, what: string): void {
    redrive.reportedAt = Date.now();
    const { tenant, view } = redrive;
    this.parts.ledger.operation({ kind: `redrive.${what}`, tenant, name: view.id, detail: { ...view } });
  }

  #forgetEnded(): void {
    for (const [id, { view }] of this.#redrives) {
      if (this.#redrives.size < MAX_ENDED) return;
      if (view.state !== 'running') this.#redrives.delete(id);
    }
  }
}

function maySeeRedrive(caller: Caller, { queues }: RedriveView): boolean {
  return Object.keys(queues).every((queue) => maySee(caller, queue));
}

function countOf(letters: readonly DeadLetterRef[]): Record<string, number> {
  const queues: Record<string, number> = {};
  for (const { queue } of letters) queues[queue?.name ?? ''] = (queues[queue?.name ?? ''] ?? 0) + 1;
  return queues;
}

/** What was last heard of a redrive of another process. */
function ended(view: RedriveView, heardAt: number): RedriveView {
  return view.state === 'running' && Date.now() > heardAt + 3 * REPORT_MS ? { ...view, state: 'interrupted' } : view;
}

function markOf(letter: DeadLetterRef, redrive: string): Append {
  const type = 'heddle.dead-letter.v1.DeadLetter.Redriven.v1';
  const attributes = { id: uuidv7(), source: '/heddle/gateway', type, datacontenttype: JSON_CONTENT_TYPE };
  return {
    topic: CONTROL_TOPICS.deadLetters,
    // The key of the letter: the mark stands behind it, in the same partition.
    key: letter.event.key,
    event: { attributes, value: Buffer.from(JSON.stringify({ letter: letter.id, redrive })) },
    notes: { 'heddle-redriven': redrive, 'heddle-letter': letter.id },
  };
}
