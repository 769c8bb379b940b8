import { type RequestOptions, request } from 'node:http';
import type { Caller } from '@heddle/auth';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from './gateway-trial.js';
import { callerFor } from './identity/identity-trial.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const DRAFT = 'heddle.contract.v1.Contract.DraftCreated.v1';
const PAGE = 'http://localhost:3000';
const admin = callerFor();
const stranger = callerFor('acme', ['*'], 'stranger');

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start();
  for (const name of ['q', 'r']) {
    expect(await trial.ask(admin, 'PUT', `/v1/queues/${name}`, { types: [TYPE] })).toMatchObject({ status: 201 });
  }
});

afterAll(() => trial.stop());

/** How a door that stays open answers: 200 and 101 are an open one. */
type Door = (path: string, headers: Record<string, string>) => Promise<number>;

const opened = (path: string, options: RequestOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    const asked = request(trial.url + path, options);
    asked.on('response', (answer) => {
      resolve(answer.statusCode!);
      answer.destroy();
    });
    asked.on('upgrade', (answer, socket) => {
      resolve(answer.statusCode!);
      socket.destroy();
    });
    asked.on('error', reject);
    asked.end();
  });

const bySse: Door = async (path, headers) => opened(path, { headers });
const byWebSocket: Door = async (path, headers) =>
  opened(path, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-protocol': path.includes('/connect') ? 'heddle.v1' : 'cloudevents.json',
      ...headers,
    },
  });

const as = (caller: Caller | undefined): Record<string, string> =>
  caller === undefined ? {} : { authorization: trial.guard.bearerFor(caller) };

describe.each([
  ['server-sent events', bySse, 200],
  ['WebSockets', byWebSocket, 101],
] as const)('streams as %s', (_name, open, isOpen) => {
  it.each<[who: string, caller: Caller | undefined, query: string, status: number]>([
    ['nobody', undefined, '', 401],
    ['a client that may do everything', admin, '', isOpen],
    ['a client that may consume the type', callerFor('local', [`consume:type:${TYPE}`]), `?types=${TYPE}`, isOpen],
    ['a client that may consume it, and names none', callerFor('local', [`consume:type:${TYPE}`]), '', isOpen],
    ['a client that may consume another type', callerFor('local', [`consume:type:${DRAFT}`]), `?types=${TYPE}`, 403],
    ['a client that names more than it may', callerFor('local', [`consume:type:${TYPE}`]), '?types=heddle.*', 403],
    [
      'a client that names one it may not',
      callerFor('local', [`consume:type:${TYPE}`]),
      `?types=${TYPE},${DRAFT}`,
      403,
    ],
    ['a client that may publish it', callerFor('local', [`publish:type:${TYPE}`]), `?types=${TYPE}`, 403],
    ['a client that may consume queues', callerFor('local', ['consume:queue:*']), '', 403],
    ['a client without permissions', callerFor('local', []), '', 403],
    ['a client of another tenant, for its own events', stranger, '', isOpen],
    ['a client of another tenant, with a position of this one', stranger, '?resume=1~contract=0', 400],
  ])('%s', async (_who, caller, query, status) => {
    expect(await open(`/v1/stream${query}`, as(caller))).toBe(status);
  });
});

describe('connections to a queue', () => {
  it.each<[who: string, caller: Caller | undefined, queue: string, status: number]>([
    ['nobody', undefined, 'q', 401],
    ['a client that may consume it', callerFor('local', ['consume:queue:q']), 'q', 101],
    ['a client that may consume another one', callerFor('local', ['consume:queue:r']), 'q', 403],
    ['a client that may manage it', callerFor('local', ['manage:queue:q']), 'q', 403],
    ['a client that may consume its type', callerFor('local', [`consume:type:${TYPE}`]), 'q', 403],
    ['a client that may consume one that is not there', callerFor('local', ['consume:queue:no']), 'no', 404],
    ['a client of another tenant', stranger, 'q', 404],
  ])('%s', async (_who, caller, queue, status) => {
    expect(await byWebSocket(`/v1/queues/${queue}/connect`, as(caller))).toBe(status);
  });
});

/** Makes a client by management, and gets tokens for it as it would. */
async function made(client: string, permissions: string[]): Promise<(scope?: string) => Promise<Token>> {
  const { json } = await trial.ask(admin, 'PUT', `/v1/clients/${client}`, { permissions });
  const basic = Buffer.from(`${client}:${json['clientSecret'] as string}`).toString('base64');
  return async (scope) => {
    const query = scope === undefined ? '' : `&scope=${encodeURIComponent(scope)}`;
    const answer = await fetch(`${trial.url}/oauth/token?grant_type=client_credentials${query}`, {
      headers: { authorization: `Basic ${basic}` },
    });
    return { status: answer.status, ...((await answer.json()) as { error?: string; access_token: string }) };
  };
}

interface Token {
  status: number;
  error?: string;
  access_token: string;
}

const bearer = ({ access_token: token }: Token): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('a token with a narrower scope than its client', () => {
  it('may what the scope says, and nothing else of what the client may', async () => {
    const tokenFor = await made('narrow', ['consume:queue:*', 'manage:queue:q', `consume:type:${TYPE}`]);
    const narrow = bearer(await tokenFor('consume:queue:q'));
    const whole = bearer(await tokenFor());
    for (const [headers, expected] of [
      [narrow, [200, 403, 403, 403, 101, 403]],
      [whole, [200, 200, 200, 200, 101, 101]],
    ] as const) {
      expect([
        (await trial.ask(undefined, 'GET', '/v1/queues/q', undefined, headers)).status,
        (await trial.ask(undefined, 'GET', '/v1/queues/r', undefined, headers)).status,
        (await trial.ask(undefined, 'POST', '/v1/queues/q/pause', {}, headers)).status,
        await bySse('/v1/stream', headers),
        await byWebSocket('/v1/queues/q/connect', headers),
        await byWebSocket('/v1/queues/r/connect', headers),
      ]).toEqual(expected);
    }
    await trial.ask(admin, 'POST', '/v1/queues/q/resume', {});
  });

  it('is not given for more than the client may', async () => {
    const tokenFor = await made('modest', ['consume:queue:q']);
    for (const scope of ['consume:queue:*', 'consume:queue:q manage:queue:q', '*', 'manage:tenant:*']) {
      expect(await tokenFor(scope)).toMatchObject({ status: 400, error: 'invalid_scope' });
    }
    expect((await tokenFor('consume:queue:q')).status).toBe(200);
  });
});

describe('a ticket', () => {
  const issued = async (token: Token, path: string): Promise<string> => {
    const { json } = await trial.ask(undefined, 'POST', '/v1/tickets', { path }, bearer(token));
    return json['ticket'] as string;
  };

  it('opens the door that it is for, once, and no other', async () => {
    const token = await (await made('page', ['consume:queue:q', `consume:type:${TYPE}`]))();
    const origin = { origin: PAGE };
    const doors: [Door, string, number][] = [
      [bySse, '/v1/stream', 200],
      [byWebSocket, '/v1/stream', 101],
      [byWebSocket, '/v1/queues/q/connect', 101],
    ];
    for (const [open, path, isOpen] of doors) {
      const ticket = await issued(token, path);
      expect(await open(`${path}?ticket=${ticket}`, origin)).toBe(isOpen);
      expect(await open(`${path}?ticket=${ticket}`, origin)).toBe(401);
      for (const [elsewhere, other] of doors) {
        if (other === path) continue;
        expect(await elsewhere(`${other}?ticket=${await issued(token, path)}`, origin)).toBe(401);
      }
      const there = await trial.ask(undefined, 'GET', `/v1/queues?ticket=${await issued(token, path)}`);
      expect(there.status).toBe(401);
    }
  });

  it('has no more rights than the token it was got with', async () => {
    const tokenFor = await made('pages', ['consume:queue:*', `consume:type:${TYPE}`]);
    const token = await tokenFor('consume:queue:q');
    for (const [open, path, status] of [
      [bySse, '/v1/stream', 403],
      [byWebSocket, '/v1/stream', 403],
      [byWebSocket, '/v1/queues/r/connect', 403],
      [byWebSocket, '/v1/queues/q/connect', 101],
    ] as const) {
      expect(await open(`${path}?ticket=${await issued(token, path)}`, { origin: PAGE })).toBe(status);
    }
  });
});

describe('a connection to a queue that is to go on with another token', () => {
  it('takes one of its client that may still consume the queue, and no other', async () => {
    const tokenFor = await made('lasting', ['consume:queue:*', `consume:type:${TYPE}`]);
    const colleague = await (await made('colleague', ['*']))();
    const socket = new WebSocket(`${trial.url.replace('http', 'ws')}/v1/queues/q/connect`, {
      protocols: 'heddle.v1',
      headers: bearer(await tokenFor()),
    });
    const frames: { id?: string; kind: string; code?: string }[] = [];
    socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(String(data)) as (typeof frames)[0]));
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    socket.send(JSON.stringify({ kind: 'hello' }));
    const answered = async (id: string, token: string): Promise<object> => {
      socket.send(JSON.stringify({ kind: 'authenticate', id, token }));
      return vi.waitFor(() => {
        const answer = frames.find((frame) => frame.id === id);
        expect(answer).toBeDefined();
        return answer!;
      });
    };
    for (const [id, token, code] of [
      ['colleague', colleague.access_token, 'token-invalid'],
      ['stranger', trial.guard.tokenFor(stranger), 'token-invalid'],
      ['namesake', trial.guard.tokenFor(callerFor('acme', ['*'], 'lasting')), 'token-invalid'],
      ['nobody', 'no.such.token', 'token-invalid'],
      ['other queue', (await tokenFor('consume:queue:r')).access_token, 'permission-missing'],
      ['other right', (await tokenFor(`consume:type:${TYPE}`)).access_token, 'permission-missing'],
    ] as const) {
      expect(await answered(id, token)).toMatchObject({ kind: 'problem', code });
    }
    const narrowed = (await tokenFor('consume:queue:q')).access_token;
    expect(await answered('own', narrowed)).toMatchObject({ kind: 'authenticated' });
    socket.close();
  });
});
