import { PerformativeWriter } from './performative-writer.js';
import type { Wire } from '../wire.js';

/** With more bytes than that not taken by the network, nothing more is leased … */
const FULL_BYTES = 256 * 1024;
/** … and with more than that (only answers add to it by then), nothing more is read. */
const STUFFED_BYTES = 1024 * 1024;
/** Settlements, and messages, that may wait to be durable before nothing more is read. */
const MAX_UNANSWERED = 20_000;
const MAX_UNANSWERED_BYTES = 8 * 1024 * 1024;

/** What goes out to one client. Where the network does not take it, nothing more is delivered, and then nothing more is read. */
export class Outflow {
  /** What is written, in order; it goes out with the next flush. */
  readonly writer: PerformativeWriter;
  #isFull = false;
  #isPaused = false;
  #isOver = false;
  #fullSince = 0;
  #saidAt = Date.now();
  #unanswered = 0;
  #unansweredBytes = 0;
  #whenRoom: (() => void)[] = [];

  constructor(private readonly wire: Wire) {
    this.writer = new PerformativeWriter(wire.headroom);
  }

  /** Whether the client does not read what waits for it. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether the client is not read. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** When something went out last, in milliseconds since the epoch. */
  get saidAt(): number {
    return this.#saidAt;
  }

  /** For how long the client has taken nothing. */
  slowMs(now: number): number {
    return this.#isFull ? now - this.#fullSince : 0;
  }

  /** Calls back once, when there is room for more, or never will be. */
  onceRoom(callback: () => void): void {
    this.#whenRoom.push(callback);
  }

  /** So many more wait to be durable. */
  unanswered(count: number, bytes: number): void {
    this.#unanswered += count;
    this.#unansweredBytes += bytes;
    this.#throttle();
  }

  flush(): void {
    if (this.writer.length === 0 || this.#isOver) return;
    this.#saidAt = Date.now();
    this.wire.write(this.writer.take());
    if (this.#isFull) {
      // Answers nobody waits for, as those to flows, add to it as well.
      this.#throttle();
      return;
    }
    if (this.wire.queuedBytes < FULL_BYTES) return;
    this.#isFull = true;
    this.#fullSince = this.#saidAt;
    this.wire.onceDrained(() => {
      this.#isFull = false;
      this.#throttle();
      this.#sayRoom();
    });
  }

  /** Nothing goes out any more. */
  end(): void {
    this.#isOver = true;
    this.#sayRoom();
  }

  /** A client that does not read its answers, or asks for more than can be made durable, is not read either. */
  #throttle(): void {
    const isTooMuch =
      this.#unanswered > MAX_UNANSWERED ||
      this.#unansweredBytes > MAX_UNANSWERED_BYTES ||
      (this.#isFull && this.wire.queuedBytes > STUFFED_BYTES);
    if (isTooMuch === this.#isPaused || this.#isOver) return;
    this.#isPaused = isTooMuch;
    if (isTooMuch) this.wire.pause();
    else this.wire.resume();
  }

  #sayRoom(): void {
    const waiting = this.#whenRoom;
    this.#whenRoom = [];
    for (const callback of waiting) callback();
  }
}
