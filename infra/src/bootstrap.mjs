import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CHECKOUT } from './checkout.mjs';
import { answers, requireJava } from './java.mjs';
import { LaunchError } from './launch-error.mjs';
import { fetchPrograms, hasPrograms } from './programs.mjs';
import { Progress } from './progress.mjs';

const exec = promisify(execFile);

/** The Node that runs everything of ours, brought by npm. */
const OWN_NODE = join(CHECKOUT, 'node_modules', '.bin', 'node');
const OWN_NODE_MAJOR = 24;
const LEAST_NODE_MAJOR = 20;

/**
 * From a bare checkout to a compiled program that runs: installs packages, fetches broker and registry, compiles, and
 * goes on in `entry` (a compiled file) under our own Node, with the arguments of this process.
 *
 * @param {{ entry: string, native: boolean, projects?: readonly string[] }} options `native`: whether broker and
 *   registry have to run here; `projects`: what is compiled, all when left out
 */
export async function bootstrap({ entry, native, projects = [] }) {
  const progress = new Progress();
  try {
    await prepare(progress, native, projects);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    progress.line(`✖ ${error.message}`);
    process.exit(1);
  }
  const file = join(CHECKOUT, entry);
  if (nodeMajor() >= OWN_NODE_MAJOR) {
    whenNpmIsGone(() => process.emit('disconnect'));
    await import(pathToFileURL(file).href);
  } else {
    const child = runUnderOwnNode(file);
    whenNpmIsGone(() => child.disconnect());
  }
}

/**
 * A SIGTERM to npm ends npm and its shell, and reaches nobody else: the parent of this process changes then.
 *
 * @param {() => void} gone
 */
function whenNpmIsGone(gone) {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, 500);
  timer.unref();
}

/**
 * @param {Progress} progress
 * @param {boolean} native
 * @param {readonly string[]} projects
 */
async function prepare(progress, native, projects) {
  if (nodeMajor() < LEAST_NODE_MAJOR) {
    throw new LaunchError(
      `Heddle needs Node ${LEAST_NODE_MAJOR} or later to start, and this is ${process.version}: install a newer one.`,
    );
  }
  const install = !isInstalled();
  if (install && !(await answers('npm', ['--version']))) {
    throw new LaunchError(
      'Heddle needs npm to fetch its packages, and there is none: install it (it comes with Node).',
    );
  }
  const fetch = native && !hasPrograms();
  if (native) await requireJava({ maven: fetch });
  const outcomes = await Promise.allSettled([
    install ? progress.step('packages (npm ci)', () => run('npm', ['ci', '--no-audit', '--no-fund'])) : undefined,
    fetch ? progress.step('broker and registry (Maven)', fetchPrograms) : undefined,
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  const compiler = join(CHECKOUT, 'node_modules', 'typescript', 'bin', 'tsc');
  await progress.step('build', () => run(OWN_NODE, [compiler, '-b', ...projects]));
}

/** Whether every package of the lock file is installed in its version; npm writes its own list when it is done. */
function isInstalled() {
  const list = join(CHECKOUT, 'node_modules', '.package-lock.json');
  if (!existsSync(list) || !existsSync(OWN_NODE)) return false;
  const installed = packagesOf(list);
  return Object.entries(packagesOf(join(CHECKOUT, 'package-lock.json'))).every(([path, { version, optional }]) => {
    if (!path.startsWith('node_modules/')) return true;
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Runs a tool quietly; what it wrote is shown only when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 */
async function run(command, args) {
  try {
    await exec(command, [...args], { cwd: CHECKOUT, maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    const { stdout, stderr } = /** @type {Error & { stdout: string, stderr: string }} */ (cause);
    const output = shortened(`${stdout}\n${stderr}`.trim().split('\n'));
    throw new LaunchError(`${[command, ...args].join(' ')} failed:\n${output}`, { cause });
  }
}

/**
 * The first and the last lines: npm says first what is wrong, others last.
 *
 * @param {string[]} lines
 */
function shortened(lines) {
  const kept = lines.length > 40 ? [...lines.slice(0, 20), '…', ...lines.slice(-20)] : lines;
  return kept.join('\n');
}

/**
 * Goes on under our own Node. It has a process group of its own, so that a signal reaches it once, from here; the IPC
 * channel tells it when this process is killed.
 *
 * @param {string} file
 */
function runUnderOwnNode(file) {
  const child = spawn(OWN_NODE, [file, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.once('exit', (code) => process.exit(code ?? 1));
  return child;
}

function nodeMajor() {
  return Number(process.versions.node.split('.')[0]);
}
