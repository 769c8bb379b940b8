/** Remembers what was handled, so that a repeat is not handled again. May be a store of several processes. */
export interface SeenEvents {
  has(key: string): boolean | Promise<boolean>;
  /** Told once the handler has succeeded. */
  add(key: string): void | Promise<void>;
}

/** The last so many, in memory: repeats come within minutes, as a rule. */
export class RecentEvents implements SeenEvents {
  readonly #keys = new Set<string>();

  constructor(private readonly most = 10_000) {}

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    // Last again, for it is the newest now.
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.most) this.#keys.delete(this.#keys.values().next().value!);
  }
}
