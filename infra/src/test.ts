import { execFile, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT } from './checkout.mjs';
import { killLeftovers } from './leftovers.js';
import { Progress } from './progress.mjs';
import { COMPILED } from './spawn-node.js';
import { suiteTimes } from './suite-times.js';
import { NO_TESTS, countTests, plus, summary, type TestCount } from './test-count.js';

/** The checks that need nothing running; scripts of package.json, so that each can be run alone. */
const CHECKS = ['lint', 'format', 'boundaries', 'unused'];
/** The projects of vitest.config.ts, in this order. */
const PROJECTS = ['unit', 'broker'];

const VITEST = join(CHECKOUT, 'node_modules', 'vitest', 'vitest.mjs');

const progress = new Progress();
const children = new Set<ChildProcess>();
// All that is started below takes this as its place for temporary files, and is known by it: whatever is left behind is
// found and removed.
const dir = await mkdtemp(join(tmpdir(), 'heddle-test-'));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void abort());
process.once('disconnect', () => void abort());

let failed = false;
let count: TestCount = NO_TESTS;
for (let at = 0; at < CHECKS.length; at += availableParallelism()) {
  await Promise.all(CHECKS.slice(at, at + availableParallelism()).map((check) => step(check, () => npmRun(check))));
}
for (const project of PROJECTS) await step(`${project} tests`, () => runProject(project));
const left = await killLeftovers(dir);
if (left.length > 0) {
  failed = true;
  progress.line(`✖ left running, and killed: ${left.join('; ')}`);
}
await rm(dir, { recursive: true, force: true });
progress.line(summary(count));
process.exit(failed || count.failed > 0 ? 1 : 0);

async function step(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await progress.step(name, work);
  } catch (error) {
    failed = true;
    progress.line(error instanceof Error ? error.message : String(error));
  }
}

async function npmRun(script: string): Promise<void> {
  await run('npm', ['run', '--silent', script]);
}

/** The count comes from the runner's own report; no report is a failure too. */
async function runProject(project: string): Promise<void> {
  const report = join(dir, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  try {
    await run(process.execPath, [VITEST, 'run', '--project', project, '--passWithNoTests', ...reporters]);
  } finally {
    const text = await readFile(report, 'utf8').catch(() => undefined);
    count = plus(count, countTests(text));
    for (const line of suiteTimes(text, project)) progress.line(line);
  }
}

/** Runs quietly; a failure carries all that was written. */
async function run(command: string, args: readonly string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const options = { cwd: CHECKOUT, env: environment(), maxBuffer: 256 * 1024 * 1024 };
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      children.delete(child);
      if (error === null) resolve();
      else reject(new Error(`${stdout}\n${stderr}`.trim()));
    });
    children.add(child);
  });
}

/** Tests must not reach what somebody's environment points at. */
function environment(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: COMPILED, ...process.env, TMPDIR: dir, NO_COLOR: '1' };
  for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'HEDDLE_DATA']) delete env[name];
  return env;
}

async function abort(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  await killLeftovers(dir);
  await rm(dir, { recursive: true, force: true });
  process.exit(130);
}
