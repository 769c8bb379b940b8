import { request } from 'node:http';
import { uuidv7 } from '@heddle/event';
import { createKeyPair, keyOf } from '@heddle/auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TokenDoor, badTokensContract } from '../../../../test/src/contract/bad-tokens.contract.js';
import { ADMIN, TrialServer, clientsFile } from './server-trial.js';

const ISSUER = 'https://gateway.example';

let server: TrialServer;
let own: Pick<TokenDoor, 'kid' | 'privateKey' | 'publicJwk'>;
let registered: typeof own;
let grantedAt: number;

beforeAll(async () => {
  server = await TrialServer.start(await clientsFile([ADMIN]));
  const { kid, privateKey } = server.identity.keys.current();
  own = { kid, privateKey, publicJwk: server.identity.keys.jwks().keys[0]! };
  const pair = await createKeyPair();
  registered = { kid: pair.publicJwk.kid!, privateKey: await keyOf(pair.privateJwk), publicJwk: pair.publicJwk };
  const token = await server.token();
  await server.call('PUT', '/v1/clients/signer', { token, body: { permissions: [], keys: [pair.publicJwk] } });
  grantedAt = server.identity.directory.client('local', ADMIN.client)!.validFrom;
});

afterAll(() => server.stop());

function times(): Record<string, unknown> {
  const iat = Math.floor(Date.now() / 1000);
  return { iat, exp: iat + 40, jti: uuidv7() };
}

function callerClaims(): Record<string, unknown> {
  const { client, namespace } = ADMIN;
  const who = { sub: client, client_id: client, client, tenant: 'local', namespace };
  return { iss: ISSUER, ...who, scope: '*', granted_at: grantedAt, ends_at: Date.now() + 60_000, ...times() };
}

/** The status of a request; what cannot even be written into a request is refused, too. */
function statusOf(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'ERR_INVALID_CHAR' || error.code === 'ERR_UNESCAPED_CHARACTERS') resolve(401);
      else reject(error);
    };
    try {
      const sent = request(server.url + path, { headers, agent: false, setHost: true });
      sent.on('response', (answer) => resolve(answer.resume().statusCode ?? 0));
      sent.on('upgrade', (answer, socket) => {
        socket.destroy();
        resolve(answer.statusCode ?? 0);
      });
      sent.on('error', failed).end();
    } catch (error) {
      failed(error as NodeJS.ErrnoException);
    }
  });
}

const UPGRADE = {
  connection: 'upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};
const PAGE = { origin: 'http://localhost:3000' };

type Door = Omit<TokenDoor, 'enter' | 'kid' | 'privateKey' | 'publicJwk'> & {
  status(token: string): Promise<number>;
  isAnyKey?: boolean;
};

const access = { type: 'at+jwt', claims: () => ({ ...callerClaims(), aud: 'heddle' }) };
const ticketFor = (path: string) => ({
  type: 'ticket+jwt',
  claims: () => ({ ...callerClaims(), aud: 'heddle-ticket', path }),
});
const hop = { type: 'hop+jwt', claims: () => ({ ...callerClaims(), aud: 'heddle-hop' }) };

const DOORS: Record<string, Door> = {
  'a route': { ...access, status: (token) => statusOf('/v1/clients', { authorization: `Bearer ${token}` }) },
  'a stream': { ...access, status: (token) => statusOf('/v1/stream', { authorization: `Bearer ${token}` }) },
  'an upgrade': {
    ...access,
    status: (token) => statusOf('/v1/stream', { ...UPGRADE, authorization: `Bearer ${token}` }),
  },
  'a stream with a ticket': {
    ...ticketFor('/v1/stream'),
    status: (token) => statusOf(`/v1/stream?ticket=${encodeURI(token)}`, PAGE),
  },
  'an upgrade with a ticket': {
    ...ticketFor('/v1/queues/orders/connect'),
    status: (token) => statusOf(`/v1/queues/orders/connect?ticket=${encodeURI(token)}`, { ...UPGRADE, ...PAGE }),
  },
  'a request that was handed on': { ...hop, status: (token) => statusOf('/v1/clients', { 'heddle-hop': token }) },
  'a frame': {
    ...access,
    status: async (token) => {
      try {
        await server.identity.guard.identifyToken(token);
        return 200;
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^token-/) as string });
        return 401;
      }
    },
  },
};

for (const [name, { status, ...door }] of Object.entries(DOORS)) {
  badTokensContract(name, () => ({
    ...door,
    ...own,
    async enter(token) {
      const answered = await status(token);
      expect([200, 101, 401]).toContain(answered);
      return answered !== 401;
    },
  }));
}

badTokensContract('the token endpoint', () => ({
  type: 'JWT',
  isLenient: true,
  ...registered,
  claims: () => ({ iss: 'signer', sub: 'signer', aud: `${server.url}/oauth/token`, ...times() }),
  async enter(token) {
    const { status } = await server.form({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: token,
    });
    expect([200, 400, 401]).toContain(status);
    return status === 200;
  },
}));

describe('tokens of one use', () => {
  it('are not taken for another', async () => {
    const token = await server.token();
    const { body } = await server.call('POST', '/v1/tickets', { token, body: { path: '/v1/stream' } });
    const ticket = body.ticket as string;
    const hopToken = await server.identity.guard.hopToken();
    for (const other of [ticket, hopToken]) {
      expect(await statusOf('/v1/clients', { authorization: `Bearer ${other}` })).toBe(401);
    }
    for (const other of [ticket, token]) expect(await statusOf('/v1/clients', { 'heddle-hop': other })).toBe(401);
    for (const other of [hopToken, token]) expect(await statusOf(`/v1/stream?ticket=${other}`, PAGE)).toBe(401);
    expect(await statusOf(`/v1/stream?ticket=${ticket}`, PAGE)).toBe(200);
    expect(await statusOf('/trial/instances', { 'heddle-hop': hopToken })).toBe(200);
    expect(await statusOf('/trial/instances', { authorization: `Bearer ${token}` })).toBe(403);
  });
});

it('what clients ask counts towards a rate, and what instances ask of each other does not', async () => {
  const before = server.admitted.length;
  const hopToken = await server.identity.guard.hopToken();
  expect(await statusOf('/trial/instances', { 'heddle-hop': hopToken })).toBe(200);
  expect(await statusOf('/v1/clients', { authorization: `Bearer ${await server.token()}` })).toBe(200);
  expect(server.admitted.slice(before)).toEqual(['administrator']);
});
