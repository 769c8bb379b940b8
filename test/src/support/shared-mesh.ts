import type { MeshApp, Running } from '@heddle/infra';
import { inject } from 'vitest';
import type { KeeperWish, KeptMesh } from './mesh-keeper.js';
import { Mesh } from './mesh.js';

/**
 * All processes of the mesh with the settings that a test has unless it says otherwise, shared by the files that a worker
 * runs: to start them takes longer than most stories. A file has it for itself while it runs; what it kills, it starts
 * again. Whoever shares it goes by keys and names of its own, and counts nothing but its own; others start their own.
 */
export async function sharedMesh(): Promise<Mesh> {
  return SharedMesh.attach();
}

class SharedMesh extends Mesh {
  #pids: KeptMesh['pids'] | undefined;

  static async attach(): Promise<Mesh> {
    const { ports, dir, pids } = await ask('use');
    const mesh = new SharedMesh({ ground: inject('stack') }, ports, dir);
    mesh.#pids = pids;
    await mesh.getKeys();
    return mesh;
  }

  override async startApp(app: MeshApp): Promise<Running> {
    this.#pids = (await ask('start', app)).pids;
    return this.app(app);
  }

  override async stopApp(app: MeshApp): Promise<void> {
    await ask('stop', app);
  }

  override async killApp(app: MeshApp): Promise<void> {
    await ask('kill', app);
  }

  override app(app: MeshApp): Running {
    return {
      name: app,
      pid: this.#pids![app],
      logFile: this.logFile(app),
      exited: new Promise(() => undefined),
      stop: () => this.stopApp(app),
      kill: () => void process.kill(this.#pids![app], 'SIGKILL'),
    };
  }

  /** It goes on, for the next file. */
  override stop(): Promise<void> {
    return Promise.resolve();
  }
}

async function ask(to: KeeperWish['to'], app: MeshApp = 'gateway'): Promise<KeptMesh> {
  const wish: KeeperWish = { worker: Number(process.env['VITEST_POOL_ID']), to, app };
  const answer = await fetch(inject('keeper'), { method: 'POST', body: JSON.stringify(wish) });
  if (!answer.ok) throw new Error(`The shared mesh: ${await answer.text()}`);
  return (await answer.json()) as KeptMesh;
}
