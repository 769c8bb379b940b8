import { expect, it } from 'vitest';
import { FILES, SOURCES, linesOf, read } from './tree.js';

const MAX_LINES = 400;
/** Who talks to a person at a terminal. */
const CONSOLES = /^(infra|bench|examples|apps\/cli)\/|^libs\/schema\/src\/cli\.ts$/;
/** Who may know the environment: the one reader of settings, what starts processes, and the tests of either. */
const ENVIRONMENTS =
  /^libs\/runtime\/src\/settings(\.test)?\.ts$|^(infra|bench|examples|test)\/|^libs\/schema\/src\/cli\.ts$/;

it('a file that grows past 400 lines becomes two', () => {
  const long = SOURCES.filter((file) => read(file).trimEnd().split('\n').length > MAX_LINES);
  expect(long).toEqual([]);
});

it('what is left to do stands in an issue that the line names', () => {
  // In brackets, so that this file does not find itself.
  const left = /\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b(?!.*#\d+)/;
  expect(SOURCES.flatMap((file) => linesOf(file, left))).toEqual([]);
});

it('settings are read in one place, and nobody else looks at the environment', () => {
  const elsewhere = SOURCES.filter((file) => !ENVIRONMENTS.test(file));
  expect(elsewhere.flatMap((file) => linesOf(file, /\bprocess\.env\b/))).toEqual([]);
});

it('processes of the mesh write to their log, never to the console', () => {
  const silent = SOURCES.filter((file) => !CONSOLES.test(file));
  expect(silent.flatMap((file) => linesOf(file, /^(?!\s*(\/\/|\*|\/\*)).*\bconsole\.[a-z]+\(/))).toEqual([]);
});

it('a rule of the linter is switched off for one line, with the reason', () => {
  // In brackets, so that this file does not find itself.
  const off = /(ox|es)lint-d[i]sable(?!-next-line [a-z/-]+(, [a-z/-]+)* -- \S)/;
  expect(SOURCES.flatMap((file) => linesOf(file, off))).toEqual([]);
});

it('relative imports name the file they mean', () => {
  const bare = /^(?:import|export)\b.*\bfrom '\.{1,2}\/(?![^']*\.(?:m?js|json)')[^']*'/;
  expect(SOURCES.flatMap((file) => linesOf(file, bare))).toEqual([]);
});

it('the door of a library lists names', () => {
  const doors = FILES.filter((file) => /^(libs\/[a-z-]+|infra)\/src\/index\.ts$/.test(file));
  expect(doors.length).toBeGreaterThan(0);
  expect(doors.flatMap((file) => linesOf(file, /^export \*/))).toEqual([]);
});

it('indexes stand at doors only', () => {
  const doors = /^(libs\/[a-z-]+\/src|infra\/src|schemas)\/index\.ts$/;
  expect(SOURCES.filter((file) => /\/index\.[a-z]+$/.test(file) && !doors.test(file))).toEqual([]);
});
