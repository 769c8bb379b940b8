import type { Handling } from './handling.js';
import type { Turn } from './slots.js';

/** Who works on lanes. */
export interface LaneOwner {
  /** The lane has a slot. */
  run(lane: KeyLane): void;
  onResolved(lane: KeyLane): void;
  onRejected(lane: KeyLane, error: unknown): void;
}

/** The events of one key, of which one at a time is handled; and of its batches, one part at a time. */
export class KeyLane implements Turn {
  first: Handling | undefined;
  #last: Handling | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onResolved: (() => void) | undefined;
  #onRejected: ((error: unknown) => void) | undefined;

  constructor(
    readonly key: string,
    private readonly owner: LaneOwner,
  ) {}

  push(handling: Handling): void {
    if (this.#last === undefined) this.first = handling;
    else this.#last.next = handling;
    this.#last = handling;
  }

  /** Takes the first one out. There must be one. */
  shift(): Handling {
    const handling = this.first as Handling;
    this.first = handling.next;
    if (this.first === undefined) this.#last = undefined;
    handling.next = undefined;
    return handling;
  }

  begin(): void {
    this.owner.run(this);
  }

  /** The two reactions are made once for a lane, and not for each of its events. */
  settleWith(promise: Promise<void>): void {
    this.#onResolved ??= () => this.owner.onResolved(this);
    this.#onRejected ??= (error) => this.owner.onRejected(this, error);
    promise.then(this.#onResolved, this.#onRejected);
  }

  wait(ms: number, then: () => void): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      then();
    }, ms);
  }

  /** Whether it was waiting. */
  stopWaiting(): boolean {
    if (this.#timer === undefined) return false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return true;
  }
}
