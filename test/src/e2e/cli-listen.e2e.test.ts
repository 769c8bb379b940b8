import { setTimeout as delay } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { allOf } from '../support/arrivals.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { type CliProcess, HeddleCli } from '../support/heddle-cli.js';
import type { Mesh } from '../support/mesh.js';
import { sharedMesh } from '../support/shared-mesh.js';
import { freshKey } from '../support/orders.js';
import { publishContracts } from '../support/publishing.js';
import { putQueue, readQueue } from '../support/queue-clients.js';
import { WebhookSink, eventOf } from '../support/webhook-sink.js';

const CONTRACT_DRAFTED = 'heddle.contract.v1.Contract.DraftCreated.v1';

interface Line {
  kind: 'listening' | 'delivery' | 'removed';
  queue: string;
  url: string;
  secret: string;
  id: string;
  status?: number;
  outcome?: string;
  attempt?: number;
  ms?: number;
}

let mesh: Mesh;
let gateway: string;
let cli: HeddleCli;
let sink: WebhookSink;

// Each line of these stories is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

beforeAll(async () => {
  mesh = await sharedMesh();
  gateway = mesh.url('gateway');
  cli = await HeddleCli.of(mesh);
  sink = await WebhookSink.start();
});

afterEach(() => sink.answerWith(204));

afterAll(async () => {
  await cli.close();
  await sink.stop();
  await mesh.stop();
});

test('pairs in one process each get their events at their URL, query and all, signed with the secret that is printed', async () => {
  const pairs = [`${CONTRACT_SIGNED}=${sink.url}signed?from=heddle&to=%2Fme`, `${CONTRACT_DRAFTED}=${sink.url}drafted`];
  const listen = cli.start(['listen', ...pairs, '--json']);
  const listening = await opened(listen, 2);
  const [signed] = await publishContracts(gateway, [`C-${freshKey()}`]);
  const { results } = await cli.json<{ results: { id: string }[] }>(['publish', CONTRACT_DRAFTED]);
  const drafted = results[0]!;
  await sink.until((all) => [signed!.id, drafted.id].every((id) => all.some((one) => eventOf(one).id === id)));
  for (const [id, path, { secret }] of [
    [signed!.id, '/signed?from=heddle&to=%2Fme', listening[0]!],
    [drafted.id, '/drafted', listening[1]!],
  ] as const) {
    const delivery = sink.deliveries.find((one) => eventOf(one).id === id)!;
    expect(delivery.path).toBe(path);
    expect(() => new Webhook(secret).verify(delivery.body, delivery.headers as Record<string, string>)).not.toThrow();
  }
  await listen.lines.until(() => deliveries(listen).length === 2);
  expect(deliveries(listen).find(({ id }) => id === signed!.id)).toMatchObject({
    status: 204,
    outcome: 'accepted',
    attempt: 1,
    ms: expect.any(Number) as number,
  });
  expect((await listen.end('SIGTERM')).code).toBe(0);
  const leased = async (): Promise<number> => (await readQueue(gateway, listening[0]!.queue)).statistics.leased;
  expect(await leased()).toBe(0);
  const removed = await cli.run(['listen', ...pairs, '--remove']);
  expect(removed.out).toBe(listening.map(({ queue }) => `${queue} is deleted`).join('\n'));
});

test('what the URL refuses comes again by the schedule of the queue, and is a dead letter in the end', async () => {
  sink.answerWith(
    (delivery, response) => void response.writeHead(eventOf(delivery).subject?.startsWith('C-9') ? 500 : 204).end(),
  );
  const listen = cli.start(['listen', `${CONTRACT_SIGNED}=${sink.url}retry`, '--retry', '0.05,0.05']);
  await listen.lines.until((lines) => lines.join('\n').includes('signed with'));
  const key = `C-9${freshKey().slice(1)}`;
  await publishContracts(gateway, [key]);
  const shown = (): string[] => listen.lines.all.filter((line) => line.includes(key));
  await listen.lines.until(() => shown().length === 3);
  const [first, second, third] = shown();
  expect(first).toMatch(
    new RegExp(
      `^\\d\\d:\\d\\d:\\d\\d\\.\\d{3}  500 +[\\d.]+ m?s  ${CONTRACT_SIGNED}  ${key}  → ${sink.url}retry  \\(comes again at [\\d:.]+\\)$`,
    ),
  );
  expect(second).toContain('attempt 2, comes again at');
  expect(third).toContain('attempt 3, was the last attempt: a dead letter');
  await listen.end('SIGINT');
});

test('nothing is lost when the gateway is killed, and listen is killed, and both while events come', async () => {
  const pair = `${CONTRACT_SIGNED}=${sink.url}kills`;
  const start = (): CliProcess => cli.start(['listen', pair, '--from', 'now', '--json']);
  let listen = start();
  const [{ queue, secret }] = (await opened(listen, 1)) as [Line];
  // Each takes a while, so that at any moment some are under way.
  sink.answerWith(async (_delivery, response) => {
    await delay(20);
    response.writeHead(204).end();
  });
  const ids: string[] = [];
  const send = async (count: number): Promise<void> => {
    const keys = Array.from({ length: count }, (_, index) => `C-K${index % 7}-${queue.slice(-4)}`);
    ids.push(...(await publishContracts(gateway, keys)).map(({ id }) => id));
  };
  await send(60);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  await send(60);
  await listen.lines.until(() => deliveries(listen).length > 20, { timeoutMs: 30_000 });
  await listen.end('SIGKILL');
  await send(60);
  listen = start();
  expect((await opened(listen, 1))[0]).toMatchObject({ queue, secret });
  await mesh.killApp('gateway');
  await delay(300);
  await mesh.startApp('gateway');
  await send(20);
  await sink.until(
    allOf(ids, (delivery) => eventOf(delivery).id),
    { timeoutMs: 45_000, what: 'every event at the URL' },
  );
  // First arrivals of each key are in the order of the log, whatever was killed.
  const arrived = sink.deliveries.filter(({ path }) => path === '/kills').map(eventOf);
  const firsts = [...new Set(arrived.map(({ id }) => id))];
  for (const key of new Set(arrived.map(({ subject }) => subject))) {
    const own = new Set(arrived.filter(({ subject }) => subject === key).map(({ id }) => id));
    expect(firsts.filter((id) => own.has(id))).toEqual(ids.filter((id) => own.has(id)));
  }
  await vi.waitFor(
    async () => expect((await readQueue(gateway, queue)).statistics).toMatchObject({ ready: 0, leased: 0, waiting: 0 }),
    { timeout: 45_000 },
  );
  expect((await listen.end('SIGTERM')).code).toBe(0);
});

test('a queue that is there is listened to as it is, and one that is not is named with what is near', async () => {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const listen = cli.start(['listen', '--queue', queue, `${sink.url}named`, '--mode', 'binary', '--json']);
  await opened(listen, 1);
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  await sink.until((all) => all.some(({ headers }) => headers['ce-id'] === event!.id));
  await listen.end('SIGTERM');
  const { code, said } = await cli.run(['listen', '--queue', `${queue}x`, sink.url]);
  expect([code, said]).toEqual([5, expect.stringContaining(`Did you mean ${queue}?`)]);
});

function deliveries(listen: CliProcess): Line[] {
  return listen.json<Line>().filter(({ kind }) => kind === 'delivery');
}

async function opened(listen: CliProcess, count: number): Promise<Line[]> {
  const isOpen = (line: string): boolean => line.includes('"kind":"listening"');
  await listen.lines.until((lines) => lines.filter(isOpen).length === count);
  return listen.json<Line>().filter(({ kind }) => kind === 'listening');
}
