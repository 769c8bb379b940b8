const FIRST_DELAY_MS = 50;
const LAST_DELAY_MS = 10_000;

/**
 * Which keys may be appended now. A key whose rows are being appended waits for the answer; one whose append failed
 * waits for growing delays; all others go on.
 */
export class KeyGate {
  #busy = new Map<string, { shard: number; rows: number }>();
  #failed = new Map<string, { failures: number; retryAt: number }>();
  #rows = 0;

  /** Rows that are being appended. */
  get rows(): number {
    return this.#rows;
  }

  /** Keys that wait after a failure. */
  get failing(): number {
    return this.#failed.size;
  }

  begin(key: string, shard: number, rows: number): void {
    this.#busy.set(key, { shard, rows });
    this.#rows += rows;
  }

  succeeded(key: string): void {
    this.#end(key);
    this.#failed.delete(key);
  }

  /** Returns the milliseconds until the key is tried again. */
  failed(key: string, now: number): number {
    this.#end(key);
    const failures = (this.#failed.get(key)?.failures ?? 0) + 1;
    const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));
    this.#failed.set(key, { failures, retryAt: now + delay });
    return delay;
  }

  /** The keys that must not be read now. */
  held(now: number): string[] {
    const keys = [...this.#busy.keys()];
    for (const [key, { retryAt }] of this.#failed) if (retryAt > now && !this.#busy.has(key)) keys.push(key);
    return keys;
  }

  /** Milliseconds until the next failed key is due, or `fallback` when that is sooner. */
  nextDue(now: number, fallback: number): number {
    let due = fallback;
    for (const [key, { retryAt }] of this.#failed) {
      if (!this.#busy.has(key)) due = Math.min(due, Math.max(0, retryAt - now));
    }
    return due;
  }

  isShardBusy(shard: number): boolean {
    for (const busy of this.#busy.values()) if (busy.shard === shard) return true;
    return false;
  }

  /** Forgets failures of shards that another relay has now. */
  forgetFailures(isOurs: (key: string) => boolean): void {
    for (const key of this.#failed.keys()) if (!isOurs(key)) this.#failed.delete(key);
  }

  #end(key: string): void {
    this.#rows -= this.#busy.get(key)?.rows ?? 0;
    this.#busy.delete(key);
  }
}
