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
    /** May be changed; what is beyond goes at the next turn. */
    public maxEntries: number,
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

/** A tenant that shares with many has a window of so many events all the same. */
const MIN_SHARE = 1000;
const DIVIDE_MS = 60_000;

/**
 * A window for each tenant, so that none drives out what another one published. Those that are in use divide `maxEntries`
 * between them.
 */
export class DedupeWindows<T> {
  #windows = new Map<string, { window: DedupeWindow<T>; usedAt: number }>();
  #dividedAt = 0;

  constructor(
    private readonly maxEntries: number,
    private readonly maxAgeMs: number,
  ) {}

  of(tenant: string, now: number): DedupeWindow<T> {
    let own = this.#windows.get(tenant);
    const isNew = own === undefined;
    if (own === undefined) {
      own = { window: new DedupeWindow(MIN_SHARE, this.maxAgeMs), usedAt: now };
      this.#windows.set(tenant, own);
    }
    own.usedAt = now;
    if (isNew || now - this.#dividedAt >= DIVIDE_MS) this.#divide(now);
    return own.window;
  }

  #divide(now: number): void {
    this.#dividedAt = now;
    for (const [tenant, { usedAt }] of this.#windows) {
      if (now - usedAt > 2 * this.maxAgeMs) this.#windows.delete(tenant);
    }
    const share = Math.max(MIN_SHARE, Math.floor(this.maxEntries / this.#windows.size));
    for (const { window } of this.#windows.values()) window.maxEntries = share;
  }
}
