import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT, TRIAL_MASTER_KEY, freePorts } from '@heddle/infra';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type CliProcess, HeddleCli } from '../support/heddle-cli.js';

// `heddle start` on the broker, registry and database of the tests: what it starts besides is all of ours.

const ground = inject('stack');

let folder: string;
let cli: HeddleCli;
let start: CliProcess;
let gateway: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-start-'));
  const ports = await freePorts(7);
  const names = ['GATEWAY', 'SALES_ORDER', 'BUSINESS_PARTNER', 'REGISTRY', 'DATABASE', 'KAFKA', 'KAFKA_CONTROLLER'];
  gateway = `http://127.0.0.1:${ports[0]}`;
  cli = await HeddleCli.in(folder, {
    ...Object.fromEntries(names.map((name, index) => [`${name}_PORT`, String(ports[index])])),
    HEDDLE_DATA: join(folder, '.heddle'),
    // What other meshes have sealed in this broker, and will.
    HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY,
    KAFKA_BROKERS: ground.kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: ground.registryUrl,
    DATABASE_URL: ground.databaseUrl,
  });
});

afterAll(async () => {
  await start.end('SIGTERM');
  await cli.close();
  await rm(folder, { recursive: true, force: true });
});

test('heddle start starts the mesh, whose administrator is whoever stands in its folder; its printed lines work, and a signal stops all', async () => {
  start = cli.start(['start']);
  const over = { timeoutMs: 150_000, what: 'the lines of a mesh that runs' };
  await start.lines.until((lines) => lines.some((line) => /\/v1\/stream\?|✖/.test(line)), over);
  expect(start.lines.all.filter((line) => line.includes('✖'))).toEqual([]);
  const env = { GATEWAY_URL: gateway };
  expect(await cli.run(['queue', 'get'], { env })).toMatchObject({ code: 0 });
  expect((await cli.run(['login'], { env })).out).toBe(`✔ default: administrator at ${gateway}, used from now on`);
  // Without a word about whom to ask: the context knows.
  const { checks } = JSON.parse((await cli.run(['doctor', '--json'])).out) as {
    checks: { check: string; state: string }[];
  };
  const well = checks.filter(({ state }) => state === 'ok').map(({ check }) => check);
  // What other stories have left in the broker, webhooks say, is none of this one's business.
  expect(well).toEqual(
    expect.arrayContaining(['broker', 'registry', 'gateway', 'clock', 'token', 'permission', 'store']),
  );
  const printed = start.lines.all.find((line) => line.endsWith('npx heddle doctor'))!;
  const { stdout } = await promisify(execFile)('sh', ['-c', `${printed} || true`], { cwd: CHECKOUT });
  expect(stdout).toMatch(/✔ gateway/);
  const { code, out } = await start.end('SIGTERM');
  expect(code).toBe(0);
  expect(out).toMatch(/stop gateway/);
  expect(await cli.run(['queue', 'get'])).toMatchObject({ code: 3 });
}, 240_000);
