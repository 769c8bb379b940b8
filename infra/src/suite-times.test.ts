import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CHECKOUT } from './checkout.mjs';
import { suiteTimes } from './suite-times.js';

const file = (name: string, ms: number, tests: number): object => ({
  name: join(CHECKOUT, name),
  startTime: 1000,
  endTime: 1000 + ms,
  assertionResults: Array.from({ length: tests }, () => ({ status: 'passed' })),
});
const report = JSON.stringify({
  testResults: [
    file('libs/event/src/a.test.ts', 200, 2),
    file('libs/event/src/b.test.ts', 300, 1),
    file('apps/x/src/c.test.ts', 900, 4),
  ],
});

it('each suite is named with its time and its tests, the longest first', () => {
  const lines = suiteTimes(report, 'unit').map((line) => line.trim().replaceAll(/\s+/g, ' '));
  expect(lines).toEqual(['apps/x 0.9 s 4 tests', 'libs/event 0.5 s 3 tests']);
});

it('tests on a broker are named by file', () => {
  expect(suiteTimes(report, 'broker')).toHaveLength(3);
});

it('a run without a report has no suites', () => {
  expect(suiteTimes(undefined, 'unit')).toEqual([]);
});
