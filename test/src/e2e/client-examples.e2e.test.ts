import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ADMINISTRATOR, CHECKOUT, freePort } from '@heddle/infra';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { CONTRACT_SIGNED, ORDERS, ORDER_CHANGED, ORDER_CREATED, contractSigned } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { Orders, freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { deleteQueue, putQueue, readQueue } from '../support/queue-clients.js';
import { deleteWebhook, putWebhook, readWebhook } from '../support/webhooks.js';

// The example programs that receive with the library; those without it are in the stories of the examples.

const SOON = { timeout: 20_000 };
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'];
const browser = onPath(BROWSERS)[0];
const oldNode = onPath(['node']).find((file) =>
  execFileSync(file, ['--version'], { encoding: 'utf8' }).startsWith('v20.'),
);

const programs: Example[] = [];
let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end('SIGKILL');
});

afterAll(() => mesh.stop());

test.each(['work-queue.mjs', 'pull-worker.mjs'])(
  '%s prints each event of its queue, and ends in order',
  async (program) => {
    const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
    const worker = start(program, [queue]);
    const keys = [`C-${freshKey()}`, `C-${freshKey()}`];
    for (const key of keys) {
      await publishContracts(gateway, [key]);
      await worker.prints(lineOf(key));
    }
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(worker.lines).toEqual([...keys.map(lineOf), 'over: closed']);
    expect((await readQueue(gateway, queue)).statistics).toMatchObject({ leased: 0, ready: 0, waiting: 0 });
    await deleteQueue(gateway, queue);
  },
);

test('pull-worker.mjs is whoever its service key says', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const client = `example-${randomUUID()}`;
  const made = await call('PUT', `${gateway}/v1/clients/${client}`, {
    body: { permissions: [`consume:queue:${queue}`] },
  });
  expect(made.status, made.text).toBe(201);
  const { text } = await call('POST', `${gateway}/v1/clients/${client}/service-key`, { body: {} });
  const file = join(tmpdir(), `${client}.json`);
  await writeFile(file, text, { mode: 0o600 });
  const worker = start('pull-worker.mjs', [queue], { HEDDLE_SERVICE_KEY_FILE: file });
  const key = `C-${freshKey()}`;
  await publishContracts(gateway, [key]);
  await worker.prints(lineOf(key));
  expect(await worker.end('SIGTERM')).toBe(0);
  await deleteQueue(gateway, queue);
});

test('receive-webhook.mjs consents, prints what was signed with its secret, and refuses what was not', async () => {
  const port = await freePort();
  const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
  const receiver = start('receive-webhook.mjs', [secret, String(port)]);
  const url = `http://127.0.0.1:${port}/`;
  await receiver.prints(`receives webhooks on ${url}`);
  const handshake = { origin: 'events.example.com', ratePerMinute: 600 };
  const good = await putWebhook(gateway, { url, types: [CONTRACT_SIGNED], secrets: [{ secret }], handshake });
  await vi.waitFor(async () => expect(await readWebhook(gateway, good.name)).toMatchObject({ state: 'active' }), SOON);
  const key = `C-${freshKey()}`;
  await publishContracts(gateway, [key]);
  await receiver.prints(lineOf(key));
  await deleteWebhook(gateway, good.name);
  const bad = await putWebhook(gateway, { url, types: [CONTRACT_SIGNED] });
  await publishContracts(gateway, [`C-${freshKey()}`]);
  await receiver.prints('refused: signature-mismatch');
  await deleteWebhook(gateway, bad.name);
  expect(await receiver.end('SIGTERM')).toBe(0);
  const [first, second, ...others] = receiver.lines;
  expect([first, second]).toEqual([`receives webhooks on ${url}`, lineOf(key)]);
  expect(new Set(others)).toEqual(new Set(['refused: signature-mismatch']));
});

test('fetch-objects.mjs prints each order at the version notified, and its end when it is deleted', async () => {
  const orders = new Orders(mesh.url('business-partner'), mesh.url('sales-order'));
  const partner = await orders.knownPartner();
  const follower = start('fetch-objects.mjs', [ORDERS]);
  await follower.prints('follows: live');
  const key = freshKey();
  expect((await orders.create(key, partner)).status).toBe(201);
  const fields = Object.keys((await orders.read(key)).json as object).length;
  await follower.prints(`${ORDER_CREATED}  ${key}  version 1: ${fields} fields`);
  const changed = await orders.change(key, { PurchaseOrderByCustomer: 'example' }, '"1"');
  expect(changed.status, changed.text).toBe(200);
  await vi.waitFor(
    () => expect(follower.lines.join()).toMatch(new RegExp(`${ORDER_CHANGED}  ${key}  version 2: `)),
    SOON,
  );
  const gone = await orders.delete(key, '"2"');
  expect(gone.status, gone.text).toBe(204);
  await vi.waitFor(() => expect(follower.lines.join()).toMatch(new RegExp(`${key}  version 3: deleted`)), SOON);
  expect(await follower.end('SIGTERM')).toBe(0);
  expect(follower.lines.at(-1)).toBe('over: closed');
});

test('browser-stream.mjs serves its page, the code it runs, and tickets that open a stream once', async () => {
  const { url } = await startPage();
  const page = await (await fetch(url)).text();
  expect(page).toContain("from '/client/stream.js'");
  // Every module that the page loads, and they load, is there.
  const modules = new Set(['stream.js']);
  for (const name of modules) {
    const answer = await fetch(`${url}client/${name}`);
    expect([answer.status, answer.headers.get('content-type')], name).toEqual([200, 'text/javascript']);
    for (const [, other] of (await answer.text()).matchAll(/from '\.\/([a-z-]+\.js)'/g)) modules.add(other!);
  }
  expect(modules.size).toBeGreaterThan(5);
  for (const path of ['client/../package.json', 'client/index.html', 'ticket']) {
    expect((await fetch(url + path)).status).toBe(404);
  }
  const ticket = await (await fetch(`${url}ticket`, { method: 'POST' })).text();
  const use = (): Promise<Response> =>
    fetch(`${gateway}/v1/stream?ticket=${ticket}`, { headers: { origin: new URL(url).origin } });
  const opened = await use();
  expect(opened.status).toBe(200);
  await opened.body?.cancel();
  expect((await use()).status).toBe(401);
});

if (oldNode === undefined) process.stdout.write('No Node 20: the library is run by a newer one alone.\n');

test.runIf(oldNode !== undefined)('pull-worker.mjs runs on Node 20, the oldest that there is support for', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const worker = start('pull-worker.mjs', [queue], {}, oldNode);
  const key = `C-${freshKey()}`;
  await publishContracts(gateway, [key]);
  await worker.prints(lineOf(key));
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(worker.lines).toEqual([lineOf(key), 'over: closed']);
  await deleteQueue(gateway, queue);
});

if (browser === undefined)
  process.stdout.write(`No ${BROWSERS.join(', ')}: the page is not opened in a real browser.\n`);

test.runIf(browser !== undefined)(
  'a real browser shows events as they happen, and goes on after a restart of the gateway',
  async () => {
    const { url } = await startPage();
    const opened = await chromium.launch({ executablePath: browser!, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const page = await opened.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      await page.goto(url);
      await page.getByText('live', { exact: true }).waitFor();
      const [before, missed, after] = [`C-${freshKey()}`, `C-${freshKey()}`, `C-${freshKey()}`];
      await publishContracts(gateway, [before]);
      await page.getByText(`${CONTRACT_SIGNED} ${before}`).waitFor();
      await mesh.killApp('gateway');
      await mesh.startApp('gateway');
      await publishContracts(gateway, [missed]);
      await page.getByText('exact', { exact: true }).waitFor();
      await publishContracts(gateway, [after]);
      await page.getByText(`${CONTRACT_SIGNED} ${after}`).waitFor();
      const lines = await page.locator('#events li').allTextContents();
      expect(lines).toEqual([before, missed, after].map((key) => `${CONTRACT_SIGNED}  ${key}`));
      expect(faults).toEqual([]);
    } finally {
      await opened.close();
    }
  },
);

interface Example {
  /** What it has printed so far. */
  readonly lines: string[];
  /** Resolves once it has printed this line. */
  prints(line: string): Promise<unknown>;
  /** Resolves with its exit code; null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function startPage(): Promise<{ url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  await start('browser-stream.mjs', [String(port), CONTRACT_SIGNED]).prints(`shows events on ${url}`);
  return { url };
}

function start(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  node = process.execPath,
): Example {
  const child: ChildProcess = spawn(node, [join(CHECKOUT, 'examples', program), ...args], {
    env: {
      ...process.env,
      GATEWAY_URL: gateway,
      HEDDLE_CLIENT_ID: ADMINISTRATOR,
      HEDDLE_CLIENT_SECRET_FILE: mesh.secretFile(ADMINISTRATOR),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const printed = new Arrivals<string>();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => printed.add(text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const linesOf = (pieces: readonly string[]): string[] => pieces.join('').split('\n').slice(0, -1);
  const example: Example = {
    get lines() {
      return linesOf(printed.all);
    },
    prints: (line) => printed.until((pieces) => linesOf(pieces).includes(line), { what: `the line ${line}` }),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  programs.push(example);
  return example;
}

/** The programs of these names that can be run, in the order of where they are looked for. */
function onPath(names: readonly string[]): string[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).filter((file) => existsSync(file));
}

/** What is printed of a contract that came at the first attempt. */
function lineOf(key: string): string {
  const data = { ...contractSigned(key), NetAmount: '1250.500' };
  return `${CONTRACT_SIGNED}  ${key}  attempt 1  ${JSON.stringify(data)}`;
}
