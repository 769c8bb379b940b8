/** Things that arrive one by one, remembered; whoever waits for some is told at once. */
export class Arrivals<T> {
  readonly all: T[] = [];
  #waiting = new Set<() => void>();

  add(arrival: T): void {
    this.all.push(arrival);
    this.look();
  }

  /** Has those who wait look again, for something other than an arrival that they may be waiting for. */
  look(): void {
    for (const check of this.#waiting) check();
  }

  /** Resolves with everything that has arrived, once something holds of it. */
  async until(
    holds: (all: readonly T[]) => boolean,
    { timeoutMs = 20_000, what = 'what was awaited' } = {},
  ): Promise<readonly T[]> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
      };
      const check = (): void => {
        if (!holds(this.all)) return;
        done();
        resolve(this.all);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`After ${timeoutMs} ms ${what} had not come; there were ${this.all.length}.`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }
}

/** Holds once all of these have arrived. Each arrival is looked at once: with thousands, all each time would take minutes. */
export function allOf<T>(ids: Iterable<string>, idOf: (arrival: T) => string): (all: readonly T[]) => boolean {
  const missing = new Set(ids);
  let seen = 0;
  return (all) => {
    for (; seen < all.length; seen += 1) missing.delete(idOf(all[seen]!));
    return missing.size === 0;
  };
}
