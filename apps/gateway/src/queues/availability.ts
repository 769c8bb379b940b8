/** Looks what can be leased now, and has read again what is due; whether there is anything. */
type Look = () => boolean;

/**
 * Says that something may be leased: at the end of a turn, once for all that happened in it, and when the next delivery
 * that waits is due.
 */
export class Availability {
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #isAnnounced = false;
  #isClosed = false;

  constructor(
    private readonly look: Look,
    private readonly nextDueAt: () => number | undefined,
  ) {}

  /** Calls back whenever something may be leased; returns how to end that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something was settled or freed: looks at the end of this turn. */
  announce(): void {
    if (this.#isAnnounced || this.#isClosed) return;
    this.#isAnnounced = true;
    setImmediate(() => {
      this.#isAnnounced = false;
      if (!this.#isClosed && this.look()) this.tell();
    });
  }

  /** Something can be leased now. */
  tell(): void {
    if (this.#isClosed) return;
    for (const listener of this.#listeners) listener();
  }

  wakeWhenDue(): void {
    const due = this.nextDueAt() ?? Infinity;
    if (due === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = due;
    if (due === Infinity || this.#isClosed) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        if (this.look()) this.tell();
        this.wakeWhenDue();
      },
      Math.min(Math.max(1, due - Date.now()), 2 ** 31 - 1),
    );
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}
