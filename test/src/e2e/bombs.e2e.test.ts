import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { avroBombRecord, publishBombs, registerList, throwBomb, vitals } from '../support/bombs.js';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { deleteAllRecords } from '../support/delete-records.js';
import { appendRaw, foreignKafka } from '../support/foreign-kafka.js';
import { authorizationFor } from '../support/keyring.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { contractEvent, publish, publishContracts } from '../support/publishing.js';
import { putQueue } from '../support/queue-clients.js';
import { afterOpened, openWebSocket } from '../support/stream-clients.js';

/** What is promised of each: how soon it is refused, how long nothing else is done, what memory it leaves behind. */
const REFUSED_MS = 100;
const BLOCKED_MS = 200;
const GROWN_MB = 50;
const THROWN = 5;

const { kafkaBrokers, registryUrl } = inject('stack');
const schemaId = await registerList(registryUrl);
const bombs = publishBombs(schemaId);
let mesh: Mesh;
let gateway: string;

beforeAll(async () => {
  mesh = await Mesh.start({ ground: inject('stack'), apps: ['gateway'] });
  gateway = mesh.url('gateway');
  // Warm: what a process takes for the first events it ever sees is not what bombs take.
  for (let n = 0; n < 20; n += 1) await publishContracts(gateway, Array.from({ length: 100 }, freshKey));
});

afterAll(async () => {
  await mesh.stop();
  // Readers of other files are not ours, and would not survive them.
  await deleteAllRecords(foreignKafka(inject('stack').kafkaBrokers), 'contract');
});

describe.each(Object.entries(bombs))('%s', (_what, bomb) => {
  // Bounds of time on a machine that others share: twice is not by chance.
  test('is refused at once, and nothing waits or grows for it', { retry: 2 }, async () => {
    const { memoryMB } = await vitals(gateway);
    const times: number[] = [];
    for (let n = 0; n < THROWN; n += 1) {
      const { ms, status, code } = await throwBomb(gateway, bomb);
      expect([status, code]).toEqual([bomb.status, bomb.code]);
      times.push(ms);
    }
    const after = await vitals(gateway);
    expect(times.toSorted((a, b) => a - b)[Math.floor(THROWN / 2)]).toBeLessThan(REFUSED_MS);
    expect(after.blockedMs).toBeLessThan(BLOCKED_MS);
    expect(after.memoryMB - memoryMB).toBeLessThan(GROWN_MB);
    expect((await publish(gateway, contractEvent(freshKey()))).status).toBe(202);
  });
});

describe('on a WebSocket', () => {
  let url: string;

  beforeAll(async () => {
    const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
    url = `${gateway.replace('http', 'ws')}/v1/queues/${queue}/connect`;
  });

  async function open(): Promise<{ client: WebSocket; closed: Promise<number> }> {
    const client = new WebSocket(url, 'heddle.v1', { headers: await authorizationFor(url) });
    const closed = new Promise<number>((resolve) => client.once('close', resolve));
    await once(client, 'open');
    client.on('error', () => undefined);
    return { client, closed };
  }

  test.each<[string, number, (client: WebSocket) => void]>([
    ['a message of 2 MB', 1009, (client) => client.send(' '.repeat(2_000_000))],
    [
      'a message in 2,000 frames',
      1008,
      (client) => {
        for (let n = 0; n < 2000; n += 1) client.send('', { fin: false });
      },
    ],
    [
      'ten thousand pings that nobody reads the answers of',
      4429,
      (client) => {
        for (let n = 0; n < 10_000; n += 1) client.ping('x'.repeat(125));
      },
    ],
  ])('%s ends it with %i', { retry: 2 }, async (_what, expected, begin) => {
    const { memoryMB } = await vitals(gateway);
    const { client, closed } = await open();
    begin(client);
    expect(await closed).toBe(expected);
    const after = await vitals(gateway);
    expect(after.blockedMs).toBeLessThan(BLOCKED_MS);
    expect(after.memoryMB - memoryMB).toBeLessThan(GROWN_MB);
  });

  test.each([
    ['500,000 levels', '['.repeat(500_000), 'too-complex'],
    ['a key of a prototype', '{"kind":"credit","add":1,"__proto__":{"a":1}}', 'frame-invalid'],
  ])('a frame with %s is answered, and the connection goes on', async (_what, frame, code) => {
    const { client, closed } = await open();
    const answers: { kind: string; code?: string }[] = [];
    client.on('message', (text: Buffer) => answers.push(JSON.parse(text.toString()) as { kind: string }));
    client.send(frame);
    client.send('{"kind":"hello"}');
    await expect.poll(() => answers.map(({ kind, code: said }) => said ?? kind)).toEqual([code, 'ready']);
    client.close();
    await closed;
  });
});

test('a bomb that somebody put into the log is set aside, and what comes after it is delivered', async () => {
  const stream = await openWebSocket(gateway, { types: CONTRACT_SIGNED });
  await stream.events.until((events) => events.length > 0);
  await vitals(gateway);
  const kafka = foreignKafka(kafkaBrokers);
  for (let partition = 0; partition < 12; partition += 1) {
    await appendRaw(kafka, 'contract', [{ key: randomUUID(), partition, ...avroBombRecord(schemaId) }]);
  }
  const [published] = await publishContracts(gateway, [`C-${freshKey()}`]);
  await stream.events.until((events) => events.some(({ id }) => id === published?.id));
  expect(afterOpened(stream).every(({ id }) => id !== 'bomb')).toBe(true);
  expect((await vitals(gateway)).blockedMs).toBeLessThan(BLOCKED_MS);
  // Counted each time they are come across: queues that are behind read the log on their own.
  const [, counted] = /heddle_set_aside_records\{[^}]*\} (\d+)/.exec(await (await fetch(`${gateway}/metrics`)).text())!;
  expect(Number(counted)).toBeGreaterThanOrEqual(12);
  stream.close();
});
