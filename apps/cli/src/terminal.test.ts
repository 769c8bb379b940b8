import { expect, it } from 'vitest';
import { processTerminal } from './terminal.js';
import { runHeddle } from './cli-trial.js';

it.each([
  [true, {}, true],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, {}, false],
])('on a terminal (%s) with %j there are colours: %s', (isTTY, env, hasColours) => {
  const terminal = processTerminal({ stdout: { isTTY }, stderr: {}, stdin: {}, env } as unknown as NodeJS.Process);
  expect(terminal.hasColours).toBe(hasColours);
});

it('a result is text, JSON or YAML, as it is asked for', async () => {
  expect((await runHeddle(['context', 'list', '-o', 'yaml'])).out).toBe('[]');
  expect((await runHeddle(['context', 'list', '--output', 'json'])).out).toBe('[]');
  expect((await runHeddle(['context', 'list', '-o', 'table'])).out).toBe('none: heddle login keeps one');
});
