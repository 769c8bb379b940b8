import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKOUT, freePort, waitForPort } from '@heddle/infra';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { putQueue } from '../support/queue-clients.js';
import { deleteAllWebhooks, putWebhook } from '../support/webhooks.js';

// The programs of the guide, as somebody who copies them would run them.

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let mesh: Mesh;
let gateway: string;
let folder: string;
let programs: string[];
let child: ChildProcess | undefined;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  folder = await mkdtemp(join(tmpdir(), 'heddle-guide-'));
  await symlink(join(CHECKOUT, 'node_modules'), join(folder, 'node_modules'));
  const guide = await readFile(join(CHECKOUT, 'docs/guides/receivers.md'), 'utf8');
  programs = [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code!);
  const client = `shop-${randomUUID()}`;
  await call('PUT', `${gateway}/v1/clients/${client}`, { body: { permissions: ['consume:queue:orders'] } });
  const { text } = await call('POST', `${gateway}/v1/clients/${client}/service-key`, { body: {} });
  await writeFile(join(folder, 'shop.service-key.json'), text);
  await putQueue(gateway, { types: [CONTRACT_SIGNED] }, 'orders');
});

afterEach(async () => {
  child?.kill('SIGKILL');
  await deleteAllWebhooks(gateway);
});

afterAll(async () => {
  await mesh.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  ['Node', 0, '/'],
  ['Express', 1, '/webhooks/orders'],
  ['Fastify', 2, '/webhooks/orders'],
])('the receiver of webhooks in %s prints what is delivered', async (_name, at, path) => {
  const port = await freePort();
  const printed = await start(at, { WEBHOOK_SECRET: SECRET, PORT: String(port) });
  await waitForPort(port);
  await putWebhook(gateway, {
    url: `http://127.0.0.1:${port}${path}`,
    types: [CONTRACT_SIGNED],
    secrets: [{ secret: SECRET }],
  });
  await printsEvent(printed);
  expect(child?.exitCode).toBeNull();
});

test.each([
  ['over WebSocket', 3],
  ['over HTTP', 4],
])(
  'the receiver of a queue %s prints what comes, and says that it was closed when it is told to end',
  async (_name, at) => {
    expect(programs).toHaveLength(5);
    const printed = await start(at, {});
    await printsEvent(printed);
    const exited = new Promise((resolve) => child!.once('exit', resolve));
    child!.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(printed.all.join('')).toMatch(/\{ reason: 'closed' \}\n$/);
  },
);

async function printsEvent(printed: Arrivals<string>): Promise<void> {
  const key = `C-${freshKey()}`;
  await publishContracts(gateway, [key]);
  await printed.until((pieces) => pieces.join('').includes(`${CONTRACT_SIGNED} ${key} {`), {
    what: `the event of ${key}`,
  });
}

async function start(at: number, env: Record<string, string>): Promise<Arrivals<string>> {
  const file = join(folder, `program-${at}.mjs`);
  await writeFile(file, programs[at]!);
  child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed = new Arrivals<string>();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => printed.add(text));
  return printed;
}
