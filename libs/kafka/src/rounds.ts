import { setTimeout as delay } from 'node:timers/promises';

export interface RoundsSettings {
  /** One life of a connection; ends by an error, or when something is to be set up anew. */
  round(): Promise<void>;
  onFailure(message: string, failures: number): void;
  /** A round that lasted so long was a good one: the delays before the next begin anew. */
  goodMs: number;
}

const RESTART_DELAY_MS = 200;
const MAX_RESTART_DELAY_MS = 1000;

/** Keeps something alive for ever: a round that failed is followed by another after a short, growing delay. */
export class Rounds {
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(private readonly settings: RoundsSettings) {}

  get isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Begins no further round; resolves when the one under way has ended, for which its owner must see to. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#running;
  }

  /** Returns early when stopped. */
  async wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.isStopped;) {
      const startedAt = Date.now();
      try {
        await this.settings.round();
        failures = 0;
      } catch (error) {
        if (this.isStopped) return;
        if (Date.now() - startedAt > this.settings.goodMs) failures = 0;
        this.settings.onFailure(error instanceof Error ? error.message : String(error), failures);
        await this.wait(Math.min(RESTART_DELAY_MS * 2 ** failures, MAX_RESTART_DELAY_MS));
        failures += 1;
      }
    }
  }
}
