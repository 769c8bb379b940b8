import { BatchWork } from './batch-work.js';
import { verdictOf } from './failure-verdict.js';
import { Handling, OpenHandlings } from './handling.js';
import { type HandlingGround, SINGLE, UNHANDLED } from './handling-ground.js';
import { KeyLane } from './key-lane.js';
import { waitFor } from './retry-schedule.js';
import type { StoredEvent } from './stored-event.js';

/** Events of one partition in memory before it waits: what a key that is tried again may pile up. */
const MAX_OPEN = 2000;

/**
 * The events of one partition that a consumer handles: those of a key one after another, those of different keys side
 * by side. Knows the lowest offset that is not done, which is as far as the group's position may go.
 *
 * It is the hot path of every consumer: a handler that returns at once costs no promise, one that returns a promise
 * costs one reaction.
 */
export class KeyWork {
  readonly #lanes = new Map<string, KeyLane>();
  readonly #open = new OpenHandlings();
  readonly #batches: readonly BatchWork[];
  #nextOffset: number;
  #room: (() => void) | undefined;
  /** Attempts and dead letters under way. */
  #running = 0;
  #isOver = false;
  #isRevoked = false;
  #idle: (() => void)[] = [];

  constructor(
    private readonly ground: HandlingGround,
    readonly topic: string,
    readonly partition: number,
    /** Everything below this offset is done already. */
    from: number,
  ) {
    this.#nextOffset = from;
    this.#batches = ground.batches.map((batch, index) => new BatchWork(ground, this, batch, index));
  }

  /** Every event below this offset is done. */
  get doneTo(): number {
    const lowest = this.#open.lowest;
    return lowest === undefined ? this.#nextOffset : Math.min(lowest, this.#nextOffset);
  }

  /** The offset after what it was given. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Whether nothing more begins here. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes events over; there is room for more when the promise resolves, or at once. */
  add(events: readonly StoredEvent[], nextOffset: number): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    this.#nextOffset = nextOffset;
    for (const event of events) {
      const handler = this.ground.handlerOf(event);
      if (handler !== UNHANDLED) this.#addOne(new Handling(event, handler, this.ground));
    }
    for (const batch of this.#batches) batch.look();
    if (this.#open.size < MAX_OPEN) return undefined;
    return new Promise((resolve) => (this.#room = resolve));
  }

  /** Begins nothing more; resolves when nothing is being handled. */
  async drain(): Promise<void> {
    this.#isOver = true;
    this.#room?.();
    for (const lane of this.#lanes.values()) if (lane.stopWaiting()) this.ground.retrying -= 1;
    for (const batch of this.#batches) batch.stopWaiting();
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** As `drain`, and tells what is being handled that it does not count any more. */
  revoke(): Promise<void> {
    const drained = this.drain();
    this.#isRevoked = true;
    for (const handling of this.#open) handling.abort('AbortError');
    for (const batch of this.#batches) batch.running?.abort('AbortError');
    return drained;
  }

  /** Notices what takes too long. */
  watch(now: number): void {
    for (const handling of this.#open) {
      if (!handling.becomesOverdue(now)) continue;
      this.ground.onOverdue(handling.event);
      handling.abort('TimeoutError');
    }
    for (const { running } of this.#batches) {
      const [first] = running?.handlings ?? [];
      if (running === undefined || first === undefined || !running.becomesOverdue(now)) continue;
      this.ground.onOverdue(first.event);
      running.abort('TimeoutError');
    }
  }

  /** Something begins that stopping must wait for. */
  onBegun(): void {
    this.#running += 1;
  }

  onEnded(): void {
    this.#running -= 1;
    if (this.#running > 0 || this.#idle.length === 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** The first event of the lane is done with, one way or the other. */
  onDone(lane: KeyLane): void {
    this.#open.remove(lane.shift());
    if (this.#room !== undefined && this.#open.size <= MAX_OPEN / 2) {
      this.#room();
      this.#room = undefined;
    }
  }

  /** Goes on with a lane that has no slot and nothing under way. */
  advance(lane: KeyLane): void {
    const handling = lane.first;
    if (handling === undefined) this.#lanes.delete(lane.key);
    else if (this.#isOver) return;
    else if (handling.failure !== undefined) void this.#bury(lane, handling);
    else if (handling.batch !== SINGLE) this.#batches[handling.batch]?.add(lane);
    else if (this.ground.slots.take(lane)) this.run(lane);
  }

  /** Handles event after event of a lane that has a slot, as long as they are done at once. */
  run(lane: KeyLane): void {
    const { ground } = this;
    for (;;) {
      const handling = lane.first;
      if (this.#isOver || handling === undefined || handling.batch !== SINGLE) {
        ground.slots.give();
        this.advance(lane);
        return;
      }
      handling.begin();
      let promise: Promise<void> | void;
      try {
        promise = ground.handle(handling.event, handling);
      } catch (error) {
        this.#failed(lane, handling, error);
        return;
      }
      if (isPromise(promise)) {
        this.#running += 1;
        lane.settleWith(promise);
        return;
      }
      this.#succeeded(lane, handling);
      if (ground.slots.isWanted) {
        // Others have waited longer.
        ground.slots.give();
        this.advance(lane);
        return;
      }
    }
  }

  onResolved(lane: KeyLane): void {
    this.#succeeded(lane, lane.first as Handling);
    if (lane.first !== undefined && !this.#isOver && !this.ground.slots.isWanted) {
      this.run(lane);
    } else {
      this.ground.slots.give();
      this.advance(lane);
    }
    this.onEnded();
  }

  onRejected(lane: KeyLane, error: unknown): void {
    this.#failed(lane, lane.first as Handling, error);
    this.onEnded();
  }

  /** Handles the first event of a lane again after a while, and with it the lane. */
  again(lane: KeyLane, delayMs: number): void {
    if (this.#isOver) return;
    this.ground.retrying += 1;
    lane.wait(delayMs, () => {
      this.ground.retrying -= 1;
      this.advance(lane);
    });
  }

  #addOne(handling: Handling): void {
    this.#open.add(handling);
    const { key } = handling.event;
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      known.push(handling);
      return;
    }
    const lane = new KeyLane(key, this);
    this.#lanes.set(key, lane);
    lane.push(handling);
    this.advance(lane);
  }

  #succeeded(lane: KeyLane, handling: Handling): void {
    handling.end();
    this.ground.onHandled(1);
    this.onDone(lane);
  }

  #failed(lane: KeyLane, handling: Handling, error: unknown): void {
    const { ground } = this;
    handling.end();
    ground.slots.give();
    // It failed because it was told to stop, or so late that another member has it: that says nothing about the event.
    if (this.#isRevoked) return;
    const verdict = verdictOf(error, handling, ground.retry, ground.firstWaitMs);
    if ('delayMs' in verdict) {
      ground.onFailure(handling.event, error, handling.attempt, verdict.is);
      if (verdict.is === 'wait') handling.waits += 1;
      else handling.attempt += 1;
      this.again(lane, verdict.delayMs);
      return;
    }
    ground.onFailure(handling.event, error, handling.attempt, 'give-up');
    handling.failure = { error };
    void this.#bury(lane, handling);
  }

  /** The event is given up: with its dead letter written it is done, and until then it waits. */
  async #bury(lane: KeyLane, handling: Handling): Promise<void> {
    const { ground } = this;
    this.onBegun();
    const { event, attempt: attempts, failure } = handling;
    if (await ground.deadLetter({ event, error: failure?.error, attempts })) {
      this.onDone(lane);
      this.advance(lane);
    } else {
      this.again(lane, waitFor(handling.waits, ground.firstWaitMs));
      handling.waits += 1;
    }
    this.onEnded();
  }
}

/** Anything that can be waited for: handlers of other makers return what they like. */
function isPromise(result: unknown): result is Promise<void> {
  return typeof result === 'object' && result !== null && typeof (result as Promise<void>).then === 'function';
}
