import type { Ground } from './ground.js';
import { costOf } from './process-cost.js';
import type { Report } from './report.js';

/** What a piece of work cost: CPU-seconds by process, and the memory of the measured one at its end. */
export interface Spent {
  /** Of the measured process. */
  cpuSeconds: number;
  /** Of the processes it leans on, as far as they can be seen. */
  others: Record<string, number>;
  rssBytes: number;
  seconds: number;
}

/**
 * Does the work, and says what it cost the process.
 *
 * @param beside pids of further processes of the bench, by name, whose cost is shown
 */
export async function metered<T>(
  ground: Ground,
  pid: number,
  work: () => Promise<T>,
  beside: Record<string, number> = {},
): Promise<{ result: T; spent: Spent }> {
  const parts = ['broker', 'database'] as const;
  const besideBefore = Object.entries(beside).map(([name, each]) => [name, each, costOf(each).cpuSeconds] as const);
  const before = parts.map((part) => ground.cost(part)?.cpuSeconds);
  const own = costOf(pid).cpuSeconds;
  const started = performance.now();
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  const { cpuSeconds, rssBytes } = costOf(pid);
  const others: Record<string, number> = {};
  for (const [index, part] of parts.entries()) {
    const after = ground.cost(part)?.cpuSeconds;
    if (after !== undefined) others[part] = after - (before[index] ?? 0);
  }
  for (const [name, each, spentBefore] of besideBefore) others[name] = costOf(each).cpuSeconds - spentBefore;
  return { result, spent: { cpuSeconds: cpuSeconds - own, others, rssBytes, seconds } };
}

/** CPU-seconds of the measured process and the broker: what a delivery costs the stack, without load and sinks. */
export function ofStack({ cpuSeconds, others }: Spent): number {
  return cpuSeconds + (others['broker'] ?? 0);
}

/** The lines on cost that every bench has; `counts` are the things done in each run. */
export function reportCost(
  report: Report,
  name: string,
  runs: readonly Spent[],
  counts: readonly number[],
  what: string,
): void {
  const perThousand = (seconds: (spent: Spent) => number): number[] =>
    runs.map((spent, index) => (seconds(spent) / (counts[index] ?? 0)) * 1000);
  const unit = `CPU-s per 1,000 ${what}`;
  report.figure({ label: name, values: perThousand(({ cpuSeconds }) => cpuSeconds), unit });
  for (const part of Object.keys(runs[0]?.others ?? {})) {
    const values = perThousand(({ others }) => others[part] ?? 0);
    if (values.some((value) => value > 0)) report.figure({ label: part, values, unit });
  }
  const mebibytes = runs.map(({ rssBytes }) => rssBytes / 1024 / 1024);
  report.figure({ label: `${name}, memory (RSS)`, values: [Math.max(...mebibytes)], unit: 'MiB' });
}
