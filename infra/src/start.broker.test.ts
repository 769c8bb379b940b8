import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessToken } from './access-token.mjs';
import { CHECKOUT } from './checkout.mjs';
import { ADMINISTRATOR, secretFile } from './clients.mjs';
import { freePorts } from './ready.js';
import { identityOf } from './process-identity.js';
import { createPartner } from './sample-objects.js';

// `npm start` itself, as a process, on real everything: the tests follow each other over one data folder.

const RUNS = 'Heddle runs';
const PORT_SETTINGS = [
  'GATEWAY_PORT',
  'SALES_ORDER_PORT',
  'BUSINESS_PARTNER_PORT',
  'CONTRACT_PORT',
  'REGISTRY_PORT',
  'DATABASE_PORT',
  'KAFKA_PORT',
  'KAFKA_CONTROLLER_PORT',
] as const;

interface Start {
  process: ChildProcess;
  /** Resolves with all it has written once it says this, or has ended. */
  until(text: string): Promise<string>;
  ended: Promise<{ code: number | null; output: string }>;
}

let dir: string;
let ports: Record<(typeof PORT_SETTINGS)[number], number>;
let partners: string;
let running: Start;
/** As the administrator, for all that follows the first start. */
let headers: Record<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'heddle-start-'));
  const free = await freePorts(PORT_SETTINGS.length);
  ports = Object.fromEntries(PORT_SETTINGS.map((name, index) => [name, free[index] ?? 0])) as typeof ports;
  partners = `http://127.0.0.1:${ports.BUSINESS_PARTNER_PORT}/business-partners`;
});

afterAll(async () => {
  running.process.kill('SIGKILL');
  await stopOrphans();
  await rm(dir, { recursive: true, force: true });
});

test('a port in use is named with what wants it and the setting, and nothing is started', async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(ports.REGISTRY_PORT, '127.0.0.1', resolve));
  const { code, output } = await start().ended;
  await new Promise((resolve) => squatter.close(resolve));
  expect(code).toBe(1);
  expect(output.trim()).toBe(
    `✖ Port ${ports.REGISTRY_PORT} is in use, and the schema registry wants it: end what uses it, or choose another with REGISTRY_PORT=….`,
  );
  expect(existsSync(join(dir, 'kafka'))).toBe(false);
});

test('a certificate is refused in one line, for everything is on this machine and nobody would see it', async () => {
  const { code, output } = await start({ HEDDLE_TLS: 'own' }).ended;
  expect(code).toBe(1);
  expect(output.trim()).toMatch(/^✖ HEDDLE_TLS is own, and npm start listens on this machine only.*$/);
  expect(existsSync(join(dir, 'kafka'))).toBe(false);
});

test('everything starts, each process with the settings that are its own, and takes an object from who has a token, and from nobody else', async () => {
  running = start({ HEDDLE_TOKEN_LIFE_SECONDS: '1200' });
  expect(await running.until(RUNS)).toContain(RUNS);
  const secret = secretFile(join(dir, 'secrets'), ADMINISTRATOR);
  const gateway = `http://127.0.0.1:${ports.GATEWAY_PORT}`;
  const token = await accessToken({ GATEWAY_URL: gateway, HEDDLE_CLIENT_SECRET_FILE: secret });
  headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  expect(lifeSecondsOf(token)).toBe(1200);
  const answer = await fetch(partners, {
    method: 'POST',
    headers,
    body: JSON.stringify(createPartner('10100001')),
  });
  expect(answer.status).toBe(201);
  expect((await fetch(`${partners}/10100001`)).status).toBe(401);
});

test('the lines it prints to be pasted do what they say', async () => {
  const printed = (await running.until('/v1/stream?')).split('\n');
  const lines = printed.filter((line) => /^(export HEDDLE_TOKEN=|(sleep 1; )?curl -fsS )/.test(line));
  expect(lines).toHaveLength(5);
  for (const name of ['GATEWAY_PORT', 'SALES_ORDER_PORT', 'BUSINESS_PARTNER_PORT', 'CONTRACT_PORT'] as const) {
    expect(printed.join('\n')).toContain(`http://127.0.0.1:${ports[name]}`);
  }
  const { stdout } = await promisify(execFile)('sh', ['-ec', lines.join('\n')], { cwd: CHECKOUT });
  expect(JSON.parse(stdout)).toMatchObject({ SalesOrderType: 'OR' });
  const webhooks = await fetch(`http://127.0.0.1:${ports.GATEWAY_PORT}/v1/webhooks/try-it`, { headers });
  expect(webhooks.status).toBe(200);
  const secret = readFileSync(secretFile(join(dir, 'secrets'), ADMINISTRATOR), 'utf8').trim();
  expect(printed.join('\n')).not.toContain(secret);
});

test('the master key of the secrets in the log is made once, and nobody else may read it', () => {
  const file = join(dir, 'secrets', 'master-key');
  expect(readFileSync(file, 'utf8')).toMatch(/^main:[A-Za-z0-9+/]{43}=\n$/);
  expect([statSync(file).mode & 0o777, statSync(join(dir, 'secrets')).mode & 0o777]).toEqual([0o600, 0o700]);
});

test('a second start over the same data is refused in one line', async () => {
  const { code, output } = await start().ended;
  expect(code).toBe(1);
  expect(output.trim().split('\n')).toEqual([expect.stringMatching(/^✖ Heddle runs on .* already: stop it first/)]);
});

test('after a launcher was killed with -9 our processes end by themselves, and the next start finds the rest, all data, and its clients', async () => {
  running.process.kill('SIGKILL');
  await running.ended;
  running = start();
  const output = await running.until(RUNS);
  expect(output).toMatch(/stopped what an earlier start left running: .*schema registry.*Kafka/);
  expect(output).toContain(RUNS);
  expect((await fetch(`${partners}/10100001`, { headers })).status).toBe(200);
});

test('a child that dies is named with its log, and the rest is stopped in order', async () => {
  const sales = children().find(({ name }) => name === 'sales-order');
  process.kill(sales?.pid ?? 0, 'SIGKILL');
  const { code, output } = await running.ended;
  expect(code).toBe(1);
  expect(output).toMatch(/✖ sales-order ended by itself \(SIGKILL\): .*sales-order\.log\)/);
  expect(output).toMatch(/stop gateway[\s\S]*stop schema registry, PostgreSQL[\s\S]*stop Kafka/);
  expect(existsSync(join(dir, 'run.json'))).toBe(false);
});

test('a signal stops all in order, with exit code 0 and no process left', async () => {
  running = start();
  await running.until(RUNS);
  const started = children();
  running.process.kill('SIGTERM');
  const { code, output } = await running.ended;
  expect(code).toBe(0);
  expect(output).toMatch(/stop gateway[\s\S]*stop schema registry, PostgreSQL[\s\S]*stop Kafka/);
  expect(started).toHaveLength(7);
  expect(started.filter(({ pid, identity }) => identityOf(pid) === identity)).toEqual([]);
});

test('without the master key that sealed what is in the log nothing goes on, and no other key takes its place', async () => {
  const file = join(dir, 'secrets', 'master-key');
  await rename(file, `${file}.away`);
  const { code, output } = await start().ended;
  expect(code).toBe(1);
  const said = output.split('\n').filter((line) => line.includes('The master key is gone'));
  expect(said).toEqual([expect.stringContaining(`${file} is missing`)]);
  expect(existsSync(file)).toBe(false);
});

function start(more: Record<string, string> = {}): Start {
  const settings = Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
  const env = { ...process.env, ...settings, HEDDLE_DATA: dir, ...more };
  const child = spawn(process.execPath, [join(CHECKOUT, 'infra', 'dist', 'start.js')], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  const said = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => void (output.includes(text) && resolve(output));
      child.stdout.on('data', look);
      look();
    });
  return { process: child, ended, until: (text) => Promise.race([said(text), ended.then(() => output)]) };
}

/** Of a JWT, from its issue to its end (RFC 7519 §4.1). */
function lifeSecondsOf(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  const { iat, exp } = JSON.parse(claims) as { iat: number; exp: number };
  return exp - iat;
}

function children(): { name: string; pid: number; identity: string }[] {
  const file = join(dir, 'run.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { children: ReturnType<typeof children> }).children
    : [];
}

async function stopOrphans(): Promise<void> {
  for (const { pid, identity } of children()) if (identityOf(pid) === identity) process.kill(pid, 'SIGKILL');
}
