import { fork, type ChildProcess } from 'node:child_process';

/** What a process of the bench can be asked to do, by name; inputs and results travel as JSON. */
// oxlint-disable-next-line typescript/no-explicit-any -- each task has an input of its own
export type Tasks = Record<string, (input: any) => unknown>;

export interface Question {
  id: number;
  task: string;
  input: unknown;
}

export type Answer = { id: number; result: unknown } | { id: number; error: string };

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A process beside the measured one: load, sinks, loops to compare with. It ends with this process, however that comes,
 * because it notices when the channel closes.
 */
export class Worker<T extends Tasks> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** @param name a module of the folder `workers` */
  constructor(
    readonly name: string,
    execArgv: readonly string[] = [],
  ) {
    this.#child = fork(new URL(`./workers/${name}.js`, import.meta.url), {
      execArgv: ['--enable-source-maps', '--disable-warning=TimeoutNegativeWarning', ...execArgv],
    });
    this.#child.on('message', (answer: Answer) => this.#settle(answer));
    this.#child.once('exit', (code, signal) => {
      const error = new Error(`The process ${name} ended (${signal ?? `exit code ${code}`}).`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects when the task fails or its process ends. */
  ask<K extends keyof T & string>(task: K, input: Parameters<T[K]>[0]): Promise<Awaited<ReturnType<T[K]>>> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      if (!this.#child.connected) this.#settle({ id, error: 'is gone' });
      else this.#child.send({ id, task, input } satisfies Question);
    });
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    if (this.#child.connected) this.#child.disconnect();
    await exited;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(`${this.name}: ${answer.error}`));
    else waiting?.resolve(answer.result);
  }
}
