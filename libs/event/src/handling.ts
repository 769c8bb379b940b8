import type { BatchContext, HandlingContext } from './consume.js';
import type { Position, StoredEvent } from './stored-event.js';

/** What all attempts of one consumer share. */
export interface AttemptGround {
  readonly group: string;
  readonly handlingMs: number;
  /** Milliseconds since the epoch, as of a moment ago: reading the clock for every event would cost too much. */
  readonly now: number;
  /** How old that may be. */
  readonly tickMs: number;
  onAttemptBegun(events: number): void;
  onAttemptEnded(events: number, wasOverdue: boolean): void;
}

/** Why signals are aborted. */
const REVOKED = 'The partition is no longer this member’s, or the consumer is stopping.';
const OVERDUE = 'The time for handling is over.';

/**
 * What is handled, and the attempt at it under way. It is the context that the handler gets, too; the signal is made
 * when a handler asks for it, for most never do.
 */
abstract class Attempt {
  attempt = 1;
  /** How often something that was down has been waited for. */
  waits = 0;
  isOverdue = false;
  /** Zero between attempts. */
  protected dueAt = 0;
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;

  constructor(protected readonly ground: AttemptGround) {}

  /** Events that it is about. */
  protected abstract get size(): number;

  get group(): string {
    return this.ground.group;
  }

  get isRunning(): boolean {
    return this.dueAt > 0;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  renew(ms = this.ground.handlingMs): void {
    // After the end there is nothing to renew.
    if (this.isRunning) this.dueAt = Date.now() + ms;
  }

  begin(): void {
    const { ground } = this;
    this.dueAt = ground.now + ground.tickMs + ground.handlingMs;
    this.#controller = undefined;
    this.#reason = undefined;
    ground.onAttemptBegun(this.size);
  }

  end(): void {
    this.dueAt = 0;
    this.ground.onAttemptEnded(this.size, this.isOverdue);
    this.isOverdue = false;
  }

  /** Whether its time has run out since it was last asked. */
  becomesOverdue(now: number): boolean {
    if (!this.isRunning || this.isOverdue || now <= this.dueAt) return false;
    this.isOverdue = true;
    return true;
  }

  abort(name: 'AbortError' | 'TimeoutError'): void {
    if (!this.isRunning || this.#reason !== undefined) return;
    this.#reason = new DOMException(name === 'AbortError' ? REVOKED : OVERDUE, name);
    this.#controller?.abort(this.#reason);
  }
}

/** One event on its way through its handler. */
export class Handling extends Attempt implements HandlingContext {
  /** Behind it under the same key. */
  next: Handling | undefined;
  /** Its neighbours among all that is open, by offset. */
  before: Handling | undefined;
  after: Handling | undefined;
  /** Set once it is given up: what remains to be done is the dead letter. */
  failure: { error: unknown } | undefined;

  constructor(
    readonly event: StoredEvent,
    /** Which batch handler it is for; -1 for none. */
    readonly batch: number,
    ground: AttemptGround,
  ) {
    super(ground);
  }

  protected override get size(): number {
    return 1;
  }

  get key(): string {
    return this.event.key;
  }

  get position(): Position {
    const { topic, partition, offset } = this.event;
    return { topic, partition, offset };
  }

  get traceparent(): string | undefined {
    return this.event.attributes['traceparent'];
  }

  get tracestate(): string | undefined {
    return this.event.attributes['tracestate'];
  }

  get correlationId(): string | undefined {
    return this.event.attributes['correlationid'];
  }

  get causationId(): string | undefined {
    return this.event.attributes['causationid'];
  }
}

/** Events of a partition on their way through the handler of batches. */
export class BatchAttempt extends Attempt implements BatchContext {
  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly handlings: Handling[],
    ground: AttemptGround,
  ) {
    super(ground);
  }

  protected override get size(): number {
    return this.handlings.length;
  }
}

/** What is not done yet of one partition, in the order of the log: its first is as far as a group may commit. */
export class OpenHandlings {
  #first: Handling | undefined;
  #last: Handling | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get lowest(): number | undefined {
    return this.#first?.event.offset;
  }

  /** What waited for its schema comes late: its place is then further in front. */
  add(handling: Handling): void {
    this.#size += 1;
    let before = this.#last;
    while (before !== undefined && before.event.offset > handling.event.offset) before = before.before;
    const after = before === undefined ? this.#first : before.after;
    handling.before = before;
    handling.after = after;
    if (before === undefined) this.#first = handling;
    else before.after = handling;
    if (after === undefined) this.#last = handling;
    else after.before = handling;
  }

  remove(handling: Handling): void {
    const { before, after } = handling;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    handling.before = undefined;
    handling.after = undefined;
    this.#size -= 1;
  }

  *[Symbol.iterator](): Generator<Handling> {
    for (let at = this.#first; at !== undefined; at = at.after) yield at;
  }
}
