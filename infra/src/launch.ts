import { join } from 'node:path';
import type { Progress } from './progress.mjs';
import type { RunFile } from './run-file.js';
import { lastError, type Running } from './running.js';
import { STOP_ORDER } from './stop-order.js';

/** A second signal within this time is the same one: a terminal and npm both pass on a Ctrl-C. */
const SAME_SIGNAL_MS = 1000;

/** All that was started, so that it can be stopped in order, whatever the reason. */
export class Launch {
  #children: Running[] = [];
  #stopping: Promise<void> | undefined;
  #progress: Progress;
  #runFile: RunFile;
  #dataDir: string;

  constructor(progress: Progress, runFile: RunFile, dataDir: string) {
    this.#progress = progress;
    this.#runFile = runFile;
    this.#dataDir = dataDir;
  }

  readonly logFile = (name: string): string => {
    return join(this.#dataDir, 'logs', `${name}.log`);
  };

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** From now on this child is stopped with the rest, and the rest with it. */
  readonly onSpawn = (child: Running): void => {
    this.#children.push(child);
    this.#runFile.add(child);
    void child.exited.then(({ code, signal }) => {
      if (this.isStopping) return;
      const how = signal === null ? `exit code ${code}` : signal;
      void this.stopAll(
        1,
        `✖ ${child.name} ended by itself (${how}): ${lastError(child.logFile)} (log: ${child.logFile})`,
      );
    });
  };

  /** Stops everything in order when the terminal, the system, or the process that started this one says so. */
  listen(): void {
    let first: number | undefined;
    const stop = (): void => {
      const now = performance.now();
      first ??= now;
      if (now - first > SAME_SIGNAL_MS) this.#killAll();
      else void this.stopAll(0);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    // Whoever started this one is gone.
    process.on('disconnect', () => void this.stopAll(0));
    // A terminal that was closed takes no more lines; that must not be what ends this.
    process.stdout.on('error', () => {});
    process.stderr.on('error', () => {});
  }

  /** Stops everything in order, once, and ends this process. */
  async stopAll(exitCode: number, reason?: string): Promise<void> {
    this.#stopping ??= this.#stopInOrder(exitCode, reason);
    await this.#stopping;
  }

  async #stopInOrder(exitCode: number, reason: string | undefined): Promise<void> {
    this.#progress.ending();
    if (reason !== undefined) this.#progress.line(reason);
    for (const names of STOP_ORDER) {
      const group = this.#children.filter(({ name }) => names.includes(name));
      if (group.length === 0) continue;
      const stopped = (): Promise<unknown> => Promise.all(group.map((child) => child.stop()));
      await this.#progress.step(`stop ${group.map(({ name }) => name).join(', ')}`, stopped);
    }
    this.#runFile.release();
    process.exit(exitCode);
  }

  #killAll(): void {
    this.#progress.line('Killed. Nothing that was acknowledged is lost; the next start may take longer.');
    for (const child of this.#children) child.kill();
    this.#runFile.release();
    process.exit(130);
  }
}
