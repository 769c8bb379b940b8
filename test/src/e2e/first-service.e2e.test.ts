import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { CHECKOUT } from '@heddle/infra';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { foreignKafka, readTopic } from '../support/foreign-kafka.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';

// Follows docs/guides/first-service.md as it stands: its files, its commands, what it says is printed.

const run = promisify(execFile);
const ground = inject('stack');

let mesh: Mesh;
let guide: string;
/** What the guide begins with: which Node is meant. */
let path = '';
/** As deep below the root as the guide says, so that its paths are right. */
const folder = join(CHECKOUT, '.heddle-test', `credit-${randomUUID().slice(0, 8)}`);

beforeAll(async () => {
  guide = await readFile(join(CHECKOUT, 'docs/guides/first-service.md'), 'utf8');
  mesh = await sharedMesh();
});

afterAll(async () => {
  await mesh.stop();
  await rm(folder, { recursive: true, force: true });
});

test(
  'a first microservice, made and run as its guide says, does what the guide says, in under 60 lines',
  { timeout: 180_000 },
  async () => {
    const files = filesOf(guide);
    expect([...files.keys()]).toEqual([
      'schemas/credit/CreditGranted.avsc',
      'src/credit.module.ts',
      'src/main.ts',
      'tsconfig.json',
    ]);
    const code = [...files].filter(([name]) => name !== 'tsconfig.json').flatMap(([, text]) => text.split('\n'));
    expect(code.filter((line) => line.trim() !== '').length).toBeLessThan(60);
    for (const [name, text] of files) {
      await mkdir(join(folder, dirname(name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    [path = ''] = blocksOf(guide, 'sh');
    const [, types = '', starting = '', using = ''] = blocksOf(guide, 'sh');
    await sh(types);
    const [compiling = '', service = ''] = starting.trim().split('\n');
    await sh(compiling);

    const printed = startService(service);
    const [ready = '', granted = ''] = blocksOf(guide, 'text');
    expect(await printed.lines.until((lines) => lines.length >= 1, { timeoutMs: 40_000 })).toEqual([ready.trim()]);
    await sh(using);
    const isGranted = (lines: readonly string[]): boolean => lines.includes(granted.trim());
    await printed.lines.until(isGranted, { timeoutMs: 20_000 });

    // Stopped and started again it goes on where it was, and grants nothing twice.
    await printed.end();
    const again = startService(service);
    await again.lines.until((lines) => lines.length >= 1, { timeoutMs: 40_000 });
    await call('POST', `${mesh.url('sales-order')}/sales-orders`, {
      body: {
        SalesOrder: 'FIRST2',
        SoldToParty: '90210',
        SalesOrganization: '1010',
        DistributionChannel: '10',
        OrganizationDivision: '00',
      },
    });
    await again.lines.until((lines) => lines.some((line) => line.endsWith('for order FIRST2')), { timeoutMs: 20_000 });
    expect(isGranted(again.lines.all)).toBe(false);
    await again.end();
    const raised = await readTopic(foreignKafka(ground.kafkaBrokers), 'credit');
    const keys = raised.map(({ key }) => key).filter((key) => key?.startsWith('FIRST'));
    expect(keys.toSorted()).toEqual(['FIRST1', 'FIRST2']);
    expect(raised.find(({ key }) => key === 'FIRST1')?.headers).toMatchObject({
      ce_type: 'heddle.credit.v1.Credit.Granted.v1',
      ce_source: '/heddle/credit',
    });
  },
);

/** The files of a guide: each is a name in backquotes on a line of its own, and the block after it. */
function filesOf(text: string): Map<string, string> {
  const files = text.matchAll(/^`([\w./-]+)`\n\n```(?:json|ts)\n([^]*?)^```$/gm);
  return new Map(Array.from(files, ([, name = '', body = '']) => [name, body]));
}

function blocksOf(text: string, language: string): string[] {
  return Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm')), ([, body = '']) => body);
}

/** The environment of somebody for whom `npm start` has started all, on other ports. */
function environment(): Record<string, string | undefined> {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    KAFKA_BROKERS: ground.kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: ground.registryUrl,
    DATABASE_URL: ground.databaseUrl,
  };
}

/** A block of the guide, in the folder of the service, with the ports that are other ones here. */
async function sh(block: string): Promise<void> {
  const here = block
    .replaceAll('http://127.0.0.1:8101', mesh.url('sales-order'))
    .replaceAll('http://127.0.0.1:8102', mesh.url('business-partner'));
  const AUTH = `authorization: Bearer ${await mesh.token()}`;
  await run('sh', ['-ec', path + here], { cwd: folder, env: { ...environment(), AUTH } });
}

function startService(line: string): { lines: Arrivals<string>; end(): Promise<void> } {
  const child = spawn('sh', ['-c', `${path}exec env ${line}`], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = new Arrivals<string>();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.add(part);
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    lines,
    end: () => {
      child.kill('SIGTERM');
      return closed;
    },
  };
}
