import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { MESH_APPS, type MeshApp, type MeshGround, type MeshPorts } from '@heddle/infra';
import { Mesh } from './mesh.js';

/** What a worker asks of its mesh: to have it, or to do something to one of its processes. */
export interface KeeperWish {
  worker: number;
  to: 'use' | 'start' | 'stop' | 'kill';
  app?: MeshApp;
}

/** A mesh that runs, for another process to use. */
export interface KeptMesh {
  ports: MeshPorts;
  dir: string;
  pids: Record<MeshApp, number>;
}

/**
 * Keeps a mesh for each worker, from the first file that shares it to the end of all: the process of a file ends with it,
 * and so would what it started. Asked by HTTP, on loopback.
 */
export class MeshKeeper {
  readonly #meshes = new Map<number, Promise<Mesh>>();

  private constructor(
    private readonly grounds: readonly MeshGround[],
    private readonly server: Server,
  ) {}

  /** For workers that have these grounds, in the order of their numbers. */
  static async start(grounds: readonly MeshGround[]): Promise<MeshKeeper> {
    const server = createServer((request, response) => {
      json(request)
        .then((wish) => keeper.#grant(wish as KeeperWish))
        .then(
          (kept) => response.end(JSON.stringify(kept)),
          (error: unknown) => response.writeHead(500).end(String(error)),
        );
    });
    const keeper = new MeshKeeper(grounds, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return keeper;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await Promise.allSettled([...this.#meshes.values()].map(async (mesh) => (await mesh).stop()));
  }

  async #grant({ worker, to, app = 'gateway' }: KeeperWish): Promise<KeptMesh> {
    const mesh = await this.#meshOf(worker);
    if (to === 'start') await mesh.startApp(app);
    else if (to === 'stop') await mesh.stopApp(app);
    else if (to === 'kill') await mesh.killApp(app);
    else await Promise.all(MESH_APPS.filter((one) => !isRunning(mesh, one)).map((one) => mesh.startApp(one)));
    const pids = Object.fromEntries(MESH_APPS.map((one) => [one, mesh.app(one).pid])) as KeptMesh['pids'];
    return { ports: mesh.ports, dir: mesh.dir, pids };
  }

  #meshOf(worker: number): Promise<Mesh> {
    const known = this.#meshes.get(worker);
    if (known !== undefined) return known;
    const ground = this.grounds[worker - 1];
    if (ground === undefined) throw new Error(`There is no ground for worker ${worker}.`);
    const started = Mesh.start({ ground });
    this.#meshes.set(worker, started);
    return started;
  }
}

/** One that a file has killed and, failing itself, has not started again is not there for the next one. */
function isRunning(mesh: Mesh, app: MeshApp): boolean {
  try {
    return process.kill(mesh.app(app).pid, 0);
  } catch {
    return false;
  }
}
