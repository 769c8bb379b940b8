/**
 * What was used lately, bounded: a value that is asked for again costs one look-up, and when there are too many those
 * that nobody asked for since the last clearing go.
 */
export class Recent<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** @param max how many are kept at most */
  constructor(private readonly max: number) {}

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.max / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
