/** Requests that may follow one another at once after a rest: those of so much time. */
const BURST_MS = 50;

/**
 * Holds requests to a rate: in any time `t` at most `rate × t + burst` pass. GCRA (ITU-T I.371): one number says when
 * the next request would come if all came evenly; it may be ahead of the clock by the burst.
 */
export class RateGate {
  #intervalMs = 0;
  #toleranceMs = 0;
  /** The theoretical arrival time of the next request. */
  #dueAt = -Infinity;

  /** @param perSecond no limit when undefined */
  constructor(perSecond: number | undefined) {
    this.limit(perSecond);
  }

  /** Changes the rate; what has passed still counts. */
  limit(perSecond: number | undefined): void {
    this.#intervalMs = perSecond === undefined ? 0 : 1000 / perSecond;
    this.#toleranceMs = perSecond === undefined ? 0 : (burstOf(perSecond) - 1) * this.#intervalMs;
  }

  /** From when on the next request may pass; may be in the past. */
  get nextAt(): number {
    return this.#dueAt - this.#toleranceMs;
  }

  pass(now: number): void {
    if (this.#intervalMs > 0) this.#dueAt = Math.max(this.#dueAt, now) + this.#intervalMs;
  }
}

/** Requests that may pass at once. */
export function burstOf(perSecond: number): number {
  return Math.max(1, Math.floor((perSecond * BURST_MS) / 1000));
}
