import { randomUUID } from 'node:crypto';

/** That something was used, as it stands in the log until it could not be used anyway. */
interface UsedRecord {
  by: string;
  endsAt: number;
}

/** How long after its end a used thing is remembered: for clocks that differ. */
const MARGIN_MS = 120_000;
const SWEEP_MS = 60_000;

/**
 * What may be used once by anybody, at whichever instance: each use is a record, and the first in the log is the one
 * that counts. It is known for as long as the thing could be used.
 */
export class Once {
  readonly #used = new Map<string, UsedRecord>();
  #timer: NodeJS.Timeout | undefined;

  /** @param put writes a record, and resolves when it has been applied here */
  constructor(private readonly put: (key: string, value: unknown) => Promise<void>) {}

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Whether this use is the first.
   *
   * @param endsAt milliseconds since 1970 from which on it could not be used anyway
   * @throws HeddleError `log-unavailable`
   */
  async use(id: string, endsAt: number): Promise<boolean> {
    if (this.#used.has(id)) return false;
    const by = randomUUID();
    await this.put(`once/${id}`, { by, endsAt } satisfies UsedRecord);
    return this.#used.get(id)?.by === by;
  }

  apply(id: string, value: unknown): void {
    if (value === null) this.#used.delete(id);
    else if (!this.#used.has(id)) this.#used.set(id, value as UsedRecord);
  }

  /** Forgets what is over, of whichever instance: one that has ended forgets nothing. */
  async sweep(now = Date.now()): Promise<void> {
    for (const [id, { endsAt }] of this.#used) {
      if (endsAt + MARGIN_MS > now) continue;
      // It is tried again at the next turn.
      await this.put(`once/${id}`, null).catch(() => undefined);
    }
  }
}
