import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heddle } from './heddle.js';
import { readEnvironment } from './settings.js';
import type { Terminal } from './terminal.js';

/** What a command line came to, without a process. */
export interface TrialRun {
  code: number;
  out: string;
  said: string;
}

/** Runs a command line in this process, with an environment that has nothing but what is given. */
export async function runHeddle(argv: readonly string[], environment: Record<string, string> = {}): Promise<TrialRun> {
  const out: string[] = [];
  const said: string[] = [];
  const terminal: Terminal = {
    out: (line) => void out.push(line),
    say: (line) => void said.push(line),
    isInteractive: false,
    hasColours: false,
    environment: readEnvironment({ XDG_CONFIG_HOME: newFolder(), ...environment }),
    input: () => Promise.resolve(''),
  };
  const code = await heddle(argv, terminal, new AbortController().signal);
  return { code, out: out.join('\n'), said: said.join('\n') };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'heddle-cli-'));
}

/** The words of a line as a shell would hand them over; what stands beside `heddle` in it is left out. */
export function argvOf(line: string): string[] {
  const own = line.slice(line.indexOf('heddle ') + 'heddle '.length).replace(/\)$|\s[<>]\s.*$/, '');
  return [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}
