import type { Verdict } from '../../deliver.js';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures one after another that open it. */
const CONSECUTIVE = 10;
/** Of so many outcomes within a window, this share of failures opens it. */
const WINDOW = { ms: 10_000, outcomes: 20, share: 0.5 };
/** The first time open; each further one is twice as long. */
const FIRST_OPEN_MS = 1000;
const OPEN_CAP_MS = 60_000;
/** Chance makes the time up to so much longer or shorter, so that many instances do not ask at once. */
const JITTER = 0.2;
/** Successes after which an endpoint is well again: the next time open is a first one. */
const WELL_AFTER = 20;

/**
 * Keeps requests from an endpoint that fails: closed → open → half-open, with one request as the probe → closed, or
 * open for longer. What one business key fails with, again and again, may be that event's fault: failures that reached
 * the endpoint open it only if they are of two keys at least.
 */
export class CircuitBreaker {
  #state: BreakerState = 'closed';
  /** Rises with each change of state; an outcome counts only in the period its request began in. */
  #period = 0;
  #openUntil = 0;
  #openings = 0;
  #successes = 0;
  readonly #inRow = new Failures();
  readonly #inWindow = new Failures();
  #windowOutcomes = 0;
  #windowEndsAt = -Infinity;

  constructor(private readonly chance: () => number = Math.random) {}

  get state(): BreakerState {
    return this.#state;
  }

  /** From when on the next request may begin; Infinity while the probe is under way. */
  get nextAt(): number {
    if (this.#state === 'closed') return -Infinity;
    return this.#state === 'open' ? this.#openUntil : Infinity;
  }

  /** A request begins; returns its period, to be given back with its outcome. After an open time it is the probe. */
  begin(): number {
    if (this.#state === 'open') this.#enter('half-open');
    return this.#period;
  }

  succeeded(period: number, now: number): void {
    if (period !== this.#period) return;
    this.#inRow.clear();
    this.#count(now);
    this.#successes += 1;
    if (this.#successes === WELL_AFTER) this.#openings = 0;
    if (this.#state !== 'half-open') return;
    this.#successes = 0;
    this.#enter('closed');
  }

  /** Returns whether it opened. */
  failed(period: number, now: number, blame: Blame, key: string): boolean {
    if (period !== this.#period) return false;
    this.#successes = 0;
    const source = blame === 'connection' ? undefined : key;
    this.#inRow.add(source);
    this.#count(now);
    if (blame !== 'event') this.#inWindow.add(source);
    const opens =
      this.#state === 'half-open' ||
      (this.#inRow.count >= CONSECUTIVE && this.#inRow.areOfSeveral) ||
      (this.#windowOutcomes >= WINDOW.outcomes &&
        this.#inWindow.count >= this.#windowOutcomes * WINDOW.share &&
        this.#inWindow.areOfSeveral);
    if (opens) this.#open(now);
    return opens;
  }

  /** A request ended without saying anything about the endpoint; if it was the probe, the next one is. */
  abandoned(period: number): void {
    if (period !== this.#period || this.#state !== 'half-open') return;
    this.#openUntil = -Infinity;
    this.#enter('open');
  }

  /** Forgets what was, as for an endpoint that has been changed. */
  reset(): void {
    this.#openings = 0;
    this.#enter('closed');
  }

  #open(now: number): void {
    const openMs = Math.min(OPEN_CAP_MS, FIRST_OPEN_MS * 2 ** this.#openings);
    this.#openings = Math.min(this.#openings + 1, 20);
    this.#openUntil = now + openMs * (1 - JITTER + 2 * JITTER * this.chance());
    this.#enter('open');
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#period += 1;
    this.#inRow.clear();
    this.#inWindow.clear();
    this.#windowOutcomes = 0;
  }

  #count(now: number): void {
    if (now >= this.#windowEndsAt) {
      this.#windowEndsAt = now + WINDOW.ms;
      this.#windowOutcomes = 0;
      this.#inWindow.clear();
    }
    this.#windowOutcomes += 1;
  }
}

type Blame = Extract<Verdict, { done: false }>['blame'];

/** Counts failures, and whether they could be the fault of one business key. */
class Failures {
  count = 0;
  #onlyKey: string | undefined;
  areOfSeveral = false;

  /** @param key undefined when the request did not even reach the endpoint: that is nobody's fault but its own */
  add(key: string | undefined): void {
    this.count += 1;
    if (key === undefined || (this.#onlyKey !== undefined && this.#onlyKey !== key)) this.areOfSeveral = true;
    else this.#onlyKey = key;
  }

  clear(): void {
    this.count = 0;
    this.#onlyKey = undefined;
    this.areOfSeveral = false;
  }
}
