import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ADMINISTRATOR, CHECKOUT, freePort } from '@heddle/infra';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { Arrivals } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { deleteQueue, readQueue } from '../support/queue-clients.js';
import { deleteWebhook, putWebhook } from '../support/webhooks.js';

// The example programs that receive from the gateway; those that speak to Kafka are in the stories of foreign clients.

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

test('workers make their queue, share its events, outlive a restart of the gateway, and settle before they end', async () => {
  const queue = `example-${randomUUID()}`;
  const workers = [
    start('queue-worker.mjs', queue, CONTRACT_SIGNED),
    start('queue-worker.mjs', queue, CONTRACT_SIGNED),
  ];
  const handled = (key: string): Promise<unknown> =>
    vi.waitFor(() => expect(workers.flatMap(({ lines }) => linesOf(lines, key))).toHaveLength(1), { timeout: 20_000 });
  const [before, after] = [`C-${freshKey()}`, `C-${freshKey()}`];
  await publishContracts(gateway, [before]);
  await handled(before);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  await publishContracts(gateway, [after]);
  await handled(after);
  for (const worker of workers) expect(await worker.end('SIGTERM')).toBe(0);
  await vi.waitFor(
    async () =>
      expect((await readQueue(gateway, queue)).statistics).toMatchObject({ leased: 0, receivers: { waiting: 0 } }),
    { timeout: 10_000 },
  );
  await deleteQueue(gateway, queue);
});

test('the webhook sink checks signatures: it prints what was signed with its secret, and refuses what was not', async () => {
  const port = await freePort();
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const sink = start('webhook-sink.mjs', String(port), secret);
  await sink.lines.until((lines) => lines.join('').includes('listens'));
  const [refused, printed] = [`C-${freshKey()}`, `C-${freshKey()}`];
  const webhook = { url: `http://127.0.0.1:${port}/`, types: [CONTRACT_SIGNED] };
  const another = await putWebhook(gateway, webhook);
  await publishContracts(gateway, [refused]);
  await sink.lines.until((lines) => lines.join('').includes('refused: its signature does not match'));
  await deleteWebhook(gateway, another.name);
  const { name } = await putWebhook(gateway, { ...webhook, secrets: [{ secret }] });
  await publishContracts(gateway, [printed]);
  await sink.lines.until(() => linesOf(sink.lines, printed).length === 1);
  expect(linesOf(sink.lines, refused)).toEqual([]);
  await deleteWebhook(gateway, name);
});

interface Example {
  /** Pieces of what it has printed. */
  lines: Arrivals<string>;
  /** Resolves with its exit code; null when it was killed. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function start(program: string, ...args: string[]): Example {
  const child: ChildProcess = spawn(process.execPath, [join(CHECKOUT, 'examples', program), ...args], {
    env: {
      ...process.env,
      GATEWAY_URL: gateway,
      HEDDLE_CLIENT_ID: ADMINISTRATOR,
      HEDDLE_CLIENT_SECRET_FILE: mesh.secretFile(ADMINISTRATOR),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = new Arrivals<string>();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => lines.add(text));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const example: Example = {
    lines,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
  programs.push(example);
  return example;
}

/** Lines in which an event of this key was printed. */
function linesOf({ all }: Arrivals<string>, key: string): string[] {
  return all
    .join('')
    .split('\n')
    .filter((line) => line.includes(`${CONTRACT_SIGNED}  ${key}  `));
}
