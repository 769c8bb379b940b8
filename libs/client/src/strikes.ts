import { Refusal } from './refusal.js';

/** A refusal that cannot be helped by waiting is believed when it comes so often in a row: rights and queues move. */
const BELIEVED = 3;

/** Counts refusals that trying again does not help: of those there may be a few, while the gateway starts anew. */
export class Strikes {
  #count = 0;

  /** Whether this was one too many. What is no such refusal begins the count anew. */
  isOut(error: unknown): boolean {
    const isFinal = error instanceof TypeError || (error instanceof Refusal && !error.retryable);
    this.#count = isFinal ? this.#count + 1 : 0;
    return this.#count >= BELIEVED;
  }

  clear(): void {
    this.#count = 0;
  }
}
