import { setTimeout as delay } from 'node:timers/promises';
import {
  ClientTokens,
  type CloudEvent,
  type QueueConnection,
  type QueueOptions,
  connectQueue,
  fromServiceKey,
  openStream,
  pullQueue,
} from '@heddle/client';
import { ADMINISTRATOR } from '@heddle/infra';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import { CONTRACT_SIGNED } from '../support/cloud-event.js';
import { call } from '../support/http-call.js';
import { Mesh } from '../support/mesh.js';
import { freshKey } from '../support/orders.js';
import { type Published, publishContracts } from '../support/publishing.js';
import { deleteQueue, putQueue, readQueue } from '../support/queue-clients.js';

// What receivers with the library see of the faults of real gateways.

const SOON = { timeout: 20_000 };
const RETRY = { firstMs: 50, factor: 2, capMs: 200, jitter: 0, attempts: 20 };
const TOKEN_LIFE_S = 30;
/** After its token a connection lasts half a minute. */
const GRACE_S = 30;

let mesh: Mesh;
let other: Mesh;
let gateway: string;
let tokens: ClientTokens;
/** Opened before all stories, while its token is good. */
const lasting = { openedAt: 0, asked: 0, receiver: undefined as unknown as Receiving };
const open: { close(): Promise<unknown> }[] = [];
const queues: string[] = [];

beforeAll(async () => {
  mesh = await Mesh.start({
    ground: inject('stack'),
    apps: ['gateway'],
    env: { gateway: { HEDDLE_TOKEN_LIFE_SECONDS: String(TOKEN_LIFE_S) } },
  });
  other = await mesh.anotherGateway();
  gateway = mesh.url('gateway');
  const credentials = await mesh.credentialsOf(ADMINISTRATOR);
  tokens = new ClientTokens(credentials);
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED] });
  const token = new ClientTokens(credentials, (...wish) => {
    lasting.asked += 1;
    return fetch(...wish);
  });
  lasting.receiver = receiving(queue, { token });
  open.pop();
  await lasting.receiver.connection.ready;
  lasting.openedAt = Date.now();
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  for (const queue of queues.splice(0)) await deleteQueue(gateway, queue);
});

afterAll(async () => {
  await other.stop();
  await mesh.stop();
});

test('a handler that takes longer than a lease keeps it: its event comes once', async () => {
  const queue = await newQueue();
  const attempts: number[] = [];
  const receiver = receiving(queue, { leaseMs: 1000 }, async ({ attempt }) => {
    attempts.push(attempt);
    await delay(3500);
  });
  await publishContracts(gateway, [`C-${freshKey()}`]);
  await settled(queue);
  expect(attempts).toEqual([1]);
  expect(receiver.lost).toEqual([]);
});

test('an event that always fails is tried as the schedule says, becomes a dead letter, and its key goes on', async () => {
  const queue = await newQueue(3);
  const poison = `C-${freshKey()}`;
  let first = '';
  const receiver = receiving(queue, {}, ({ event }) => {
    if (event.subject === poison && event.id === (first ||= event.id))
      throw new Error('the warehouse knows no such contract');
    return Promise.resolve();
  });
  const [bad, good] = await publishContracts(gateway, [poison, poison]);
  await vi.waitFor(() => expect(receiver.ids).toEqual([bad!.id, bad!.id, bad!.id, good!.id]), SOON);
  await vi.waitFor(async () => {
    const { json } = await call('GET', `${gateway}/v1/dead-letters?queue=${queue}`);
    expect(json).toMatchObject({
      deadLetters: [
        { event: { id: bad!.id }, attempts: 3, reason: expect.stringContaining('no such contract') as string },
      ],
    });
  }, SOON);
});

test('who has a service key needs nothing else, and hears at once when its queue is deleted', async () => {
  const queue = await newQueue();
  const client = `receiver-${freshKey()}`;
  await call('PUT', `${gateway}/v1/clients/${client}`, { body: { permissions: [`consume:queue:${queue}`] } });
  const { text } = await call('POST', `${gateway}/v1/clients/${client}/service-key`, { body: {} });
  const ids: string[] = [];
  const connection = connectQueue({ ...fromServiceKey(text), queue, handle: ({ id }) => void ids.push(id) });
  open.push(connection);
  await connection.ready;
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  await vi.waitFor(() => expect(ids).toEqual([event!.id]), SOON);
  await deleteQueue(gateway, queues.pop()!);
  expect(await connection.closed).toEqual({ reason: 'deleted' });
});

test('a connection outlives its token, for it brings another one in time', { timeout: 120_000 }, async () => {
  // Past the end of the first token, and all the time that a connection is given after it.
  const leftMs = lasting.openedAt + (TOKEN_LIFE_S + GRACE_S + 5) * 1000 - Date.now();
  await delay(Math.max(0, leftMs));
  const [event] = await publishContracts(gateway, [`C-${freshKey()}`]);
  await vi.waitFor(() => expect(lasting.receiver.ids).toContain(event!.id), SOON);
  expect(lasting.receiver.connections).toHaveLength(1);
  expect(lasting.asked).toBeGreaterThanOrEqual(3);
  await lasting.receiver.connection.close();
});

test.each([
  ['a connection to the instance that dies', () => gateway],
  ['a connection to another instance', () => other.url('gateway')],
])(
  'kill -9 of a gateway, and %s: it goes on by itself, nothing is lost, the order of each key is kept',
  async (_what, url) => {
    const queue = await newQueue();
    const receiver = receiving(queue, { url: url() }, () => delay(20));
    const keys = Array.from({ length: 10 }, () => `C-${freshKey()}`);
    const events = await publishContracts(other.url('gateway'), Array.from({ length: 30 }, () => keys).flat());
    await vi.waitFor(() => expect(receiver.ids.length).toBeGreaterThan(events.length / 3), SOON);
    // A run in which nothing was under way when it died says nothing.
    expect(receiver.ids.length).toBeLessThan(events.length);
    await mesh.killApp('gateway');
    await mesh.startApp('gateway');
    await vi.waitFor(() => expect(new Set(receiver.ids).size).toBe(events.length), { timeout: 40_000 });
    for (const key of keys) expect(receiver.firstsOf(key)).toEqual(ofKey(events, key));
    // Never two of one key at a time, repeats included.
    expect(receiver.overlaps).toEqual([]);
    await settled(queue);
  },
);

test('kill -9 of a gateway while a worker pulls: nothing is lost, and the order of each key is kept', async () => {
  const queue = await newQueue();
  const seen: CloudEvent[] = [];
  const worker = pullQueue({
    url: gateway,
    token: tokens,
    queue,
    retryMs: 100,
    handle: async (event) => {
      seen.push(event);
      await delay(5);
    },
  });
  open.push(worker);
  const keys = Array.from({ length: 10 }, () => `C-${freshKey()}`);
  const events = await publishContracts(gateway, Array.from({ length: 30 }, () => keys).flat());
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(100), SOON);
  await mesh.killApp('gateway');
  await mesh.startApp('gateway');
  await vi.waitFor(() => expect(new Set(seen.map(({ id }) => id)).size).toBe(events.length), { timeout: 40_000 });
  for (const key of keys) {
    const ids = seen.filter(({ subject }) => subject === key).map(({ id }) => id);
    expect([...new Set(ids)]).toEqual(ofKey(events, key));
  }
  await settled(queue);
});

test('kill -9 of a gateway while a stream is open: it goes on exactly where it was', async () => {
  const ids: string[] = [];
  const openings: string[] = [];
  const stream = openStream({
    url: gateway,
    token: tokens,
    types: [CONTRACT_SIGNED],
    retryMs: 100,
    onOpened: ({ resumed }) => openings.push(resumed),
    onEvent: ({ id }) => void ids.push(id),
  });
  open.push(stream);
  await vi.waitFor(() => expect(openings).toEqual(['live']), SOON);
  const key = `C-${freshKey()}`;
  const events = await publishContracts(gateway, Array<string>(50).fill(key));
  await vi.waitFor(() => expect(ids.length).toBeGreaterThan(0), SOON);
  await mesh.killApp('gateway');
  events.push(...(await publishContracts(other.url('gateway'), Array<string>(50).fill(key))));
  await mesh.startApp('gateway');
  await vi.waitFor(() => expect(ids).toEqual(events.map(({ id }) => id)), SOON);
  expect(openings.slice(1).every((resumed) => resumed === 'exact')).toBe(true);
});

interface Receiving {
  connection: QueueConnection;
  /** Of each delivery, in the order they began. */
  ids: string[];
  firstsOf(key: string): string[];
  /** Keys of which two were worked on at a time. */
  overlaps: string[];
  lost: string[];
  connections: string[];
}

interface Work {
  event: CloudEvent;
  attempt: number;
}

/** A receiver that remembers what it was given; each event takes it some milliseconds, unless said otherwise. */
function receiving(
  queue: string,
  options: Partial<QueueOptions> = {},
  work: (work: Work) => Promise<void> = () => delay(5),
): Receiving {
  const seen: CloudEvent[] = [];
  const busy = new Set<string>();
  const [overlaps, lost, connections]: string[][] = [[], [], []];
  const connection = connectQueue({
    url: gateway,
    token: tokens,
    queue,
    credit: 50,
    retryMs: 100,
    onLost: ({ id }, _delivery, code) => lost!.push(`${id} ${code}`),
    onConnected: (id) => connections!.push(id),
    handle: async (event, { attempt }) => {
      const key = event.subject!;
      if (busy.has(key)) overlaps!.push(key);
      busy.add(key);
      seen.push(event);
      try {
        await work({ event, attempt });
      } finally {
        busy.delete(key);
      }
    },
    ...options,
  });
  open.push(connection);
  return {
    connection,
    get ids() {
      return seen.map(({ id }) => id);
    },
    firstsOf: (key) => [...new Set(seen.filter(({ subject }) => subject === key).map(({ id }) => id))],
    overlaps: overlaps!,
    lost: lost!,
    connections: connections!,
  };
}

async function newQueue(attempts = RETRY.attempts): Promise<string> {
  const queue = await putQueue(gateway, { types: [CONTRACT_SIGNED], retry: { ...RETRY, attempts } });
  queues.push(queue);
  return queue;
}

/** Waits until nothing of a queue is left to do. */
async function settled(queue: string): Promise<void> {
  await vi.waitFor(async () => {
    const { ready, leased, waiting, parked, lag } = (await readQueue(gateway, queue)).statistics;
    expect({ ready, leased, waiting, parked, lag }).toEqual({ ready: 0, leased: 0, waiting: 0, parked: 0, lag: 0 });
  }, SOON);
}

function ofKey(events: readonly Published[], key: string): string[] {
  return events.filter(({ subject }) => subject === key).map(({ id }) => id);
}
