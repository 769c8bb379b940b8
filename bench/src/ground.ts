import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClientTokens } from '@heddle/auth';
import {
  ADMINISTRATOR,
  MESH_APPS,
  freePorts,
  makeClients,
  registerOwnSchemas,
  secretFile,
  startMeshApp,
  startStack,
  urlOf,
  type MeshApp,
  type MeshPorts,
  type Running,
  type Stack,
} from '@heddle/infra';
import { GatewayClient } from './gateway-client.js';
import type { HttpDoor } from './http-door.js';
import { type Cost, childWith, costOf } from './process-cost.js';
import { type Tasks, Worker } from './worker.js';

/** Parts of the stack whose cost is shown, and what tells their process among those of this one. */
const PARTS = { broker: 'kafka.Kafka', database: 'postgres' } as const;

/** What one bench runs on: a stack and processes of its own, all gone afterwards. */
export class Ground {
  readonly #apps = new Map<MeshApp, Running>();
  readonly #workers = new Set<{ stop(): Promise<void> }>();

  private constructor(
    readonly stack: Stack,
    private readonly ports: MeshPorts,
    private readonly dir: string,
  ) {}

  /** Starts broker, registry and database with their data in the folder, and registers the schemas. */
  static async start(dir: string): Promise<Ground> {
    const stack = await startStack({ dir, ports: 'free' });
    const free = await freePorts(MESH_APPS.length);
    const ports = Object.fromEntries(MESH_APPS.map((app, index) => [app, free[index] ?? 0])) as Record<MeshApp, number>;
    const ground = new Ground(stack, ports, dir);
    try {
      makeClients(ground.#secrets);
      await registerOwnSchemas(stack.registryUrl);
      return ground;
    } catch (error) {
      await ground.stop();
      throw error;
    }
  }

  /** Starts a process of the mesh, built beforehand; resolves once it is ready. */
  async app(app: MeshApp, env: Record<string, string> = {}): Promise<Running> {
    return startMeshApp(app, {
      ground: this.stack,
      ports: this.ports,
      secrets: this.#secrets,
      logFile: join(this.dir, 'logs', `${app}.log`),
      env,
      onSpawn: (running) => this.#apps.set(app, running),
    });
  }

  get #secrets(): string {
    return join(this.dir, 'secrets');
  }

  url(app: MeshApp): string {
    return urlOf(app, this.ports);
  }

  /** The gateway, which runs, for whoever may do everything. The token is good for an hour: longer than a bench. */
  async door(): Promise<HttpDoor> {
    const tokens = new ClientTokens({
      tokenUrl: `${this.url('gateway')}/oauth/token`,
      clientId: ADMINISTRATOR,
      clientSecret: readFileSync(secretFile(this.#secrets, ADMINISTRATOR), 'utf8').trim(),
    });
    return { port: this.ports.gateway, authorization: await tokens.header() };
  }

  async client(): Promise<GatewayClient> {
    return new GatewayClient(this.url('gateway'), (await this.door()).authorization);
  }

  worker<T extends Tasks>(name: string, execArgv?: readonly string[]): Worker<T> {
    const worker = new Worker<T>(name, execArgv);
    this.#workers.add(worker);
    return worker;
  }

  /** Nothing where the stack runs in containers, whose processes cannot be seen from here. */
  cost(part: keyof typeof PARTS): Cost | undefined {
    const pid = childWith(PARTS[part]);
    return pid === undefined ? undefined : costOf(pid);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    for (const app of MESH_APPS.toReversed()) await this.#apps.get(app)?.stop();
    await this.stack.stop();
  }
}
