import { BackPressure } from '../back-pressure.js';
import type { Wire } from '../wire.js';
import { PerformativeWriter } from './performative-writer.js';

/** Settlements, and messages, that may wait to be durable before nothing more is read. */
const MAX_UNANSWERED = 20_000;
const MAX_UNANSWERED_BYTES = 8 * 1024 * 1024;

/** What goes out to one client, and how much it asks for. */
export class Outflow {
  /** What is written, in order; it goes out with the next flush. */
  readonly writer: PerformativeWriter;
  readonly #pressure: BackPressure;
  #isOver = false;
  #saidAt = Date.now();
  #unanswered = 0;
  #unansweredBytes = 0;
  #whenRoom: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    slowMs: number,
  ) {
    this.writer = new PerformativeWriter(wire.headroom);
    this.#pressure = new BackPressure(wire, {
      slowMs,
      onSlow: () => wire.destroy(),
      isTooMuch: () => this.#unanswered > MAX_UNANSWERED || this.#unansweredBytes > MAX_UNANSWERED_BYTES,
      onRoom: () => this.#sayRoom(),
    });
  }

  /** Whether the client does not read what waits for it. */
  get isFull(): boolean {
    return this.#pressure.isFull;
  }

  /** Whether the client is not read. */
  get isPaused(): boolean {
    return this.#pressure.isPaused;
  }

  /** When something went out last, in milliseconds since the epoch. */
  get saidAt(): number {
    return this.#saidAt;
  }

  /** Calls back once, when there is room for more, or never will be. */
  onceRoom(callback: () => void): void {
    this.#whenRoom.push(callback);
  }

  /** So many more wait to be durable. */
  unanswered(count: number, bytes: number): void {
    this.#unanswered += count;
    this.#unansweredBytes += bytes;
    this.#pressure.throttle();
  }

  flush(): void {
    if (this.writer.length === 0 || this.#isOver) return;
    this.#saidAt = Date.now();
    this.wire.write(this.writer.take());
    this.#pressure.wrote();
  }

  /** Nothing goes out any more. */
  end(): void {
    this.#isOver = true;
    this.#pressure.end();
    this.#sayRoom();
  }

  #sayRoom(): void {
    const waiting = this.#whenRoom;
    this.#whenRoom = [];
    for (const callback of waiting) callback();
  }
}
