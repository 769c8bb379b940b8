import { expect, it } from 'vitest';
import { DedupeWindow, DedupeWindows } from './dedupe-window.js';

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

it('keeps apart tenants, of which none drives out what another one had', () => {
  const windows = new DedupeWindows<number>(4000, 1000);
  windows.of('acme', 0).set('s', '1', 1, 0);
  expect(windows.of('other', 0).get('s', '1', 0)).toBeUndefined();
  for (let index = 0; index < 10_000; index += 1) windows.of('other', 0).set('s', `e${index}`, index, 0);
  expect(windows.of('acme', 0).get('s', '1', 0)).toBe(1);
  expect([windows.of('acme', 0).maxEntries, windows.of('other', 0).maxEntries]).toEqual([2000, 2000]);
});

it('a tenant that is quiet for long leaves its share to the others', () => {
  const windows = new DedupeWindows<number>(4000, 1000);
  windows.of('quiet', 0);
  windows.of('acme', 0);
  expect(windows.of('acme', 60_000).maxEntries).toBe(4000);
});
