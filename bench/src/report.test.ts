import { beforeEach, describe, expect, it } from 'vitest';
import { Report, atLeast, atMost, median } from './report.js';

describe('a report', () => {
  let lines: string[];
  let report: Report;

  beforeEach(() => {
    lines = [];
    report = new Report((line) => lines.push(line));
  });

  it('judges the median of the runs, and shows every run', () => {
    report.figure({ label: 'rate', values: [16_000, 9000, 15_200], unit: 'requests/s', target: atLeast(15_000) });
    expect(lines[0]).toMatch(
      /rate +15,200 requests\/s +target at least 15,000: reached {2}\[9,000 · 15,200 · 16,000\]/,
    );
  });

  it('says which targets were not reached, and under which bench', () => {
    report.title('publish: events over HTTP');
    report.figure({ label: 'p50', values: [1.234], unit: 'ms', target: atMost(1) });
    report.figure({ label: 'p99', values: [4], unit: 'ms', target: atMost(30) });
    report.conclusion();
    expect(lines[1]).toMatch(/1\.23 ms +target at most 1: NOT REACHED/);
    expect(lines.slice(-2)).toEqual([
      '1 of 2 targets reached; not reached:',
      '  publish: p50 1.23 ms (target at most 1)',
    ]);
  });

  it('repeats at its end what went wrong', () => {
    report.title('latency: from end to end');
    report.fault('3 events did not come');
    report.conclusion();
    expect(lines.slice(-2)).toEqual(['1 faults:', '  latency: 3 events did not come']);
  });

  it('counts a figure that could not be measured as not reached', () => {
    report.figure({ label: 'rate', values: [], unit: '/s', target: atLeast(1) });
    expect(report.missed).toHaveLength(1);
  });
});

describe('the median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });
});
