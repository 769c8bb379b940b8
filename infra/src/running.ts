import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { LaunchError } from './launch-error.mjs';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process that was started here. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process has ended, however that came. */
  readonly exited: Promise<Exit>;
  /** Asks it to end (SIGTERM), waits, and kills it when it has not ended after the time it was given. */
  stop(): Promise<void>;
  /** Kills it at once (SIGKILL), as a crash would. */
  kill(): void;
}

export type OnSpawn = (running: Running) => void;

export interface SpawnOptions {
  name: string;
  command: string;
  args: readonly string[];
  logFile: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
  /** Told of the process at once, long before it is ready. */
  onSpawn?: OnSpawn | undefined;
  /** An IPC channel, by which a Node child notices when this process is gone. */
  ipc?: boolean;
}

const alive = new Set<Running>();
// Whatever way this process ends by itself, it leaves none behind.
process.once('exit', () => {
  for (const running of alive) running.kill();
});

/**
 * Starts a process in a process group of its own, so that a Ctrl-C in the terminal reaches the one that started it only,
 * which then stops all in order. What it writes is appended to its log file.
 */
export async function spawnProcess(options: SpawnOptions): Promise<Running> {
  const { name, command, args, logFile, stopSignal = 'SIGTERM', stopTimeoutMs = 15_000 } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const output = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: options.ipc ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
  });
  closeSync(output);
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await started(child, name, command);
  // The channel exists to break; it must not keep this process alive.
  child.channel?.unref();
  child.on('error', () => {});
  const running: Running = {
    name,
    pid: child.pid ?? 0,
    logFile,
    exited,
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(stopSignal);
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
  alive.add(running);
  void exited.then(() => alive.delete(running));
  options.onSpawn?.(running);
  return running;
}

function started(child: ChildProcess, name: string, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(new LaunchError(`${name} cannot be started: ${command}: ${cause.message}.`, { cause })),
    );
  });
}

/** Waits until something is ready, or says with the last line of its log why the process behind it ended before. */
export async function readyOrExited(process: Running, ready: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const ended = process.exited.then(({ code, signal }) => {
    throw new LaunchError(
      `${process.name} ended while it was starting (${signal ?? `exit code ${code}`}): ${lastError(process.logFile)} (log: ${process.logFile})`,
    );
  });
  try {
    await Promise.race([ready(abort.signal), ended]);
  } finally {
    abort.abort();
    ended.catch(() => {});
  }
}

const ERROR_LINE = /error|fatal|exception|caused by|refused|denied|invalid|cannot|not allowed/i;
const STACK_LINE = /^\s+(at |\.\.\.)/;

/** The last line of a log that speaks of an error, else its last line; a JSON line gives its message. */
export function lastError(logFile: string): string {
  let lines: string[];
  try {
    lines = readFileSync(logFile, 'utf8').slice(-64_000).trimEnd().split('\n');
  } catch {
    return 'it wrote no log';
  }
  const telling = lines.findLast((line) => ERROR_LINE.test(line) && !STACK_LINE.test(line)) ?? lines.at(-1) ?? '';
  return messageOf(telling.trim()).slice(0, 400);
}

function messageOf(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((part) => part !== undefined).join(': ') || line;
  } catch {
    return line;
  }
}
