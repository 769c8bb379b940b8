import { setTimeout as delay } from 'node:timers/promises';

const LOOK_MS = 20;
/** While something is being harmed there is load, however much time the plan still needs. */
const LEAST_PER_SECOND = 30;

/** How fast the load goes: such that it ends with the faults, long neither before nor after them. */
export class Pace {
  #events = 0;
  #perSecond: number;
  #credit = 0;
  #creditedAt = performance.now();

  constructor(
    /** Events in all. */
    readonly wanted: number,
    private readonly mostPerSecond: number,
  ) {
    this.#perSecond = mostPerSecond;
  }

  get events(): number {
    return this.#events;
  }

  /** So many more events have been acknowledged. */
  count(events: number): void {
    this.#events += events;
  }

  /** What is still to come is spread over so much time. */
  spreadOver(ms: number): void {
    const perSecond = ((this.wanted - this.#events) / Math.max(1, ms)) * 1000;
    this.#perSecond = Math.min(this.mostPerSecond, Math.max(LEAST_PER_SECOND, perSecond));
  }

  /** Resolves when the next request may go out; with false when there are enough. */
  async goOn(): Promise<boolean> {
    while (this.#events < this.wanted) {
      const now = performance.now();
      // A second's worth at most: what could not be done while something was away is not made up for in a burst.
      this.#credit = Math.min(this.#perSecond, this.#credit + ((now - this.#creditedAt) / 1000) * this.#perSecond);
      this.#creditedAt = now;
      if (this.#credit >= 1) {
        this.#credit -= 1;
        return true;
      }
      await delay(LOOK_MS);
    }
    return false;
  }

  /** Resolves when the load has come so far, as a share of what is wanted. */
  async reached(share: number): Promise<void> {
    while (this.#events < share * this.wanted) await delay(LOOK_MS);
  }
}
