import type { Taken } from '../../limits/rate-limits.js';

/** At least so long until it is looked again whether there is room: a timer has no finer clock. */
const LEAST_WAIT_MS = 5;

/** What stops and goes on reading a client. */
export interface Read {
  pause(): void;
  resume(): void;
}

/**
 * Hands on the frames of a client as fast as its rate allows, which it shares with its requests: one that comes too soon
 * waits, and nothing more is read meanwhile. Nothing is lost or refused, for a settlement that was would be a repeat. Of
 * what was read already no more waits than one read of the socket has.
 */
export class FrameGate<F> {
  #waiting: F[] = [];
  #timer: NodeJS.Timeout | undefined;
  #holds = 0;

  constructor(
    private readonly take: () => Pick<Taken, 'allowed' | 'resetSeconds'>,
    private readonly line: Read,
    private readonly onFrame: (frame: F) => void,
  ) {}

  arrived(frame: F): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(frame);
      return;
    }
    const taken = this.take();
    if (taken.allowed) {
      this.onFrame(frame);
      return;
    }
    this.#waiting.push(frame);
    this.pause();
    this.#wait(taken.resetSeconds);
  }

  /** For whoever else has a reason to read nothing: the client is read when nobody has one any more. */
  pause(): void {
    this.#holds += 1;
    if (this.#holds === 1) this.line.pause();
  }

  resume(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.line.resume();
  }

  /** Hands on nothing more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #wait(seconds: number): void {
    this.#timer = setTimeout(() => this.#goOn(), Math.max(LEAST_WAIT_MS, seconds * 1000));
    this.#timer.unref();
  }

  #goOn(): void {
    while (this.#waiting.length > 0) {
      const taken = this.take();
      if (!taken.allowed) return this.#wait(taken.resetSeconds);
      this.onFrame(this.#waiting.shift()!);
    }
    this.resume();
  }
}
