import type { Ground } from './ground.js';
import type { Report } from './report.js';

/** A size of a bench that can be set by an argument of its name. */
export interface Option {
  default: number;
  about: string;
  /** Its size when the bench is only tried out (`--quick`); the default where it says nothing. */
  quick?: number;
}

/** One bench: what it measures, its sizes, and how. */
export interface Bench {
  name: string;
  measures: string;
  options: Record<string, Option>;
  /** What it is made of, where that can be chosen from by `--only`. */
  parts?: readonly string[];
  /** Prints its figures; throws when what was measured did not do its work. */
  run(context: BenchContext): Promise<void>;
}

export interface BenchContext {
  ground: Ground;
  report: Report;
  /** The size asked for. */
  size(option: string): number;
  /** Whether a part is asked for. */
  wants(part: string): boolean;
  /** Set on the measured process: a CPU profile is written when it ends, if one was asked for. */
  measuredEnv: Record<string, string>;
  /** The same as arguments of Node, for a measured process that is no part of the mesh. */
  measuredArgs: readonly string[];
}

/** The options that benches of several timed runs have in common. */
export function runOptions(seconds: number, runs: number): Record<'seconds' | 'runs' | 'warm-up', Option> {
  return {
    seconds: { default: seconds, about: 'seconds of a run', quick: Math.min(seconds, 3) },
    runs: { default: runs, about: 'runs; the median counts', quick: 1 },
    'warm-up': { default: 3, about: 'seconds before the first run', quick: 2 },
  };
}

/** The results of so many runs, one after another. */
export async function repeated<T>(runs: number, run: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < runs; index += 1) results.push(await run(index));
  return results;
}
