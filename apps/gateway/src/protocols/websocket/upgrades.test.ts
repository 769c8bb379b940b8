import { type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import { type SocketRoute, Upgrades } from './upgrades.js';

let server: Server;
let upgrades: Upgrades;
let port: number;

beforeEach(async () => {
  server = createServer();
  const routes = [
    { path: /^\/one$/, subprotocol: 'first', maxMessageBytes: 10, admit: () => (client) => client.send('one') },
    {
      path: /^\/two\/(\w+)$/,
      subprotocol: 'second',
      maxMessageBytes: 10,
      admit(url, [, name]) {
        if (name === 'none') throw new HeddleError('not-found', 'There is no such thing.');
        return (client) => client.send(`two ${name} ${url.searchParams.get('q')}`);
      },
    },
  ] satisfies SocketRoute[];
  const limits = new Limits({ ...LIMIT_VALUES, limitMessageFragments: 3, limitClientConnections: 3 });
  upgrades = new Upgrades(server, routes, undefined, limits);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  await upgrades.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('each path has its own subprotocol, and is told what the path and the query say', async () => {
  expect(await firstWord('/one', 'first')).toBe('one');
  expect(await firstWord('/two/x?q=1', 'second')).toBe('two x 1');
});

it('what is refused is answered with a problem: a path nobody answers at, a page from elsewhere, a wrong subprotocol', async () => {
  expect(await refusal('/three', {})).toMatchObject({ status: 404, code: 'not-found' });
  expect(await refusal('/one', { 'sec-websocket-protocol': 'second' })).toMatchObject({
    status: 400,
    field: 'sec-websocket-protocol',
    detail: 'Offer the subprotocol first.',
  });
  expect(await refusal('/one', { origin: 'https://evil.example' })).toMatchObject({ code: 'origin-refused' });
  expect(await refusal('/two/none', { 'sec-websocket-protocol': 'second' })).toMatchObject({ status: 404 });
  expect(await firstWord('/one', 'first')).toBe('one');
});

it('a message longer than the route allows ends the connection with 1009', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first');
  client.once('open', () => client.send('x'.repeat(11)));
  expect(await new Promise((resolve) => client.once('close', resolve))).toBe(1009);
});

it('a message in more frames than allowed ends the connection with 1008, however small they are', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first');
  client.once('open', () => {
    for (let n = 0; n < 5; n += 1) client.send('', { fin: false });
  });
  expect(await new Promise((resolve) => client.once('close', resolve))).toBe(1008);
});

it('pings are answered, and more of them than allowed end the connection with 4429', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first');
  let pongs = 0;
  client.on('pong', () => (pongs += 1));
  client.once('open', () => {
    for (let n = 0; n < 1000; n += 1) client.ping('x'.repeat(100));
  });
  expect(await new Promise((resolve) => client.once('close', resolve))).toBe(4429);
  expect(pongs).toBe(10);
});

it('more connections than a client may have are refused before the handshake, until one has ended', async () => {
  const open = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first');
      await new Promise((resolve) => client.once('open', resolve));
      return client;
    }),
  );
  expect(await refusal('/one', {})).toMatchObject({ status: 429, code: 'too-many-connections', field: 'client' });
  open[0]!.terminate();
  await expect.poll(() => firstWord('/one', 'first').catch(() => 'refused')).toBe('one');
});

it('a client that leaves its side open after a refusal is cut off', async () => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  socket.write('GET /three HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  let text = '';
  socket.on('data', (data) => (text += data.toString()));
  await new Promise((resolve) => socket.once('end', resolve));
  expect(text).toMatch(/^HTTP\/1.1 404/);
  const gone = new Promise((resolve) => socket.once('close', resolve));
  const writing = setInterval(() => socket.write('x'), 100);
  await gone;
  clearInterval(writing);
});

it('a server that stops takes no new connections, and cuts off the clients that do not close', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first');
  await new Promise((resolve) => client.once('message', resolve));
  const closed = new Promise((resolve) => client.once('close', resolve));
  const stopped = upgrades.stop();
  expect(await refusal('/one', {})).toMatchObject({ status: 503, code: 'stopping' });
  await stopped;
  expect(await closed).toBe(1006);
});

function firstWord(path: string, subprotocol: string): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol);
  return new Promise((resolve, reject) => {
    client.once('error', reject);
    client.once('message', (text: Buffer) => {
      expect(client.protocol).toBe(subprotocol);
      client.close();
      resolve(text.toString());
    });
  });
}

async function refusal(path: string, headers: Record<string, string>): Promise<unknown> {
  const lines = {
    host: `127.0.0.1:${port}`,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'first',
    ...headers,
  };
  const socket: Socket = connect(port, '127.0.0.1');
  const fields = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`);
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
}
