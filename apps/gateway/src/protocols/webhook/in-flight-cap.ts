const FIRST = 16;

/**
 * How many requests to one endpoint may be under way at once: one more after each window of successes, half of it when
 * the endpoint shows that it cannot keep up (additive increase, multiplicative decrease, as in RFC 5681).
 */
export class InFlightCap {
  #value: number;
  #successes = 0;
  #shrunkAt = -Infinity;

  constructor(private max: number) {
    this.#value = Math.min(FIRST, max);
  }

  /** At least 1, at most what the endpoint is allowed. */
  get value(): number {
    return this.#value;
  }

  limit(max: number): void {
    this.max = max;
    this.#value = Math.min(this.#value, max);
  }

  /** @param inFlight requests under way, the one that succeeded among them */
  succeeded(inFlight: number): void {
    // A cap that nobody comes near says nothing about what the endpoint can bear.
    if (this.#value === this.max || inFlight * 2 < this.#value) return;
    this.#successes += 1;
    if (this.#successes < this.#value) return;
    this.#successes = 0;
    this.#value += 1;
  }

  /** Requests that began before the last halving do not halve again: they are of the same crowd. */
  overloaded(begunAt: number, now: number): void {
    if (begunAt < this.#shrunkAt) return;
    this.#shrunkAt = now;
    this.#successes = 0;
    this.#value = Math.max(1, Math.floor(this.#value / 2));
  }
}
