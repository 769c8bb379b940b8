import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BackPressure } from './back-pressure.js';

const SLOW_MS = 1000;

/** A line whose network takes bytes when it is told to. */
class TrialLine {
  queuedBytes = 0;
  isPaused = false;
  #waiting: (() => void)[] = [];

  onceDrained(callback: () => void): void {
    this.#waiting.push(callback);
  }

  drain(): void {
    this.queuedBytes = 0;
    for (const callback of this.#waiting.splice(0)) callback();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

describe('a client that does not keep up', () => {
  let line: TrialLine;
  let tooMuch: boolean;
  const onSlow = vi.fn<() => void>();
  const onRoom = vi.fn<() => void>();
  let pressure: BackPressure;
  const write = (bytes: number): void => {
    line.queuedBytes += bytes;
    pressure.wrote();
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    line = new TrialLine();
    tooMuch = false;
    pressure = new BackPressure(line, { slowMs: SLOW_MS, onSlow, isTooMuch: () => tooMuch, onRoom });
  });

  afterEach(() => vi.useRealTimers());

  it('is full first, then not read, and has room again when the network has taken everything', () => {
    write(100_000);
    expect(pressure.isFull).toBe(false);
    write(200_000);
    expect([pressure.isFull, pressure.isPaused]).toEqual([true, false]);
    write(1_000_000);
    expect([pressure.isFull, line.isPaused]).toEqual([true, true]);
    expect(onRoom).not.toHaveBeenCalled();
    line.drain();
    expect([pressure.isFull, line.isPaused]).toEqual([false, false]);
    expect(onRoom).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(SLOW_MS);
    expect(onSlow).not.toHaveBeenCalled();
  });

  it('is not read while it brings more than can be made durable', () => {
    tooMuch = true;
    pressure.throttle();
    expect([line.isPaused, pressure.isFull]).toEqual([true, false]);
    tooMuch = false;
    pressure.throttle();
    expect(line.isPaused).toBe(false);
  });

  it('is given up when it takes nothing for too long', () => {
    write(300_000);
    vi.advanceTimersByTime(SLOW_MS - 1);
    expect(onSlow).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onSlow).toHaveBeenCalledTimes(1);
  });

  it('is left alone once it is at its end', () => {
    write(300_000);
    pressure.end();
    line.drain();
    tooMuch = true;
    pressure.throttle();
    expect([onRoom.mock.calls.length, line.isPaused]).toEqual([0, false]);
  });
});
