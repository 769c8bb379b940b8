/** Something that waits for a slot. */
export interface Turn {
  /** It has a slot now, and gives it back when it needs it no longer. */
  begin(): void;
}

/** Below this many served, the array of those that wait is not cut. */
const CUT_AT = 1024;

/** At most this many of something at a time; who waits gets a slot in the order of asking. */
export class Slots {
  #free: number;
  #waiting: Turn[] = [];
  #served = 0;
  #isGiving = false;

  constructor(count: number) {
    this.#free = count;
  }

  /** Whether somebody waits for a slot. */
  get isWanted(): boolean {
    return this.#waiting.length > this.#served;
  }

  /** Whether there is a slot right now; if not, the turn begins when there is one. */
  take(turn: Turn): boolean {
    if (this.#free > 0 && !this.isWanted) {
      this.#free -= 1;
      return true;
    }
    this.#waiting.push(turn);
    return false;
  }

  give(): void {
    this.#free += 1;
    // A turn may end before it returns, and give in turn: a loop, and not calls within calls without end.
    if (this.#isGiving) return;
    this.#isGiving = true;
    try {
      while (this.#free > 0 && this.isWanted) {
        const next = this.#waiting[this.#served] as Turn;
        this.#served += 1;
        this.#free -= 1;
        if (this.#served >= CUT_AT) {
          this.#waiting = this.#waiting.slice(this.#served);
          this.#served = 0;
        }
        next.begin();
      }
      if (!this.isWanted) {
        this.#waiting.length = 0;
        this.#served = 0;
      }
    } finally {
      this.#isGiving = false;
    }
  }
}
