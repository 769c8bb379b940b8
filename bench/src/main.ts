import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench } from './bench.js';
import { benches } from './benches/benches.js';
import { Ground } from './ground.js';
import { reportProfiles } from './profile-summary.js';
import { Report } from './report.js';

const report = new Report((line) => process.stdout.write(`${line}\n`));
let dir: string | undefined;
let ground: Ground | undefined;
let isStopping = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void cutOff());
try {
  process.exitCode = await main();
} catch (error) {
  if (!isStopping) process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const options = Object.fromEntries(
    benches.flatMap((bench) => Object.keys(bench.options)).map((name) => [name, { type: 'string' as const }]),
  );
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { ...options, profile: { type: 'string' }, only: { type: 'string' }, quick: { type: 'boolean' } },
  });
  if (positionals.length === 0) {
    list();
    return 0;
  }
  const chosen = positionals.includes('all') ? benches : positionals.map(benchNamed);
  const { quick = false, ...sizes } = values;
  for (const bench of chosen) await runBench(bench, sizes as Record<string, string | undefined>, quick === true);
  report.conclusion();
  return report.faults.length > 0 ? 1 : 0;
}

async function runBench(bench: Bench, values: Record<string, string | undefined>, isQuick: boolean): Promise<void> {
  const parts = partsOf(bench, values['only']);
  report.title(`${bench.name}: ${bench.measures}`);
  const profile = values['profile'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values['profile'])}`];
  const begun = Date.now();
  dir = await mkdtemp(join(tmpdir(), 'heddle-bench-'));
  try {
    ground = await Ground.start(dir);
    await bench.run({
      ground,
      report,
      size: (option) => sizeOf(bench, option, values[option], isQuick),
      wants: (part) => parts.includes(part),
      measuredEnv: profile.length === 0 ? {} : { NODE_OPTIONS: profile.join(' ') },
      measuredArgs: profile,
    });
  } finally {
    if (!isStopping) await clear();
  }
  if (values['profile'] !== undefined) reportProfiles(report, resolve(values['profile']), begun);
  process.stdout.write('\n');
}

/** The parts asked for; all when none is named. */
function partsOf({ name, parts = [] }: Bench, only: string | undefined): readonly string[] {
  if (only === undefined) return parts;
  const wanted = only.split(',');
  const unknown = wanted.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Error(`${name} has no part ${unknown}: ${parts.join(', ') || 'it has none'}.`);
  return wanted;
}

function benchNamed(name: string): Bench {
  const bench = benches.find((each) => each.name === name);
  if (bench === undefined)
    throw new Error(`There is no bench ${name}: ${benches.map((each) => each.name).join(', ')}.`);
  return bench;
}

function sizeOf(bench: Bench, option: string, given: string | undefined, isQuick: boolean): number {
  const sizes = bench.options[option];
  const size = given === undefined ? ((isQuick ? sizes?.quick : undefined) ?? sizes?.default) : Number(given);
  if (size === undefined || !Number.isFinite(size) || size < 0) {
    throw new Error(`--${option} of ${bench.name} must be a number, not ${given ?? 'missing'}.`);
  }
  return size;
}

function list(): void {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  say('npm run bench -- NAME [--OPTION NUMBER]…   or all');
  for (const { name, measures, options, parts } of benches) {
    say('');
    say(`${name}: ${measures}`);
    if (parts !== undefined) say(`    --only          of ${parts.join(',')}`);
    for (const [option, { default: value, about }] of Object.entries(options)) {
      say(`    --${option.padEnd(14)}${about} (${value})`);
    }
  }
  say('');
  say('    --quick         sizes for trying it out');
  say('    --profile DIR   writes a CPU profile of the measured process there, and lists what took longest');
}

async function clear(): Promise<void> {
  await ground?.stop();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  ground = undefined;
  dir = undefined;
}

/** Stops what has been started. A second signal does not wait for it, and a start half way is not waited for either. */
async function cutOff(): Promise<void> {
  if (isStopping || ground === undefined) {
    // Registered last, it runs after the listeners that kill the processes with files in there.
    if (dir !== undefined) process.once('exit', removeNow.bind(undefined, dir));
    process.exit(130);
  }
  isStopping = true;
  await clear();
  process.exit(130);
}

function removeNow(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}
