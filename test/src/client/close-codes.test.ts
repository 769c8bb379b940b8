import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type QueueConnection, type QueueOptions, connectQueue } from '@heddle/client';
import { type WebSocket, WebSocketServer } from 'ws';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CLOSE_CODES } from '../../../apps/gateway/src/protocols/websocket/close-codes.js';
import { SOON } from '../../../apps/gateway/src/protocols/websocket/queue-trial.js';

const REFERENCE = readFileSync(join(import.meta.dirname, '../../../docs/reference/frames.md'), 'utf8');
/** The codes of the reference after which nothing is gained by coming back. */
const FINAL: Record<number, string> = {
  1003: 'faulty',
  1008: 'faulty',
  1009: 'faulty',
  4409: 'replaced',
  4410: 'deleted',
};

let server: WebSocketServer;
let sockets: WebSocket[];
/** What every connection was told, the hello among it. */
let frames: Record<string, unknown>[];
let connection: QueueConnection | undefined;

beforeEach(async () => {
  sockets = [];
  frames = [];
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'heddle.v1' });
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (text: Buffer) => {
      const frame = JSON.parse(text.toString()) as Record<string, unknown>;
      frames.push(frame);
      if (frame['kind'] !== 'hello') return;
      const ready = { kind: 'ready', queue: 'q', connection: `c${sockets.length}`, epoch: 1, leaseMs: 30_000 };
      socket.send(JSON.stringify(ready));
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
});

afterEach(async () => {
  await connection?.close({ graceMs: 10 });
  for (const socket of server.clients) socket.terminate();
  // It may be closed already.
  await new Promise((resolve) => server.close(resolve));
});

const codes = [...REFERENCE.matchAll(/^\| (\d{4}) +\| (?:`([a-z]+)`)?/gm)].map(
  ([, code, reason = '']) => [Number(code), reason] as const,
);

it('every code that the gateway closes with is in the reference', () => {
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.map(([code]) => code)).toEqual(expect.arrayContaining(Object.values(CLOSE_CODES)));
});

describe.each(codes.filter(([code]) => code !== 1006))('a connection that is closed with %i %s', (code, reason) => {
  const end = FINAL[code];

  it(end === undefined ? 'is made again, with what to resume' : `is over: ${end}`, async () => {
    const refused: string[] = [];
    const disconnected: number[] = [];
    const token = { get: () => 't', refused: (token: string) => void refused.push(token) };
    await connect({ token, onDisconnected: ({ code }) => disconnected.push(code) });
    sockets[0]!.send(JSON.stringify({ kind: 'closing', reason }));
    sockets[0]!.close(code, reason);
    if (end !== undefined) {
      expect(await connection!.closed).toEqual({ reason: end });
      expect(sockets).toHaveLength(1);
      return;
    }
    await vi.waitFor(() => expect(sockets).toHaveLength(2), SOON);
    await vi.waitFor(() => expect(frames.filter(({ kind }) => kind === 'hello')).toHaveLength(2), SOON);
    expect(frames.findLast(({ kind }) => kind === 'hello')).toMatchObject({ resume: { connection: 'c1', leases: [] } });
    expect(disconnected).toEqual([code]);
    // Come back with the same token, it would be closed again.
    expect(refused).toEqual(code === 4401 ? ['t'] : []);
  });
});

it('a connection that is cut without a word is made again, and one that answers nothing any more', async () => {
  await connect({ idleMs: 900 });
  sockets[0]!.terminate();
  await vi.waitFor(() => expect(sockets).toHaveLength(2), SOON);
  // Silent from now on: it was asked for a sign of life, and gave none.
  await vi.waitFor(() => expect(sockets).toHaveLength(3), SOON);
  expect(frames).toContainEqual({
    kind: 'settle',
    id: 'sign',
    settlements: [{ lease: 'sign-of-life', action: 'renew' }],
  });
});

it('a gateway that is away does not hold up who closes with nothing in hand', async () => {
  await connect({ retryMs: 15_000 });
  const away = new Promise<void>((resolve) => server.once('close', resolve));
  server.close();
  sockets[0]!.terminate();
  await away;
  const before = performance.now();
  expect(await connection!.close()).toEqual({ reason: 'closed' });
  expect(performance.now() - before).toBeLessThan(5000);
});

it('kinds and fields that are not known are passed over, for more may come', async () => {
  const ids: string[] = [];
  await connect({ handle: ({ id }) => void ids.push(id) });
  const event = { specversion: '1.0', id: 'e1', source: '/s', type: 't' };
  const delivery = { lease: 'l1', attempt: 1, redelivery: 'no', event, novelty: 1 };
  for (const frame of [{ kind: 'novelty' }, { kind: 'deliveries', deliveries: [delivery], novelty: true }]) {
    sockets[0]!.send(JSON.stringify(frame));
  }
  await vi.waitFor(() => expect(ids).toEqual(['e1']), SOON);
  await vi.waitFor(
    () => expect(frames.at(-1)).toMatchObject({ settlements: [{ lease: 'l1', action: 'accept' }] }),
    SOON,
  );
});

async function connect(options: Partial<QueueOptions>): Promise<void> {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  connection = connectQueue({ url, queue: 'q', token: 't', handle: () => undefined, retryMs: 20, ...options });
  await connection.ready;
}
