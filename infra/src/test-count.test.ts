import { expect, test } from 'vitest';
import { NO_TESTS, countTests, plus, summary } from './test-count.js';

const report = {
  numPassedTests: 3,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [{ status: 'failed', assertionResults: [{}] }],
};

test('the tests of several runs are one sum', () => {
  const run = countTests(JSON.stringify(report));
  expect(summary(plus(run, plus(run, NO_TESTS)))).toBe('tests: 6 passed, 2 failed, 6 skipped');
});

test('a test file that cannot be loaded counts as a failure', () => {
  const testResults = [...report.testResults, { status: 'failed', assertionResults: [] }];
  expect(countTests(JSON.stringify({ ...report, testResults })).failed).toBe(2);
});

test('a run that left no report counts as a failure', () => {
  expect(countTests(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
