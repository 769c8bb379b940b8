import { join } from 'node:path';
import { CHECKOUT } from './checkout.mjs';
import { spawnProcess, type OnSpawn, type Running } from './running.js';

export interface NodeOptions {
  name: string;
  /** The file to run, relative to the checkout: `apps/gateway/dist/main.js`. */
  script: string;
  args?: readonly string[];
  /** Added to the environment of this process; `undefined` takes out of it. */
  env: Record<string, string | undefined>;
  logFile: string;
  onSpawn?: OnSpawn | undefined;
}

/**
 * What every Node process of the mesh runs with: stacks that name sources, no warning of a client's own making, and room
 * for young objects in which what is fetched at once dies before it is moved (bench/README.md has what that saves).
 */
const NODE_OPTIONS = [
  '--enable-source-maps',
  '--disable-warning=TimeoutNegativeWarning',
  '--max-semi-space-size=32',
] as const;

/** What is compiled once is not compiled again by the next process, nor at the next start. */
const COMPILED = join(CHECKOUT, 'node_modules', '.cache', 'compiled');

/** Variables for what starts the mesh; a process that does not know them would refuse to start over them. */
const NOT_FOR_CHILDREN = {
  HEDDLE_DATA: undefined,
  HEDDLE_TEST_STACK: undefined,
  HEDDLE_TEST_SEED: undefined,
  HEDDLE_TEST_FAILING_SECONDS: undefined,
  HEDDLE_TOKEN: undefined,
  HEDDLE_CLIENT_ID: undefined,
  HEDDLE_CLIENT_SECRET: undefined,
  HEDDLE_CLIENT_SECRET_FILE: undefined,
};

/** Starts a Node process of ours, with this process's own Node. It stops in order when this process is gone. */
export async function spawnNode({ name, script, args = [], env, logFile, onSpawn }: NodeOptions): Promise<Running> {
  return spawnProcess({
    name,
    command: process.execPath,
    args: [...NODE_OPTIONS, join(CHECKOUT, script), ...args],
    cwd: CHECKOUT,
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...NOT_FOR_CHILDREN, ...env },
    logFile,
    onSpawn,
    ipc: true,
    stopTimeoutMs: 30_000,
  });
}
