/**
 * Chance that can be had again: the same seed gives the same numbers. `HEDDLE_TEST_SEED` sets the seed; it is printed in
 * any case, so that a failure can be tried again with the same moments (what the machine does between them is its own).
 */
export class Chance {
  readonly seed: number;
  #state: number;

  constructor(seed = Number(process.env['HEDDLE_TEST_SEED'] ?? Date.now() % 2 ** 31)) {
    this.seed = seed;
    this.#state = seed;
    process.stderr.write(`seed ${seed}\n`);
  }

  /** From 0 (inclusive) to 1 (exclusive): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both bounds included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }
}
