/** With more bytes than that not taken by the network, nothing more is leased … */
export const FULL_BYTES = 256 * 1024;
/** … and with more than that (only answers add to it by then), nothing more is read. */
const STUFFED_BYTES = 1024 * 1024;

/** What may fill up between a client and us. */
export interface Line {
  /** Bytes that the network has not taken yet. */
  readonly queuedBytes: number;
  /** Calls back once, when the network has taken all bytes, or never will. */
  onceDrained(callback: () => void): void;
  pause(): void;
  resume(): void;
}

export interface BackPressureWish {
  /** Milliseconds in which a client has to take what waits for it. */
  slowMs: number;
  /** It did not: one that is gone without a word would else be waited for as long as TCP tries. */
  onSlow(): void;
  /** Whether more has come than can be made durable for now. */
  isTooMuch(): boolean;
  /** What was full is empty. */
  onRoom(): void;
}

/**
 * What is done about a client that does not keep up: where the network does not take what is written, nothing more is
 * leased for it, and then nothing more is read of it; one that brings more than can be made durable is not read either.
 */
export class BackPressure {
  #isFull = false;
  #isPaused = false;
  #isOver = false;

  constructor(
    private readonly line: Line,
    private readonly wish: BackPressureWish,
  ) {}

  /** Whether the client does not read what waits for it. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether the client is not read. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Something was written. */
  wrote(): void {
    if (this.#isFull) {
      // Answers nobody waits for add to it as well.
      this.throttle();
      return;
    }
    if (this.line.queuedBytes < FULL_BYTES || this.#isOver) return;
    this.#isFull = true;
    const tooSlow = setTimeout(() => this.wish.onSlow(), this.wish.slowMs);
    this.line.onceDrained(() => {
      clearTimeout(tooSlow);
      this.#isFull = false;
      if (this.#isOver) return;
      this.throttle();
      this.wish.onRoom();
    });
  }

  /** Something that was too much may be no more, or the other way round. */
  throttle(): void {
    if (this.#isOver) return;
    const isTooMuch = this.wish.isTooMuch() || (this.#isFull && this.line.queuedBytes > STUFFED_BYTES);
    if (isTooMuch === this.#isPaused) return;
    this.#isPaused = isTooMuch;
    if (isTooMuch) this.line.pause();
    else this.line.resume();
  }

  /** Whether the client is read is somebody else's affair from here on. */
  end(): void {
    this.#isOver = true;
  }
}
