import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { loopbackNetwork } from '../../network/network-trial.js';
import { Credentials } from './credentials.js';
import type { OAuth2Client } from './token-source.js';

const NETWORK = loopbackNetwork();

interface Asked {
  authorization: string | undefined;
  form: Record<string, string>;
}

let server: Server;
let asked: Asked[];
let answer: (number: number) => { status: number; body: string };
let client: OAuth2Client;

beforeEach(async () => {
  asked = [];
  answer = (number) => token(`t${number}`, 3600);
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      asked.push({
        authorization: request.headers.authorization,
        form: Object.fromEntries(new URLSearchParams(text)),
      });
      const { status, body } = answer(asked.length);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = {
    tokenUrl: `http://127.0.0.1:${port}/token`,
    clientId: 'heddle+1',
    clientSecret: 'a secret/of:ours',
    scope: 'events.write',
  };
});

afterEach(async () => {
  vi.useRealTimers();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

it('asks with client credentials, form-encoded before they are put together, and once for callers at the same time', async () => {
  const credentials = new Credentials({ oauth2: client }, NETWORK);
  expect(credentials.token).toBeUndefined();
  await Promise.all([credentials.ready(), credentials.ready(), credentials.ready()]);
  expect(asked).toEqual([
    {
      authorization: `Basic ${Buffer.from('heddle%2B1:a+secret%2Fof%3Aours').toString('base64')}`,
      form: { grant_type: 'client_credentials', scope: 'events.write' },
    },
  ]);
  expect(credentials.token).toBe('Bearer t1');
  expect(credentials.ready()).toBeUndefined();
});

it('a token is replaced shortly before it expires', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const credentials = new Credentials({ oauth2: client }, NETWORK);
  await credentials.ready();
  vi.setSystemTime(Date.now() + 3_569_000);
  expect(credentials.token).toBe('Bearer t1');
  vi.setSystemTime(Date.now() + 2000);
  expect(credentials.token).toBeUndefined();
  await credentials.ready();
  expect(credentials.token).toBe('Bearer t2');
  expect(asked).toHaveLength(2);
});

it('a token that the receiver refuses is replaced once, and its successor not for the same reason', async () => {
  const credentials = new Credentials({ oauth2: client }, NETWORK);
  await credentials.ready();
  expect(credentials.refused('Bearer t1')).toBe(true);
  // Others that were under way with it hear of it, too; they find the new one.
  expect(credentials.refused('Bearer t1')).toBe(true);
  await credentials.ready();
  expect(credentials.token).toBe('Bearer t2');
  expect(credentials.refused('Bearer t1')).toBe(true);
  expect(credentials.refused('Bearer t2')).toBe(false);
  expect(credentials.ready()).toBeUndefined();
  expect(asked).toHaveLength(2);
});

it('a failure says why without the secret, is shared for a moment, and then asked about again', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  answer = (number) =>
    number === 1 ? { status: 401, body: '{"error":"invalid_client"}' } : token(`t${number}`, undefined);
  const credentials = new Credentials({ oauth2: client }, NETWORK);
  const failure = await Promise.resolve(credentials.ready()).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'credentials-unavailable', retryable: true });
  expect((failure as Error).message).toContain('status 401 (invalid_client)');
  expect((failure as Error).message).not.toContain('secret');
  await expect(credentials.ready()).rejects.toBe(failure);
  expect(asked).toHaveLength(1);
  vi.setSystemTime(Date.now() + 1000);
  await credentials.ready();
  expect(credentials.token).toBe('Bearer t2');
});

it.each([
  ['no token', 200, '{}'],
  ['no JSON', 200, 'hello'],
  ['another type', 200, '{"access_token":"x","token_type":"mac"}'],
  ['a token no header can carry', 200, '{"access_token":"x\\r\\ny","token_type":"Bearer"}'],
  ['a redirect', 302, ''],
])('%s is no token', async (_what, status, body) => {
  answer = () => ({ status, body });
  await expect(new Credentials({ oauth2: client }, NETWORK).ready()).rejects.toMatchObject({
    code: 'credentials-unavailable',
  });
});

it('a server that is not there is a failure of the attempt, and no more than that', async () => {
  const credentials = new Credentials({ oauth2: { ...client, tokenUrl: 'http://127.0.0.1:1/token' } }, NETWORK);
  await expect(credentials.ready()).rejects.toMatchObject({ code: 'credentials-unavailable', retryable: true });
});

it('a change of something else keeps the token, a change of the client does not', async () => {
  const before = new Credentials({ oauth2: client }, NETWORK);
  await before.ready();
  expect(new Credentials({ oauth2: { ...client } }, NETWORK, before).token).toBe('Bearer t1');
  expect(new Credentials({ oauth2: { ...client, scope: 'other' } }, NETWORK, before).token).toBeUndefined();
});

function token(text: string, seconds: number | undefined) {
  return { status: 200, body: JSON.stringify({ access_token: text, token_type: 'bearer', expires_in: seconds }) };
}
