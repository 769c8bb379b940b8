import { expect, it } from 'vitest';
import { DedupeWindow } from './dedupe-window.js';

it('knows an event for at least as long, and as many events, as it says', () => {
  const window = new DedupeWindow<number>(100, 1000);
  window.set('s', 'first', 1, 0);
  for (let index = 0; index < 100; index += 1) window.set('s', `e${index}`, index, 500);
  expect(window.get('s', 'first', 999)).toBe(1);
});

it('forgets in the end, so that it does not grow', () => {
  const window = new DedupeWindow<number>(100, 1000);
  window.set('s', 'first', 1, 0);
  expect(window.get('s', 'first', 2500)).toBeUndefined();
  window.set('s', 'second', 1, 3000);
  for (let index = 0; index < 250; index += 1) window.set('s', `e${index}`, index, 3000);
  expect(window.get('s', 'second', 3000)).toBeUndefined();
});

it('keeps apart sources that use the same ids', () => {
  const window = new DedupeWindow<number>(100, 1000);
  window.set('a', '1', 1, 0);
  expect(window.get('b', '1', 0)).toBeUndefined();
});
