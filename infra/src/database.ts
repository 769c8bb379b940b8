import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresBinaries } from './postgres-binaries.js';
import { readyOrExited, spawnProcess, type OnSpawn, type Running } from './running.js';
import { ownedByDatabaseUser, withoutRoot } from './unprivileged.js';
import pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';

const exec = promisify(execFile);

export interface DatabaseOptions {
  /** The cluster's files; initialised when there are none yet. */
  dir: string;
  port: number;
  logFile: string;
  onSpawn?: OnSpawn | undefined;
}

/** Name and password are the same, and known: it listens on loopback only. */
const USER = 'heddle';

/** URL of the server; a service makes its own database on it. */
export function databaseUrl(port: number): string {
  return `postgres://${USER}:${USER}@127.0.0.1:${port}/postgres`;
}

/** A PostgreSQL server on loopback; resolves once it answers a query. Its data outlives it. */
export async function startDatabase({
  dir,
  port,
  logFile,
  onSpawn,
}: DatabaseOptions): Promise<Running & { url: string }> {
  const binaries = await postgresBinaries();
  if (!existsSync(join(dir, 'PG_VERSION'))) await initialise(dir, binaries.initdb);
  const [command, args] = await withoutRoot(binaries.postgres, ['-D', dir, ...flags(port)]);
  const running = await spawnProcess({
    name: 'PostgreSQL',
    command,
    args,
    logFile,
    onSpawn,
    cwd: '/',
    // SIGINT is its "fast shutdown": open transactions are rolled back, nothing committed is lost.
    stopSignal: 'SIGINT',
    env: { ...process.env, LC_MESSAGES: 'C' },
  });
  const url = databaseUrl(port);
  await readyOrExited(running, (signal) => waitForQuery(url, signal));
  return Object.assign(running, { url });
}

async function initialise(dir: string, initdb: string): Promise<void> {
  // A start that died half way leaves files but no PG_VERSION, and initdb wants an empty directory.
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const password = `${dir}.password`;
  await writeFile(password, `${USER}\n`);
  await chmod(password, 0o600);
  await ownedByDatabaseUser(dir, password);
  try {
    const [command, args] = await withoutRoot(initdb, [
      `--pgdata=${dir}`,
      `--username=${USER}`,
      `--pwfile=${password}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]);
    await exec(command, args, { cwd: '/' });
  } finally {
    await rm(password, { force: true });
  }
}

function flags(port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '64MB',
  };
  return ['-p', String(port), ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])];
}

async function waitForQuery(url: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (performance.now() > deadline) throw error;
      await delay(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
