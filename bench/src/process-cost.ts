import { readFileSync, readdirSync } from 'node:fs';

/** What a process, and all below it, has used of the machine so far. */
export interface Cost {
  /** User and system time of all its threads; children that have ended count in. */
  cpuSeconds: number;
  rssBytes: number;
}

/** Clock ticks per second and bytes per page in `/proc`: fixed on Linux, as far as processes can see (proc(5)). */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface ProcessStat {
  pid: number;
  parent: number;
  ticks: number;
  pages: number;
}

/** @throws Error where there is no `/proc`: processor time cannot be read in another way without a native module */
export function costOf(pid: number): Cost {
  const all = readProcesses();
  const wanted = new Set([pid]);
  // A child may stand before its parent in the list: pids wrap around.
  for (let before = 0; before !== wanted.size;) {
    before = wanted.size;
    for (const { pid: child, parent } of all) if (wanted.has(parent)) wanted.add(child);
  }
  const own = all.filter(({ pid: each }) => wanted.has(each));
  return {
    cpuSeconds: own.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND,
    rssBytes: own.reduce((sum, { pages }) => sum + pages, 0) * PAGE_BYTES,
  };
}

/** The process below this one whose command line has the text, if there is one. */
export function childWith(text: string): number | undefined {
  return readProcesses().find(({ pid, parent }) => parent === process.pid && commandOf(pid).includes(text))?.pid;
}

/** The fields of one line of `/proc/<pid>/stat`; the name in parentheses may have spaces and parentheses itself. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    ticks: field(14) + field(15) + field(16) + field(17),
    pages: field(24),
  };
}

function readProcesses(): ProcessStat[] {
  const stats: ProcessStat[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      stats.push(parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')));
    } catch {
      // It ended in between.
    }
  }
  return stats;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
