import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import { FrameGate } from './frame-gate.js';

let rates: Limits['rates'];

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  rates = new Limits({ ...LIMIT_VALUES, limitClientEventsPerSecond: 10 }).rates;
});

function client(name = 'shop') {
  const frames: number[] = [];
  const line = {
    isPaused: false,
    pause: () => void (line.isPaused = true),
    resume: () => void (line.isPaused = false),
  };
  const gate = new FrameGate<number>(
    () => rates.take('acme', name, 1),
    line,
    (frame) => void frames.push(frame),
  );
  return { frames, line, gate };
}

it('frames beyond the rate of their client wait, in order, and none is lost; nothing more is read meanwhile', () => {
  const { frames, line, gate } = client();
  for (let n = 0; n < 30; n += 1) gate.arrived(n);
  expect([frames.length, line.isPaused]).toEqual([10, true]);
  vi.advanceTimersByTime(1000);
  expect(frames.length).toBeGreaterThanOrEqual(19);
  expect(frames.length).toBeLessThanOrEqual(20);
  expect(line.isPaused).toBe(true);
  vi.advanceTimersByTime(1100);
  expect(frames).toEqual(Array.from({ length: 30 }, (_, n) => n));
  expect(line.isPaused).toBe(false);
});

it('connections of one client share its rate, and its requests do; another client has its own', () => {
  const [one, two] = [client(), client()];
  rates.take('acme', 'shop', 5);
  for (let n = 0; n < 10; n += 1) (n % 2 === 0 ? one : two).gate.arrived(n);
  expect(one.frames.length + two.frames.length).toBe(5);
  const other = client('other');
  for (let n = 0; n < 10; n += 1) other.gate.arrived(n);
  expect([other.frames.length, other.line.isPaused]).toEqual([10, false]);
});

it('a client that is not read for another reason is read when there is none left', () => {
  const { frames, line, gate } = client();
  gate.pause();
  for (let n = 0; n < 11; n += 1) gate.arrived(n);
  vi.advanceTimersByTime(1000);
  expect([frames.length, line.isPaused]).toEqual([11, true]);
  gate.resume();
  expect(line.isPaused).toBe(false);
});

it('what waits when the connection ends is not handed on', () => {
  const { frames, gate } = client();
  for (let n = 0; n < 20; n += 1) gate.arrived(n);
  gate.end();
  vi.advanceTimersByTime(5000);
  expect(frames).toHaveLength(10);
});
