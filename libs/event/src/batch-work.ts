import type { BatchHandling } from './consume.js';
import { verdictOf } from './failure-verdict.js';
import { BatchAttempt, type Handling } from './handling.js';
import type { HandlingGround } from './handling-ground.js';
import type { KeyLane } from './key-lane.js';
import { waitFor } from './retry-schedule.js';
import type { Turn } from './slots.js';

/** The work of a partition, as its batches need it. */
export interface BatchOwner {
  readonly topic: string;
  readonly partition: number;
  readonly isOver: boolean;
  onBegun(): void;
  onEnded(): void;
  onDone(lane: KeyLane): void;
  advance(lane: KeyLane): void;
}

/** An event of a batch, and the lane whose first it then is. */
interface Part {
  lane: KeyLane;
  handling: Handling;
}

/** Events that are handled together; their lanes do nothing else until they are done. */
interface Batch {
  parts: Part[];
  /** How many of its events are left of each lane. */
  left: Map<KeyLane, number>;
  isOneByOne: boolean;
}

/**
 * Brings the events of one partition to a handler of batches, one batch after another. A batch that failed waits beside
 * the others with the keys it has: events of other keys go on in further batches.
 */
export class BatchWork implements Turn {
  /** The attempt under way. */
  running: BatchAttempt | undefined;
  /** Lanes whose first event is for this handler, and not in a batch yet. */
  readonly #ready = new Set<KeyLane>();
  /** Batches whose time has come to be handled again. */
  readonly #due: Batch[] = [];
  readonly #waiting = new Map<Batch, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #isLookDue = false;

  constructor(
    private readonly ground: HandlingGround,
    private readonly owner: BatchOwner,
    private readonly batch: Required<BatchHandling>,
    private readonly index: number,
  ) {}

  add(lane: KeyLane): void {
    this.#ready.add(lane);
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    // Once for all that are added in this turn.
    queueMicrotask(() => {
      this.#isLookDue = false;
      this.look();
    });
  }

  /** Begins a batch when there is a full one, or one that is due again; or else after a while. */
  look(): void {
    if (this.#isBusy || this.owner.isOver) return;
    const ready = this.#countReady();
    if (this.#due.length > 0 || ready >= this.batch.max) this.#ask();
    else if (ready > 0) this.#timer ??= setTimeout(() => this.#ask(), this.batch.waitMs);
  }

  begin(): void {
    const batch = this.owner.isOver ? undefined : (this.#due.shift() ?? this.#form());
    if (batch === undefined) {
      this.#isBusy = false;
      this.ground.slots.give();
    } else {
      void this.#handle(batch);
    }
  }

  stopWaiting(): void {
    clearTimeout(this.#timer);
    for (const [batch, timer] of this.#waiting) {
      clearTimeout(timer);
      this.ground.retrying -= batch.parts.length;
    }
    this.#waiting.clear();
  }

  #ask(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isBusy = true;
    if (this.ground.slots.take(this)) this.begin();
  }

  /** No further than a full batch. */
  #countReady(): number {
    let count = 0;
    for (const lane of this.#ready) {
      for (let at = lane.first; at?.batch === this.index; at = at.next) count += 1;
      if (count >= this.batch.max) break;
    }
    return count;
  }

  #form(): Batch | undefined {
    const ready: Part[] = [];
    for (const lane of this.#ready) {
      for (let at = lane.first; at?.batch === this.index; at = at.next) ready.push({ lane, handling: at });
    }
    if (ready.length === 0) return undefined;
    ready.sort((one, other) => one.handling.event.offset - other.handling.event.offset);
    const parts = ready.slice(0, this.batch.max);
    const left = new Map<KeyLane, number>();
    for (const { lane } of parts) {
      left.set(lane, (left.get(lane) ?? 0) + 1);
      this.#ready.delete(lane);
    }
    return { parts, left, isOneByOne: false };
  }

  async #handle(batch: Batch): Promise<void> {
    this.owner.onBegun();
    const delayMs = batch.isOneByOne ? await this.#handleEach(batch) : await this.#handleAll(batch);
    if (delayMs !== undefined && !this.owner.isOver) this.#waitWith(batch, delayMs);
    this.#isBusy = false;
    this.ground.slots.give();
    this.owner.onEnded();
    this.look();
  }

  /** Milliseconds until what is left of it is to be handled again, if anything is. */
  async #handleAll(batch: Batch): Promise<number | undefined> {
    const { ground } = this;
    const handlings = batch.parts.map(({ handling }) => handling);
    const failure = await this.#attempt(handlings);
    if (failure === undefined) {
      ground.onHandled(handlings.length);
      for (const part of batch.parts) this.#finish(batch, part);
      return undefined;
    }
    if (this.owner.isOver) return undefined;
    const [first] = handlings as [Handling];
    const { error } = failure;
    const verdict = verdictOf(error, first, ground.retry, ground.firstWaitMs);
    if (!('delayMs' in verdict)) {
      // One of them cannot be handled: which, only each alone can tell.
      batch.isOneByOne = true;
      return this.#handleEach(batch);
    }
    ground.onFailure(first.event, error, first.attempt, verdict.is);
    for (const handling of handlings) {
      if (verdict.is === 'wait') handling.waits += 1;
      else handling.attempt += 1;
    }
    batch.isOneByOne = first.attempt >= ground.retry.attempts;
    return verdict.delayMs;
  }

  async #handleEach(batch: Batch): Promise<number | undefined> {
    for (let part = batch.parts[0]; part !== undefined && !this.owner.isOver; part = batch.parts[0]) {
      const delayMs = await this.#handleOne(part.handling);
      if (delayMs !== undefined) return delayMs;
      batch.parts.shift();
      this.#finish(batch, part);
    }
    return undefined;
  }

  /** Nothing once it is done with, one way or the other. */
  async #handleOne(handling: Handling): Promise<number | undefined> {
    const { ground } = this;
    const { event } = handling;
    if (handling.failure === undefined) {
      const failure = await this.#attempt([handling]);
      if (failure === undefined) {
        ground.onHandled(1);
        return undefined;
      }
      if (this.owner.isOver) return 0;
      const { error } = failure;
      const { attempt } = handling;
      const verdict = verdictOf(error, handling, ground.retry, ground.firstWaitMs);
      if ('delayMs' in verdict) {
        if (verdict.is === 'wait') handling.waits += 1;
        else handling.attempt += 1;
        ground.onFailure(event, error, attempt, verdict.is);
        return verdict.delayMs;
      }
      ground.onFailure(event, error, attempt, 'give-up');
      handling.failure = failure;
    }
    const { failure, attempt: attempts } = handling;
    if (await ground.deadLetter({ event, error: failure.error, attempts })) return undefined;
    handling.waits += 1;
    return waitFor(handling.waits, ground.firstWaitMs);
  }

  async #attempt(handlings: Handling[]): Promise<{ error: unknown } | undefined> {
    const { topic, partition } = this.owner;
    const attempt = new BatchAttempt(topic, partition, handlings, this.ground);
    attempt.attempt = handlings[0]?.attempt ?? 1;
    attempt.begin();
    this.running = attempt;
    try {
      await this.batch.handle(
        handlings.map(({ event }) => event),
        attempt,
      );
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      this.running = undefined;
      attempt.end();
    }
  }

  #finish(batch: Batch, { lane }: Part): void {
    this.owner.onDone(lane);
    const left = (batch.left.get(lane) ?? 0) - 1;
    batch.left.set(lane, left);
    if (left === 0) this.owner.advance(lane);
  }

  #waitWith(batch: Batch, delayMs: number): void {
    this.ground.retrying += batch.parts.length;
    const timer = setTimeout(() => {
      this.#waiting.delete(batch);
      this.ground.retrying -= batch.parts.length;
      this.#due.push(batch);
      this.look();
    }, delayMs);
    this.#waiting.set(batch, timer);
  }
}
