import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MeshGround, startStack } from '@heddle/infra';
import type { TestProject } from 'vitest/node';
import { givenStack } from './given-stack.js';
import { MeshKeeper } from './mesh-keeper.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker, registry and database that a file of tests has for itself while it runs. */
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
    /** All there are: one for each worker, by its number (`own-stack.setup.ts`). */
    stacks: MeshGround[];
    /** Where the mesh of a worker is asked for (`shared-mesh.ts`). */
    keeper: string;
  }
}

/**
 * A broker, registry and database for each worker: files that run side by side share none of them, for all gateways on
 * one broker are one mesh. A stack that is given is used by one worker.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = givenStack();
  if (given !== undefined) return provide(project, [given]);
  const dir = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  const removed = (): Promise<void> => rm(dir, { recursive: true, force: true });
  const workers = Math.min(project.config.maxWorkers, filesToRun(project));
  const starts = await Promise.allSettled(
    Array.from({ length: workers }, (_, n) => startStack({ dir: join(dir, String(n)), ports: 'free' })),
  );
  const stacks = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(stacks.map((stack) => stack.stop()));
    await removed();
  };
  for (const start of starts) {
    if (start.status === 'fulfilled') continue;
    await stop();
    throw start.reason;
  }
  const stopMeshes = await provide(project, stacks);
  return async () => {
    await stopMeshes();
    await stop();
  };
}

/** Resolves to what stops the meshes that are kept on them. */
async function provide(project: TestProject, stacks: readonly MeshGround[]): Promise<() => Promise<void>> {
  const grounds = stacks.map(({ kafkaBrokers, registryUrl, databaseUrl }) => ({
    kafkaBrokers: [...kafkaBrokers],
    registryUrl,
    databaseUrl,
  }));
  project.provide('stacks', grounds);
  project.provide('stack', grounds[0]!);
  const keeper = await MeshKeeper.start(grounds);
  project.provide('keeper', keeper.url);
  return () => keeper.stop();
}

/** So that one file alone does not start what nobody is going to use. */
function filesToRun(project: TestProject): number {
  return project.vitest.state.getPaths().filter((path) => project.matchesTestGlob(path)).length;
}
