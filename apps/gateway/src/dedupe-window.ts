/**
 * Remembers by (source, id) what happened to the events of the last while, so that one that is handed over twice is
 * appended once. It keeps between `maxEntries` and twice as many, none older than twice `maxAgeMs`: two generations,
 * of which the older is dropped whole, cost less than an order of expiry.
 */
export class DedupeWindow<T> {
  #young = new Map<string, T>();
  #old = new Map<string, T>();
  #turnAt = 0;

  constructor(
    private readonly maxEntries: number,
    private readonly maxAgeMs: number,
  ) {}

  get(source: string, id: string, now: number): T | undefined {
    this.#turn(now);
    const name = `${source}\n${id}`;
    return this.#young.get(name) ?? this.#old.get(name);
  }

  set(source: string, id: string, value: T, now: number): void {
    this.#turn(now);
    this.#young.set(`${source}\n${id}`, value);
  }

  delete(source: string, id: string): void {
    const name = `${source}\n${id}`;
    this.#young.delete(name);
    this.#old.delete(name);
  }

  #turn(now: number): void {
    if (this.#young.size < this.maxEntries && now < this.#turnAt) return;
    this.#old = now > this.#turnAt + this.maxAgeMs ? new Map() : this.#young;
    this.#young = new Map();
    this.#turnAt = now + this.maxAgeMs;
  }
}
