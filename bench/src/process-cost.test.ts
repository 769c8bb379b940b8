import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { costOf, parseStat } from './process-cost.js';

describe('the cost of a process', () => {
  it('is read from a line whose command has spaces and parentheses', () => {
    const line =
      '4711 (a (b) c) S 42 1 1 0 -1 4194560 9 9 0 0 150 50 7 3 20 0 11 0 999 1000000 256 18446744073709551615 1 1';
    expect(parseStat(line)).toEqual({ pid: 4711, parent: 42, ticks: 210, pages: 256 });
  });

  it('counts the work of children in, also after they have ended', async () => {
    const before = costOf(process.pid).cpuSeconds;
    const work = 'const end = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < end);';
    await once(spawn(process.execPath, ['-e', work]), 'exit');
    expect(costOf(process.pid).cpuSeconds - before).toBeGreaterThanOrEqual(0.15);
  });
});
