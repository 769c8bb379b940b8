/** When to look after a raise: most transactions end within milliseconds, and after a second the relay looks by itself. */
const LOOKS_MS = [2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

/**
 * Wakes the relay for transactions that others commit: nobody tells of those, so it looks soon, and then less and less
 * often. Any number of raises share one row of looks, which begins anew with the last of them.
 */
export class CommitWatch {
  #step = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly wake: () => void) {}

  expect(): void {
    // The first look is never put off: many raises one after another would put it off for ever.
    if (this.#timer !== undefined && this.#step === 1) return;
    clearTimeout(this.#timer);
    this.#step = 0;
    this.#timer = this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #next(): NodeJS.Timeout | undefined {
    const ms = LOOKS_MS[this.#step];
    this.#step += 1;
    if (ms === undefined) return undefined;
    return setTimeout(() => {
      this.wake();
      this.#timer = this.#next();
    }, ms).unref();
  }
}
