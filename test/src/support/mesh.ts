import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  MESH_APPS,
  freePorts,
  registerOwnSchemas,
  startMeshApp,
  urlOf,
  type MeshApp,
  type MeshGround,
  type MeshPorts,
  type Running,
} from '@heddle/infra';

export interface MeshOptions {
  /** Broker, registry and database: what `inject('stack')` or `startStack` gives. */
  ground: MeshGround;
  /** The processes to start; all by default. */
  apps?: readonly MeshApp[];
  /** Added to the environment of a process. */
  env?: Partial<Record<MeshApp, Record<string, string>>>;
}

/** The real, built processes of the mesh, running on free ports; each can be killed and started again on its port. */
export class Mesh {
  readonly ports: MeshPorts;
  #options: MeshOptions;
  #dir: string;
  #running = new Map<MeshApp, Running>();

  private constructor(options: MeshOptions, ports: MeshPorts, dir: string) {
    this.#options = options;
    this.ports = ports;
    this.#dir = dir;
  }

  /** Registers the schemas and starts the processes; resolves once all are ready. */
  static async start(options: MeshOptions): Promise<Mesh> {
    const free = await freePorts(MESH_APPS.length);
    const ports = Object.fromEntries(MESH_APPS.map((app, index) => [app, free[index] ?? 0])) as Record<MeshApp, number>;
    const mesh = new Mesh(options, ports, await mkdtemp(join(tmpdir(), 'heddle-mesh-')));
    try {
      await registerOwnSchemas(options.ground.registryUrl);
      await Promise.all((options.apps ?? MESH_APPS).map((app) => mesh.startApp(app)));
    } catch (error) {
      await mesh.stop();
      throw error;
    }
    return mesh;
  }

  /** Starts another instance of the gateway; from outside both are known under the URL of the first one. */
  async anotherGateway(): Promise<Mesh> {
    const { ground, env } = this.#options;
    const owners = MESH_APPS.filter((app) => app !== 'gateway').map((app) => `${app}=${this.url(app)}`);
    const shared = { GATEWAY_URL: this.url('gateway'), OWNER_URLS: owners.join(',') };
    return Mesh.start({ ground, apps: ['gateway'], env: { gateway: { ...env?.gateway, ...shared } } });
  }

  url(app: MeshApp): string {
    return urlOf(app, this.ports);
  }

  logFile(app: MeshApp): string {
    return join(this.#dir, `${app}.log`);
  }

  /** @throws Error when it does not run */
  app(app: MeshApp): Running {
    const running = this.#running.get(app);
    if (running === undefined) throw new Error(`${app} does not run.`);
    return running;
  }

  /** Starts a process that does not run; resolves once it is ready. */
  async startApp(app: MeshApp): Promise<Running> {
    const running = await startMeshApp(app, {
      ground: this.#options.ground,
      ports: this.ports,
      logFile: this.logFile(app),
      env: this.#options.env?.[app] ?? {},
      onSpawn: (child) => this.#running.set(app, child),
    });
    return running;
  }

  /** Kills a process with SIGKILL; resolves once it is gone. */
  async killApp(app: MeshApp): Promise<void> {
    const running = this.app(app);
    running.kill();
    await running.exited;
  }

  /** Stops a process in order. */
  async stopApp(app: MeshApp): Promise<void> {
    await this.app(app).stop();
  }

  /** Stops all, the gateway first, and removes the logs. */
  async stop(): Promise<void> {
    for (const app of MESH_APPS.toReversed()) await this.#running.get(app)?.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}
