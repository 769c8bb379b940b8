/** An object as it was answered. */
export interface CachedState {
  version: number;
  etag: string;
  /** The body as it came, so that no reader can change what the next one gets. */
  text: string;
}

/** The last state of the objects that were fetched most recently, up to a number of characters. */
export class StateCache {
  readonly #states = new Map<string, CachedState>();
  #characters = 0;

  constructor(private readonly maxCharacters: number) {}

  get(url: string): CachedState | undefined {
    const state = this.#states.get(url);
    if (state !== undefined) {
      // The one used last is the last in the map.
      this.#states.delete(url);
      this.#states.set(url, state);
    }
    return state;
  }

  put(url: string, state: CachedState): void {
    const known = this.#states.get(url);
    // Answers may overtake each other.
    if (known !== undefined && known.version > state.version) return;
    this.forget(url);
    this.#states.set(url, state);
    this.#characters += state.text.length;
    for (const oldest of this.#states.keys()) {
      if (this.#characters <= this.maxCharacters) break;
      this.forget(oldest);
    }
  }

  forget(url: string): void {
    this.#characters -= this.#states.get(url)?.text.length ?? 0;
    this.#states.delete(url);
  }
}
