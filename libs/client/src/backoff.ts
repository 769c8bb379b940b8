/** The pauses between tries: each up to twice the one before, by chance, so that many clients do not come at once. */
export class Backoff {
  #failures = 0;

  /** @param firstMs the longest first pause; @param capMs the longest of all */
  constructor(
    private readonly firstMs = 500,
    private readonly capMs = 15_000,
  ) {}

  /** Tries that failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next try, at least as many as the server asked for. */
  next(atLeastMs = 0): number {
    const full = Math.min(this.capMs, this.firstMs * 2 ** this.#failures);
    this.#failures += 1;
    return Math.max(atLeastMs, full / 2) + (Math.random() * full) / 2;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}

/** Resolves after so long, or as soon as the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted === true) done();
  });
}

/** Resolves with the first of these, or once the time is over. No timer is left behind, which would hold up the process. */
export async function within(ms: number, firsts: readonly Promise<unknown>[]): Promise<void> {
  const over = new AbortController();
  await Promise.race([...firsts, pause(ms, over.signal)]);
  over.abort();
}
