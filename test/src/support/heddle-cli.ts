import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMINISTRATOR, CHECKOUT } from '@heddle/infra';
import { Arrivals } from './arrivals.js';
import type { Mesh } from './mesh.js';

/** What a command came to. */
export interface CliRun {
  code: number | null;
  out: string;
  said: string;
}

/** A command that goes on until it is ended. */
export interface CliProcess {
  /** What it wrote to the standard output, line by line. */
  lines: Arrivals<string>;
  /** The lines as JSON. */
  json<T>(): T[];
  said(): string;
  /** Resolves with what it came to once it has ended. */
  ended: Promise<CliRun>;
  /** Sends a signal; resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<CliRun>;
}

interface CliOptions {
  env?: Record<string, string>;
  input?: string;
  /** In place of the script of the command line. */
  nodeArgs?: readonly string[];
}

/** `heddle` as a process of its own, with a folder of configuration of its own, as the administrator of a mesh. */
export class HeddleCli {
  readonly #processes: CliProcess[] = [];

  private constructor(
    readonly dir: string,
    private readonly environment: Record<string, string>,
  ) {}

  static async of(mesh: Mesh, environment: Record<string, string> = {}): Promise<HeddleCli> {
    const dir = await mkdtemp(join(tmpdir(), 'heddle-cli-'));
    return new HeddleCli(dir, {
      GATEWAY_URL: mesh.url('gateway'),
      HEDDLE_CLIENT_ID: ADMINISTRATOR,
      HEDDLE_CLIENT_SECRET_FILE: mesh.secretFile(ADMINISTRATOR),
      ...environment,
    });
  }

  /** Of a folder, with nothing but this environment: who asks is not said by it. */
  static async in(folder: string, environment: Record<string, string>): Promise<HeddleCli> {
    return new HeddleCli(await mkdtemp(join(folder, 'cli-')), environment);
  }

  /** A command, to its end. */
  run(args: readonly string[], options: CliOptions = {}): Promise<CliRun> {
    return this.start(args, options).ended;
  }

  /** A command with `--json`, to its end, and what it wrote; its code must be this. */
  async json<T>(args: readonly string[], { code = 0, ...options }: CliOptions & { code?: number } = {}): Promise<T> {
    const run = await this.run([...args, '--json'], options);
    if (run.code !== code) throw new Error(`heddle ${args.join(' ')} ended with ${run.code}: ${run.said}${run.out}`);
    return JSON.parse(run.out) as T;
  }

  start(args: readonly string[], { env = {}, input = '', nodeArgs = [] }: CliOptions = {}): CliProcess {
    const script = join(CHECKOUT, 'apps/cli/bin/heddle.js');
    const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
      cwd: this.dir,
      env: { PATH: process.env['PATH'], XDG_CONFIG_HOME: this.dir, ...this.environment, ...env },
      stdio: 'pipe',
    });
    // A command that does not read its input may end before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const started = new StartedCommand(child);
    this.#processes.push(started);
    return started;
  }

  /** Ends what still runs, and removes its folder. */
  async close(): Promise<void> {
    for (const command of this.#processes) await command.end('SIGKILL');
    await rm(this.dir, { recursive: true, force: true });
  }
}

class StartedCommand implements CliProcess {
  readonly lines = new Arrivals<string>();
  readonly ended: Promise<CliRun>;
  #said = '';
  #rest = '';

  constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.ended = new Promise((resolve) =>
      child.once('close', (code) => resolve({ code, out: this.lines.all.join('\n') + this.#rest, said: this.#said })),
    );
  }

  json<T>(): T[] {
    return this.lines.all.map((line) => JSON.parse(line) as T);
  }

  said(): string {
    return this.#said;
  }

  end(signal: NodeJS.Signals): Promise<CliRun> {
    this.child.kill(signal);
    return this.ended;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.lines.add(line);
  }
}
