import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CommitWatch } from './commit-watch.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a transaction of others is looked for soon, less and less often, and for about a second', () => {
  const looks: number[] = [];
  const started = Date.now();
  const watch = new CommitWatch(() => looks.push(Date.now() - started));
  watch.expect();
  vi.advanceTimersByTime(60_000);
  expect(looks).toEqual([2, 6, 14, 30, 62, 126, 254, 510, 1022]);
});

it('many raises share one row of looks, and the last of them is looked for as soon as the first', () => {
  const wake = vi.fn<() => void>();
  const watch = new CommitWatch(wake);
  for (let raise = 0; raise < 100; raise += 1) watch.expect();
  vi.advanceTimersByTime(600);
  const before = wake.mock.calls.length;
  expect(before).toBe(8);
  watch.expect();
  vi.advanceTimersByTime(600);
  expect(wake.mock.calls.length).toBeGreaterThan(before + 1);
  watch.stop();
  wake.mockClear();
  vi.advanceTimersByTime(60_000);
  expect(wake).not.toHaveBeenCalled();
});
