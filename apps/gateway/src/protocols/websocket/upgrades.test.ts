import { type Server, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { requirePermission } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { TrialGuard, callerFor } from '../../identity/identity-trial.js';
import { type ConnectionCount, Sessions } from '../sessions.js';
import { isRefusal } from '../../ledger/refusals.js';
import { LIMIT_VALUES } from '../../limits/limit.settings.js';
import { Limits } from '../../limits/limits.js';
import type { SocketRoute } from './socket-route.js';
import { Upgrades } from './upgrades.js';

let server: Server;
let upgrades: Upgrades;
let port: number;
let guard: TrialGuard;
let sessions: Sessions;
let count: ConnectionCount;
let authorization: string;
let refused: object[];
/** Of the last refusal. */
let head: string;

beforeEach(async () => {
  server = createServer();
  guard = new TrialGuard();
  const limits = new Limits({ ...LIMIT_VALUES, limitMessageFragments: 3, limitClientConnections: 3 });
  count = (caller, address) => limits.connect(caller, address);
  sessions = new Sessions(guard, (caller, address) => count(caller, address));
  authorization = guard.bearerFor(callerFor());
  const routes: SocketRoute[] = [
    { path: /^\/one$/, subprotocol: 'first', maxMessageBytes: 10, admit: () => (client) => client.send('one') },
    {
      path: /^\/two\/(\w+)$/,
      subprotocol: 'second',
      maxMessageBytes: 10,
      admit(caller, url, [, name]) {
        requirePermission(caller, 'consume', 'queue', name!);
        if (name === 'none') throw new HeddleError('not-found', 'There is no such thing.');
        return (client) => client.send(`two ${name} ${url.searchParams.get('q')}`);
      },
    },
  ];
  refused = [];
  const audit = {
    refused: (error: unknown, who: object) => {
      if (isRefusal(error)) refused.push({ code: error.code, ...who });
    },
  };
  const proxies = { has: (address: string) => address === '127.0.0.2' };
  upgrades = new Upgrades(server, routes, { guard, sessions, limits, proxies, audit });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  await upgrades.stop();
  sessions.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('each path has its own subprotocol, and is told what the path and the query say', async () => {
  expect(await firstWord('/one', 'first')).toBe('one');
  expect(await firstWord('/two/x?q=1', 'second')).toBe('two x 1');
});

it('what is refused is answered with a problem: a path nobody answers at, a wrong subprotocol', async () => {
  expect(await refusal('/three', {})).toMatchObject({ status: 404, code: 'not-found' });
  expect(await refusal('/one', { 'sec-websocket-protocol': 'second' })).toMatchObject({
    status: 400,
    field: 'sec-websocket-protocol',
    detail: 'Offer the subprotocol first.',
  });
  expect(await refusal('/two/none', { 'sec-websocket-protocol': 'second' })).toMatchObject({ status: 404 });
  expect(await firstWord('/one', 'first')).toBe('one');
});

describe('before the handshake', () => {
  const refused = { 'sec-websocket-protocol': 'second' };

  it('whoever brings no token, or a wrong one, is told so and how', async () => {
    authorization = '';
    expect(await refusal('/one', {})).toMatchObject({ status: 401, code: 'token-missing' });
    expect(head).toContain('www-authenticate: Bearer realm="heddle"');
    authorization = 'Bearer nobody.knows.it';
    expect(await refusal('/one', {})).toMatchObject({ status: 401, code: 'token-invalid' });
    expect(head).toContain('error="invalid_token"');
    expect(sessions.size).toBe(0);
  });

  it('a token in the URL is refused with what to do instead, although it is valid', async () => {
    const token = authorization.slice('Bearer '.length);
    for (const name of ['access_token', 'token']) {
      expect(await refusal(`/one?${name}=${token}`, {})).toMatchObject({
        status: 400,
        field: name,
        detail: expect.stringContaining('Authorization: Bearer') as string,
      });
    }
  });

  it('a permission that lacks is named', async () => {
    authorization = guard.bearerFor(callerFor('local', ['consume:queue:x']));
    expect(await firstWord('/two/x', 'second')).toBe('two x null');
    expect(await refusal('/two/y', refused)).toMatchObject({
      status: 403,
      code: 'permission-missing',
      detail: expect.stringContaining('consume:queue:y') as string,
    });
  });

  it('connections are counted, each until it is gone, and not beyond what is allowed', async () => {
    let open = 0;
    count = ({ client }) => {
      if (open === 1) throw new HeddleError('busy', `${client} has too many.`);
      open += 1;
      return () => (open -= 1);
    };
    const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
    await new Promise((resolve) => client.once('message', resolve));
    expect(await refusal('/one', {})).toMatchObject({ status: 503, code: 'busy' });
    expect(await refusal('/two/none', refused)).toMatchObject({ status: 404 });
    client.close();
    await vi.waitFor(() => expect([open, sessions.size]).toEqual([0, 0]), { timeout: 10_000 });
    expect(await firstWord('/one', 'first')).toBe('one');
  });
});

it('a message longer than the route allows ends the connection with 1009', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
  client.once('open', () => client.send('x'.repeat(11)));
  expect(await new Promise((resolve) => client.once('close', resolve))).toBe(1009);
});

it('a message in more frames than allowed ends the connection with 1008, however small they are', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
  client.once('open', () => {
    for (let n = 0; n < 5; n += 1) client.send('', { fin: false });
  });
  expect(await new Promise((resolve) => client.once('close', resolve))).toBe(1008);
});

it('pings are answered, and more of them than allowed end the connection with 4429', async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
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
      const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
      await new Promise((resolve) => client.once('open', resolve));
      return client;
    }),
  );
  expect(await refusal('/one', {})).toMatchObject({ status: 429, code: 'too-many-connections', field: 'client' });
  open[0]!.terminate();
  await expect.poll(() => firstWord('/one', 'first').catch(() => 'refused')).toBe('one');
});

it('what a proxy that is trusted says of a client counts for its address, and what a client says of itself does not', async () => {
  const seen: (string | undefined)[] = [];
  count = (_caller, address) => {
    seen.push(address);
    return () => undefined;
  };
  const headers = { authorization, 'x-forwarded-for': '192.0.2.66, 198.51.100.1' };
  const from = async (localAddress: string) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers, localAddress });
    await new Promise((resolve) => client.once('open', resolve));
    client.terminate();
  };
  await from('127.0.0.2');
  await from('127.0.0.3');
  expect(seen).toEqual(['198.51.100.1', '127.0.0.3']);
});

it('who is not let in is in the audit, by where it comes from, and who it is where that is known', async () => {
  await refusal('/one', { authorization: 'Bearer nobody', 'sec-websocket-protocol': 'first' });
  authorization = guard.bearerFor(callerFor('acme', [], 'clerk'));
  await refusal('/two/x', { authorization, 'sec-websocket-protocol': 'second' });
  await refusal('/two/none', { authorization: guard.bearerFor(callerFor()), 'sec-websocket-protocol': 'second' });
  expect(refused).toMatchObject([
    { code: 'token-invalid', from: '127.0.0.1', target: 'websocket first' },
    { code: 'permission-missing', by: { tenant: 'acme', client: 'clerk' }, target: 'websocket second' },
  ]);
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
  const client = new WebSocket(`ws://127.0.0.1:${port}/one`, 'first', { headers: { authorization } });
  await new Promise((resolve) => client.once('message', resolve));
  const closed = new Promise((resolve) => client.once('close', resolve));
  const stopped = upgrades.stop();
  expect(await refusal('/one', {})).toMatchObject({ status: 503, code: 'stopping' });
  await stopped;
  expect(await closed).toBe(1006);
});

function firstWord(path: string, subprotocol: string): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol, { headers: { authorization } });
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
    authorization,
    ...headers,
  };
  const socket: Socket = connect(port, '127.0.0.1');
  const fields = Object.entries(lines)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${fields.join('')}\r\n`);
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString();
  head = text.slice(0, text.indexOf('\r\n\r\n'));
  return JSON.parse(text.slice(head.length + 4));
}
