import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LaunchError } from './launch-error.mjs';
import { MESH_APPS } from './mesh-apps.js';
import { identityOf } from './process-identity.js';
import type { Running } from './running.js';
import { stopRank } from './stop-order.js';

interface Entry {
  name: string;
  pid: number;
  identity: string;
}

interface Contents {
  launcher: Entry;
  children: Entry[];
}

const STOP_TIMEOUT_MS = 20_000;
/** Our own processes stop by themselves when their launcher is gone; a signal on top would cut that short. */
const OWN_STOP_MS = 10_000;

/**
 * The file in the data folder that says which processes work on it: it keeps a second start away, and leads a start
 * after a crash to what the crashed one left running.
 */
export class RunFile {
  #path: string;
  #contents: Contents;

  private constructor(path: string) {
    this.#path = path;
    this.#contents = { launcher: entryOf('npm start', process.pid), children: [] };
  }

  /**
   * Takes the data folder for this process; what a killed launcher left running is stopped first.
   *
   * @returns the file, and the names of what was stopped
   * @throws LaunchError when another launcher works on the folder
   */
  static async claim(dataDir: string): Promise<{ runFile: RunFile; stopped: string[] }> {
    mkdirSync(dataDir, { recursive: true });
    const path = join(dataDir, 'run.json');
    const left = read(path);
    if (left !== undefined && isAlive(left.launcher)) {
      throw new LaunchError(
        `Heddle runs on ${dataDir} already: stop it first (Ctrl-C where it runs, or kill ${left.launcher.pid}), or name another folder in HEDDLE_DATA and other ports.`,
      );
    }
    const orphans = (left?.children ?? []).filter(isAlive);
    for (const orphan of orphans.toSorted((a, b) => stopRank(a.name) - stopRank(b.name))) await stop(orphan);
    const runFile = new RunFile(path);
    runFile.#write();
    return { runFile, stopped: orphans.map(({ name }) => name) };
  }

  add({ name, pid }: Running): void {
    this.#contents.children.push(entryOf(name, pid));
    this.#write();
  }

  /** Gives the folder back; nothing may run on it any more. */
  release(): void {
    rmSync(this.#path, { force: true });
  }

  #write(): void {
    writeFileSync(this.#path, JSON.stringify(this.#contents, undefined, 2));
  }
}

function entryOf(name: string, pid: number): Entry {
  return { name, pid, identity: identityOf(pid) ?? '' };
}

function read(path: string): Contents | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Contents;
  } catch {
    // None, or broken off in the middle of a write by a crash: the ports tell then.
    return undefined;
  }
}

function isAlive({ pid, identity }: Entry): boolean {
  return identity !== '' && identityOf(pid) === identity;
}

async function stop(entry: Entry): Promise<void> {
  const own = (MESH_APPS as readonly string[]).includes(entry.name);
  if (own && (await isGoneWithin(entry, OWN_STOP_MS))) return;
  // For PostgreSQL a SIGTERM means to wait for its clients, which are gone or going; SIGINT does not wait.
  signal(entry, entry.name === 'PostgreSQL' ? 'SIGINT' : 'SIGTERM');
  if (await isGoneWithin(entry, STOP_TIMEOUT_MS)) return;
  signal(entry, 'SIGKILL');
  await isGoneWithin(entry, STOP_TIMEOUT_MS);
}

function signal({ pid }: Entry, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended in between.
  }
}

async function isGoneWithin(entry: Entry, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (isAlive(entry)) {
    if (performance.now() > deadline) return false;
    await delay(50);
  }
  return true;
}
