/** A signal that is kept until somebody waits for it: several are one. */
export class WakeUp {
  #pending = false;
  #resolve: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  now(): void {
    this.#pending = true;
    this.#end();
  }

  /** Wakes within the time, unless something does sooner. */
  soon(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.now();
    }, ms);
  }

  /** Resolves at the signal or after the time; a signal given since the last wait counts. */
  async wait(ms: number): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#end(), ms);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#pending = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #end(): void {
    this.#resolve?.();
    this.#resolve = undefined;
  }
}
