import type { Verdict } from '../../deliver.js';
import { type BreakerState, CircuitBreaker } from './circuit-breaker.js';
import { InFlightCap } from './in-flight-cap.js';
import { RateGate } from './rate-gate.js';

export interface EndpointLimits {
  maxInFlight: number;
  ratePerSecond: number | undefined;
}

/** The endpoint began to fail so that nothing goes to it, or is well again. */
export type EndpointChange = 'failing' | 'recovered';

/** A request under way, as the governor counts it. */
export interface Passage {
  readonly period: number;
  readonly begunAt: number;
}

/**
 * Says when the next request to an endpoint may begin: a cap on those under way, a rate, a breaker, and the pause that
 * a receiver asked for. All times are of one clock that never goes back, in milliseconds.
 */
export class EndpointGovernor {
  readonly #cap: InFlightCap;
  readonly #rate: RateGate;
  readonly #breaker: CircuitBreaker;
  #pausedUntil = -Infinity;
  #inFlight = 0;
  #failing = false;

  constructor({ maxInFlight, ratePerSecond }: EndpointLimits, chance?: () => number) {
    this.#cap = new InFlightCap(maxInFlight);
    this.#rate = new RateGate(ratePerSecond);
    this.#breaker = new CircuitBreaker(chance);
  }

  /** From when on the next request may begin: maybe in the past; Infinity when another one has to end first. */
  get nextAt(): number {
    if (this.#inFlight >= this.#cap.value) return Infinity;
    return Math.max(this.#pausedUntil, this.#rate.nextAt, this.#breaker.nextAt);
  }

  /** Whether it is more than the rate that holds the next request back: then what waits for it had better not. */
  isShut(now: number): boolean {
    return this.#pausedUntil > now || this.#breaker.nextAt > now;
  }

  begin(now: number): Passage {
    this.#inFlight += 1;
    this.#rate.pass(now);
    return { period: this.#breaker.begin(), begunAt: now };
  }

  /** @param key the business key of the event; the first one's of a batch */
  ended({ period, begunAt }: Passage, now: number, verdict: Verdict, key: string): EndpointChange | undefined {
    if (verdict.done) {
      this.#cap.succeeded(this.#inFlight);
      this.#inFlight -= 1;
      this.#breaker.succeeded(period, now);
      return this.#failing && this.#breaker.state === 'closed' ? this.#changed(false) : undefined;
    }
    this.#inFlight -= 1;
    if (verdict.overloaded) this.#cap.overloaded(begunAt, now);
    if (verdict.pauseMs > 0) this.#pausedUntil = Math.max(this.#pausedUntil, now + verdict.pauseMs);
    // An endpoint that says when it wants more has not failed.
    if (verdict.blame === 'pace') {
      this.#breaker.abandoned(period);
      return undefined;
    }
    return this.#breaker.failed(period, now, verdict.blame, key) ? this.#changed(true) : undefined;
  }

  /** The request ended without saying anything about the endpoint. */
  abandoned({ period }: Passage): void {
    this.#inFlight -= 1;
    this.#breaker.abandoned(period);
  }

  limit({ maxInFlight, ratePerSecond }: EndpointLimits): void {
    this.#cap.limit(maxInFlight);
    this.#rate.limit(ratePerSecond);
  }

  /** Forgets failures: the endpoint was changed, or somebody says it is well. Whether it is has yet to be seen. */
  forgive(): void {
    this.#breaker.reset();
  }

  /** Ends the pause that the endpoint asked for: it is another one now, or somebody knows better. */
  unpause(): void {
    this.#pausedUntil = -Infinity;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get cap(): number {
    return this.#cap.value;
  }

  get breaker(): BreakerState {
    return this.#breaker.state;
  }

  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** Opening again after a probe that failed is no news. */
  #changed(failing: boolean): EndpointChange | undefined {
    if (this.#failing === failing) return undefined;
    this.#failing = failing;
    return failing ? 'failing' : 'recovered';
  }
}
