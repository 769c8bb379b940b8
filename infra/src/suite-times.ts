import { relative } from 'node:path';
import { CHECKOUT } from './checkout.mjs';

interface Report {
  testResults: { name: string; startTime: number; endTime: number; assertionResults: { status: string }[] }[];
}

interface Suite {
  tests: number;
  ms: number;
}

/**
 * A line for each suite of a run by its JSON report, the longest first: how many tests, and how long they took. The
 * quick ones, tests beside their sources, are one suite per workspace; those on a broker are one per file.
 */
export function suiteTimes(report: string | undefined, project: string): string[] {
  if (report === undefined) return [];
  const suites = new Map<string, Suite>();
  for (const { name, startTime, endTime, assertionResults } of (JSON.parse(report) as Report).testResults) {
    const file = relative(CHECKOUT, name);
    const suite = project === 'unit' ? file.split('/').slice(0, 2).join('/') : file;
    const { tests, ms } = suites.get(suite) ?? { tests: 0, ms: 0 };
    suites.set(suite, { tests: tests + assertionResults.length, ms: ms + Math.max(0, endTime - startTime) });
  }
  return [...suites]
    .toSorted(([, a], [, b]) => b.ms - a.ms)
    .map(([name, { tests, ms }]) => `    ${name.padEnd(56)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${tests} tests`);
}
