import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack } from '@heddle/infra';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    stack: { kafkaBrokers: string[]; registryUrl: string; databaseUrl: string };
  }
}

/**
 * One broker, registry and database for all tests of a run. `KAFKA_BROKERS`, `SCHEMA_REGISTRY_URL` and `DATABASE_URL`,
 * all three set, are used as they are.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl, DATABASE_URL: databaseUrl } = process.env;
  if (brokers && registryUrl && databaseUrl) {
    project.provide('stack', { kafkaBrokers: brokers.split(','), registryUrl, databaseUrl });
    return async () => {};
  }
  const dir = await mkdtemp(join(tmpdir(), 'heddle-test-'));
  const removed = (): Promise<void> => rm(dir, { recursive: true, force: true });
  const stack = await startStack({ dir, ports: 'free' }).catch(async (error: unknown) => {
    await removed();
    throw error;
  });
  const { kafkaBrokers, registryUrl: url, databaseUrl: database } = stack;
  project.provide('stack', { kafkaBrokers, registryUrl: url, databaseUrl: database });
  return async () => {
    await stack.stop();
    await removed();
  };
}
