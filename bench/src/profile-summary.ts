import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from './report.js';

/** What Node writes with `--cpu-prof`, as far as it is looked at (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** A function or a file, and its share of the time in which the thread was busy. */
export interface Share {
  name: string;
  seconds: number;
  percent: number;
}

const NOT_WORK = new Set(['(idle)', '(root)']);
const LISTED = { functions: 25, files: 15 };

/** Time spent in each function itself, without what it called, most first. */
export function selfTimes(
  { nodes, samples, timeDeltas }: CpuProfile,
  nameOf: (frame: CpuProfile['nodes'][number]['callFrame']) => string,
): { busySeconds: number; shares: Share[] } {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const idle = new Set(nodes.filter(({ callFrame }) => NOT_WORK.has(callFrame.functionName)).map(({ id }) => id));
  const micros = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    if (idle.has(id)) continue;
    const spent = Math.max(0, timeDeltas[index] ?? 0);
    const name = names.get(id) ?? '?';
    micros.set(name, (micros.get(name) ?? 0) + spent);
    busy += spent;
  }
  const shares = [...micros].map(([name, spent]) => ({
    name,
    seconds: spent / 1_000_000,
    percent: busy === 0 ? 0 : (spent / busy) * 100,
  }));
  return { busySeconds: busy / 1_000_000, shares: shares.sort((a, b) => b.seconds - a.seconds) };
}

/** Lists what took longest in the profiles of a folder that were written since then, one for each thread. */
export function reportProfiles(report: Report, dir: string, since: number): void {
  for (const file of readdirSync(dir)) {
    const path = join(dir, file);
    if (!file.endsWith('.cpuprofile') || statSync(path).mtimeMs < since) continue;
    const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
    const functions = selfTimes(profile, ({ functionName, url, lineNumber }) =>
      `${functionName || '(anonymous)'}  ${placeOf(url)}${url === '' ? '' : `:${lineNumber + 1}`}`.trim(),
    );
    const files = selfTimes(profile, ({ functionName, url }) => (url === '' ? functionName : placeOf(url)));
    report.section(`${file}: ${functions.busySeconds.toFixed(1)} s of work`);
    for (const [list, count] of [
      [functions.shares, LISTED.functions],
      [files.shares, LISTED.files],
    ] as const) {
      for (const { name, percent } of list.slice(0, count)) report.note(`${percent.toFixed(1).padStart(5)} %  ${name}`);
      report.note('');
    }
  }
}

/** The last folders of a path, which is all one needs to find the file. */
function placeOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  const ours = path.lastIndexOf('/node_modules/');
  return ours < 0 ? path.split('/').slice(-5).join('/') : path.slice(ours + '/node_modules/'.length);
}
