import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Kills every process that was given a folder as its TMPDIR, this one's descendants or not.
 *
 * @param endingMs how long a process that is ending may take before it counts as left behind
 * @returns their command lines. Where processes cannot be looked into (other than Linux) there are none to name.
 */
export async function killLeftovers(dir: string, endingMs = 2000): Promise<string[]> {
  const deadline = performance.now() + endingMs;
  while (processesWithTemporaryFolder(dir).length > 0 && performance.now() < deadline) await delay(50);
  const left = processesWithTemporaryFolder(dir);
  const names = left.map((pid) => `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ').slice(0, 120)}`);
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
  return names;
}

function processesWithTemporaryFolder(dir: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && read(pid, 'environ').split('\0').includes(`TMPDIR=${dir}`));
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // Gone, or another user's.
    return '';
  }
}
