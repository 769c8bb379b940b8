import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Caller } from '@heddle/auth';
import { type QueueConnection, type QueueOptions, connectQueue, reject, release } from '@heddle/client';
import { HeddleError } from '@heddle/event';
import { WebSocket } from 'ws';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DoorGuard } from '../../../apps/gateway/src/identity/door-guard.js';
import { callerFor } from '../../../apps/gateway/src/identity/identity-trial.js';
import { SOON, TrialQueue, TrialServer } from '../../../apps/gateway/src/protocols/websocket/queue-trial.js';

let queue: TrialQueue;
let server: TrialServer;
let connection: QueueConnection | undefined;

beforeEach(async () => {
  queue = new TrialQueue();
  server = await new TrialServer(queue).listen();
});

afterEach(async () => {
  await connection?.close({ graceMs: 100 });
  connection = undefined;
  await server.close();
});

describe.each([
  ['its own WebSocket', {}],
  ['the one of the package ws', { webSocket: WebSocket }],
] as const)('with %s', (_name, platform) => {
  it('every event is accepted, and the next are asked for, with no more here than the credit', async () => {
    let [here, most] = [0, 0];
    await connect({
      ...platform,
      credit: 7,
      handle: async () => {
        most = Math.max(most, (here += 1));
        await delay(1);
        here -= 1;
      },
    });
    queue.add(100);
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(100), SOON);
    expect(most).toBe(7);
    await vi.waitFor(() => expect(queue.out.size).toBe(0), SOON);
  });

  it('a connection that is cut is made again, and every event is accepted once, what was being said then among it', async () => {
    const cuts: number[] = [];
    const settled: string[] = [];
    await connect({
      ...platform,
      handle: () => undefined,
      onDisconnected: ({ code }) => cuts.push(code),
      onSettled: ({ id }, _delivery, { state }) => settled.push(`${id} ${state}`),
    });
    queue.add(500);
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(500), SOON);
    const stored = Promise.withResolvers<void>();
    queue.durable = stored.promise;
    queue.add(50);
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(550), SOON);
    server.cut();
    stored.resolve();
    queue.durable = Promise.resolve();
    queue.add(200);
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(750), SOON);
    expect(new Set(queue.accepted).size).toBe(750);
    // Those whose answers were lost have had them since.
    await vi.waitFor(() => expect(settled).toHaveLength(750), SOON);
    expect(new Set(settled)).toEqual(new Set(queue.accepted.map((id) => `${id} accepted`)));
    expect(cuts).toEqual([1006]);
    await vi.waitFor(() => expect(queue.out.size).toBe(0), SOON);
  });
});

it('handlers that are at work when the connection is cut go on: their events come to nobody else, and once', async () => {
  const open: (() => void)[] = [];
  const attempts: number[] = [];
  await connect({
    handle: (_event, { attempt }) => {
      attempts.push(attempt);
      return new Promise<void>((resolve) => open.push(resolve));
    },
  });
  queue.add(3);
  await vi.waitFor(() => expect(open).toHaveLength(3), SOON);
  const connected = new Promise<void>((resolve) => (onConnected = resolve));
  server.cut();
  await connected;
  for (const done of open) done();
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1', 'e2', 'e3']), SOON);
  expect(attempts).toEqual([1, 1, 1]);
});

it('what is released comes again when it says, and what is rejected does not', async () => {
  const seen: string[] = [];
  const settled: unknown[] = [];
  await connect({
    handle: ({ id }, { attempt, redelivery }) => {
      seen.push(`${id} ${attempt} ${redelivery}`);
      if (id === 'e2') return reject('no such order');
      return attempt === 1 ? release({ delayMs: 1 }) : undefined;
    },
    onSettled: ({ id }, _delivery, { state }) => settled.push(`${id} ${state}`),
  });
  queue.add(2);
  await vi.waitFor(
    () => expect(settled).toEqual(expect.arrayContaining(['e1 released', 'e1 accepted', 'e2 rejected'])),
    SOON,
  );
  expect(seen).toEqual(['e1 1 no', 'e2 1 no', 'e1 2 yes']);
  expect(queue.rejected).toEqual([{ id: 'e2', reason: 'no such order' }]);
});

it('a lease is renewed while its handler runs, so that the event is worked on once', async () => {
  const attempts: number[] = [];
  await connect({
    leaseMs: 1000,
    handle: async (_event, { attempt }) => {
      attempts.push(attempt);
      await delay(2500);
    },
  });
  queue.add(1);
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  expect(attempts).toEqual([1]);
});

it('a handler that outlasts the time for renewing is told, and its event comes again after it has ended', async () => {
  const words: string[] = [];
  await connect({
    leaseMs: 1000,
    renewForMs: 1,
    handle: async (_event, { attempt, signal }) => {
      words.push(`begun ${attempt}`);
      if (attempt > 1) return;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      words.push('told');
      await delay(200);
      words.push('ended');
    },
    onLost: (_event, _delivery, code) => words.push(code),
  });
  queue.add(1);
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  expect(words).toEqual(['begun 1', 'lease-expired', 'told', 'ended', 'begun 2']);
});

it('a settlement that could not be made durable is said again on the same connection', async () => {
  const problems: string[] = [];
  await connect({ handle: () => undefined, onProblem: ({ code }) => problems.push(code) });
  queue.durable = Promise.reject(new HeddleError('log-unavailable', 'not now'));
  queue.durable.catch(() => undefined);
  queue.add(1);
  await vi.waitFor(() => expect(problems).toEqual(['log-unavailable']), SOON);
  const settled = new Promise<void>((resolve) => (onSettled = resolve));
  queue.durable = Promise.resolve();
  await settled;
  expect(queue.accepted).toEqual(['e1']);
});

it('a connection outlives its tokens, for it brings the next one in time, and ends with them where there is none', async () => {
  // Tokens of two seconds; the server ends connections 50 ms after theirs.
  const tokens: string[] = [];
  const claimsOf = (token: string) => JSON.parse(atob(token.split('.')[1]!)) as { exp: number };
  const callerOf = (token: string): Caller => ({ ...callerFor(), expiresAt: claimsOf(token).exp * 1000 });
  server.guard.next = {
    identifyUpgrade: ({ headers }: IncomingMessage) => callerOf(headers.authorization!.replace('Bearer ', '')),
    identifyToken: callerOf,
    isCurrent: ({ expiresAt }: Caller) => expiresAt > Date.now(),
  } as unknown as DoorGuard;
  let isOver = false;
  const get = (): string => {
    if (isOver) throw new Error('no more tokens');
    const exp = Math.ceil(Date.now() / 1000) + 2;
    return tokens[tokens.push(`e30.${btoa(JSON.stringify({ exp, n: tokens.length }))}.x`) - 1]!;
  };
  const ends: string[] = [];
  let connections = 0;
  const options = {
    token: { get },
    onDisconnected: ({ code, reason }: { code: number; reason: string }) => ends.push(`${code} ${reason}`),
  };
  await connect({ ...options, handle: () => undefined, onConnected: () => (connections += 1) });
  await vi.waitFor(() => expect(tokens.length).toBeGreaterThanOrEqual(4), SOON);
  queue.add(1);
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  expect([connections, ends]).toEqual([1, []]);
  isOver = true;
  await vi.waitFor(() => expect(ends[0]).toBe('4401 expired'), SOON);
});

describe('the end', () => {
  it('waits for what is worked on and accepts it, and hands back at once what has not begun', async () => {
    const open: (() => void)[] = [];
    const receiver = await connect({
      concurrency: 2,
      handle: () => new Promise<void>((resolve) => open.push(resolve)),
    });
    queue.add(10);
    await vi.waitFor(() => expect(queue.out.size).toBe(10), SOON);
    const closed = receiver.close();
    await vi.waitFor(() => expect(queue.out.size).toBe(2), SOON);
    for (const done of open) done();
    expect(await closed).toEqual({ reason: 'closed' });
    expect(queue.accepted).toEqual(['e1', 'e2']);
    expect([queue.out.size, queue.book.counts.waiting, open.length]).toEqual([0, 0, 2]);
    // The others are there for whoever comes next.
    await connect({ handle: () => undefined });
    await vi.waitFor(() => expect(queue.accepted).toHaveLength(10), SOON);
  });

  it('does not wait for longer than it may: who still works is told', async () => {
    const signals: AbortSignal[] = [];
    const receiver = await connect({
      handle: (_event, { signal }) => {
        signals.push(signal);
        return new Promise<void>(() => undefined);
      },
    });
    queue.add(1);
    await vi.waitFor(() => expect(signals).toHaveLength(1), SOON);
    expect(await receiver.close({ graceMs: 50 })).toEqual({ reason: 'closed' });
    expect(signals[0]!.aborted).toBe(true);
  });

  it('comes by itself with the queue', async () => {
    const receiver = await connect({ handle: () => undefined });
    queue.close('deleted');
    expect(await receiver.closed).toEqual({ reason: 'deleted' });
  });

  it('does not come when the queue moves, or the instance stops: it connects again', async () => {
    const reasons: string[] = [];
    const open: (() => void)[] = [];
    await connect({
      handle: () => new Promise<void>((resolve) => open.push(resolve)),
      onDisconnected: ({ code, reason }) => reasons.push(`${code} ${reason}`),
    });
    queue.add(1);
    await vi.waitFor(() => expect(open).toHaveLength(1), SOON);
    const connected = new Promise<void>((resolve) => (onConnected = resolve));
    server.connections.close();
    await connected;
    open[0]!();
    await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
    expect(reasons).toEqual(['1001 stopping']);
  });
});

it('a connection on which nothing happens stays, for it is answered when it asks', async () => {
  let connections = 0;
  await connect({ idleMs: 900, handle: () => undefined, onConnected: () => (connections += 1) });
  await delay(2500);
  queue.add(1);
  await vi.waitFor(() => expect(queue.accepted).toEqual(['e1']), SOON);
  expect(connections).toBe(1);
});

it('a number that is none of credit is a mistake that shows at once', () => {
  for (const credit of [0, -1, 1.5, 10_001]) {
    expect(() => connectQueue({ url: 'http://x', queue: 'q', token: 't', handle: () => undefined, credit })).toThrow(
      RangeError,
    );
  }
});

let onConnected: () => void = () => undefined;
let onSettled: () => void = () => undefined;

async function connect(options: Partial<QueueOptions> & Pick<QueueOptions, 'handle'>): Promise<QueueConnection> {
  onConnected = () => undefined;
  onSettled = () => undefined;
  connection = connectQueue({
    url: new URL(server.url).origin.replace('ws', 'http'),
    queue: 'orders',
    token: server.guard.tokenFor(callerFor()),
    retryMs: 50,
    onConnected: () => onConnected(),
    onSettled: () => onSettled(),
    ...options,
  });
  await connection.ready;
  return connection;
}
