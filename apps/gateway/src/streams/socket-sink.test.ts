import { type Server, type Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SocketSink } from './socket-sink.js';

let server: Server;
let served: Socket;
let client: Socket;

beforeEach(async () => {
  server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  served = await accepted;
  served.on('error', () => undefined);
});

afterEach(async () => {
  client.destroy();
  served.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const MUCH = Buffer.alloc(16 * 1024 * 1024);

it('a receiver that does not read what waits for it is cut off, and whoever waits for it is told', async () => {
  const sink = new SocketSink(served, () => undefined, 200);
  sink.write(MUCH);
  expect(sink.queuedBytes).toBeGreaterThan(0);
  await new Promise<void>((resolve) => sink.onceDrained(resolve));
  expect(served.destroyed).toBe(true);
});

it('one that reads it in time goes on', async () => {
  const sink = new SocketSink(served, () => undefined, 10_000);
  sink.write(MUCH);
  client.resume();
  await new Promise<void>((resolve) => sink.onceDrained(resolve));
  expect([served.destroyed, sink.queuedBytes]).toEqual([false, 0]);
});
