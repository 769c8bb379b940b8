import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPortFree, startStack, waitForPort, type Stack } from './index.js';

let dir: string;
let stack: Stack;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-stack-'));
  stack = await startStack({ dir, ports: 'free' });
});

afterAll(async () => {
  await stack.stop();
  await rm(dir, { recursive: true, force: true });
});

test('a stack answers as broker, registry and database', async () => {
  expect(await (await fetch(`${stack.registryUrl}/subjects`)).json()).toEqual([]);
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await client.end();
  await waitForPort(brokerPort(), { timeoutMs: 1000 });
});

test('a killed broker comes back on the same port', async () => {
  await stack.broker.kill();
  expect(await isPortFree(brokerPort())).toBe(true);
  await stack.broker.start();
  await waitForPort(brokerPort(), { timeoutMs: 1000 });
});

function brokerPort(): number {
  return Number(stack.kafkaBrokers[0]?.split(':')[1]);
}
