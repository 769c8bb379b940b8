import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientTokens } from '@heddle/auth';
import { ADMINISTRATOR, type Running, freePort, readyOrExited, spawnNode, waitForHttp } from '@heddle/infra';
import { expect } from 'vitest';
import { addKey } from './keyring.js';
import { call } from './http-call.js';
import type { Mesh } from './mesh.js';

/** A message as the monitor shows it. */
export interface MessageView {
  id: string;
  flow: string;
  message: string;
  state: string;
  attempts: number;
  retriedByHand: number;
  dueAt?: string;
  cancelling?: string;
  error?: string;
  answer?: { status: number; excerpt?: string };
  steps: { name: string; ms: number; error?: string }[];
}

/** What the runner's client may do: what its flows need of queues, types and dead letters. */
const PERMISSIONS = [
  ...['publish:type:*', 'publish:topic:*', 'publish:queue:*'],
  ...['consume:type:*', 'consume:queue:*', 'replay:queue:*'],
];

/** The runner of integration flows, as a process of its own, beside a mesh; it can be killed and started again. */
export class FlowRunner {
  #running: Running | undefined;

  private constructor(
    readonly url: string,
    private readonly env: Record<string, string>,
    private readonly dir: string,
  ) {}

  /** Starts it with the flows of a folder, as a client of its own. */
  static async start(mesh: Mesh, folder: string, env: Record<string, string>): Promise<FlowRunner> {
    const dir = await mkdtemp(join(tmpdir(), 'heddle-runner-'));
    const client = `runner-${Math.random().toString(36).slice(2)}`;
    const made = await call('PUT', `${mesh.url('gateway')}/v1/clients/${client}`, {
      body: { permissions: PERMISSIONS },
    });
    expect(made.status, made.text).toBe(201);
    const { clientId, clientSecret } = made.json as { clientId: string; clientSecret: string };
    const port = await freePort();
    const runner = new FlowRunner(
      `http://127.0.0.1:${port}`,
      {
        HOST: '127.0.0.1',
        PORT: String(port),
        HEDDLE_ISSUER_URL: mesh.url('gateway'),
        HEDDLE_FLOWS_DIR: folder,
        HEDDLE_FLOWS_DATA_DIR: join(dir, 'data'),
        HEDDLE_MESSAGE_STALE_MS: '1000',
        HEDDLE_FLOWS_HTTP: 'true',
        HEDDLE_CLIENT_ID: clientId,
        HEDDLE_CLIENT_SECRET: clientSecret,
        ...env,
      },
      dir,
    );
    addKey(runner.url, new ClientTokens(await mesh.credentialsOf(ADMINISTRATOR)));
    await runner.startAgain();
    return runner;
  }

  /** Resolves once it is ready. */
  async startAgain(): Promise<void> {
    const logFile = join(this.dir, 'flows.log');
    this.#running = await spawnNode({ name: 'flows', script: 'apps/flows/dist/main.js', logFile, env: this.env });
    await readyOrExited(this.#running, (signal) => waitForHttp(`${this.url}/healthz/ready`, { signal }));
  }

  /** Kills it with SIGKILL; resolves once it is gone. */
  async kill(): Promise<void> {
    this.#running?.kill();
    await this.#running?.exited;
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  async messages(query: Record<string, string> = {}): Promise<MessageView[]> {
    const { status, text, json } = await call('GET', `${this.url}/messages?${new URLSearchParams(query).toString()}`);
    expect(status, text).toBe(200);
    return (json as { messages: MessageView[] }).messages;
  }

  /** The one entry of a message. */
  async entryOf(message: string): Promise<MessageView> {
    const found = await this.messages({ message });
    expect(found).toHaveLength(1);
    return found[0]!;
  }
}
