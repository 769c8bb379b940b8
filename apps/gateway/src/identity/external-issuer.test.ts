import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type JWK, type SigningKey, createKeyPair, keyOf, signJwt } from '@heddle/auth';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN, TrialServer, clientsFile } from './server-trial.js';

/** An OpenID issuer that counts what it is asked. */
class Issuer {
  asked: string[] = [];
  keys: JWK[] = [];
  isDown = false;
  key!: SigningKey;
  #server: Server | undefined;

  async start(): Promise<void> {
    this.#server = createServer(({ url = '' }, response) => {
      this.asked.push(url);
      if (this.isDown) return response.writeHead(500).end();
      const isKeys = url === '/keys';
      const document = isKeys ? { keys: this.keys } : { issuer: this.url, jwks_uri: `${this.url}/keys` };
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, '127.0.0.1', resolve));
    await this.newKey();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  async newKey(): Promise<void> {
    const { publicJwk, privateJwk } = await createKeyPair();
    this.keys = [publicJwk];
    this.key = { kid: publicJwk.kid!, alg: 'ES256', privateKey: await keyOf(privateJwk) };
  }

  token(claims: object, type = 'at+jwt'): Promise<string> {
    const iat = Math.floor(Date.now() / 1000) + 1;
    return signJwt({ iss: this.url, aud: 'heddle', sub: 'someone', iat, exp: iat + 300, ...claims }, type, this.key);
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server!.close(resolve));
  }
}

const issuer = new Issuer();
let server: TrialServer;

beforeAll(() => issuer.start());
afterAll(() => issuer.stop());
beforeEach(() => void (issuer.asked = []));

async function start(environment: Record<string, string> = {}): Promise<void> {
  server = await TrialServer.start(await clientsFile([ADMIN]), { HEDDLE_OIDC_ISSUER: issuer.url, ...environment });
}

async function status(token: string, path = '/v1/stream'): Promise<number> {
  return (await server.call('GET', path, { token })).status;
}

describe('an issuer elsewhere, whose tokens name clients', () => {
  beforeAll(() => start());
  afterAll(() => server.stop());

  it('is believed beside the own one, and its keys are got once', async () => {
    for (let n = 0; n < 5; n += 1) {
      const token = await issuer.token({ client_id: 'administrator', n });
      expect(await status(token, '/v1/clients')).toBe(200);
    }
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    expect(await status(await server.token())).toBe(200);
  });

  it.each([
    ['no client', {}],
    ['a client that is not there', { client_id: 'nobody' }],
    ['another audience', { client_id: 'administrator', aud: 'elsewhere' }],
    ['another issuer', { client_id: 'administrator', iss: 'https://gateway.example' }],
    ['what an id token has', { client_id: 'administrator', nonce: 'n' }],
    ['an issue before its client was changed', { client_id: 'administrator', iat: 1_700_000_000 }],
  ])('is not believed with %s', async (_what, claims) => {
    expect(await status(await issuer.token(claims))).toBe(401);
    expect(await status(await issuer.token({ client_id: 'administrator' }))).toBe(200);
  });

  it('is not believed with a type that it was not said to have', async () => {
    expect(await status(await issuer.token({ client_id: 'administrator' }, 'JWT'))).toBe(401);
  });

  it('is asked for a key that is not known at most once in 30 s', async () => {
    const { key, keys } = issuer;
    await issuer.newKey();
    for (let n = 0; n < 5; n += 1) await status(await issuer.token({ client_id: 'administrator', n }));
    expect(issuer.asked.length).toBeLessThanOrEqual(1);
    Object.assign(issuer, { key, keys });
    expect(await status(await issuer.token({ client_id: 'administrator' }))).toBe(200);
  });
});

describe('an issuer elsewhere, whose tokens have permissions', () => {
  beforeAll(() => start({ HEDDLE_OIDC_MAPPING: 'scopes', HEDDLE_OIDC_TYPES: 'JWT', HEDDLE_TOKEN_ENDPOINT: 'false' }));
  afterAll(() => server.stop());

  it('says what they may do, in which tenant, and everything else in their scope is for others', async () => {
    const scope = 'openid consume:queue:orders-*';
    const token = await issuer.token({ tenant: 'local', scope }, 'JWT');
    expect(await status(token, '/trial/queues/orders-eu')).toBe(200);
    expect(await status(token, '/trial/queues/other')).toBe(403);
    const list = await issuer.token({ tenant: 'local', scope: scope.split(' ') }, 'JWT');
    expect(await status(list, '/trial/queues/orders-eu')).toBe(200);
  });

  it.each([
    ['no tenant', { scope: '*' }],
    ['a tenant that is not there', { scope: '*', tenant: 'acme' }],
    ['a namespace of another tenant', { scope: '*', tenant: 'local', namespace: 'acme/x/y' }],
    ['a subject that is no name', { scope: '*', tenant: 'local', sub: 'two words' }],
  ])('is not believed with %s', async (_what, claims) => {
    expect(await status(await issuer.token(claims, 'JWT'))).toBe(401);
    expect(await status(await issuer.token({ scope: '*', tenant: 'local' }, 'JWT'))).toBe(200);
  });

  it('stands instead of the own one', async () => {
    const { status: answered } = await server.call('POST', '/oauth/token', {});
    expect(answered).toBe(404);
  });
});

describe('an issuer elsewhere that does not answer', () => {
  afterAll(() => server.stop());

  it('makes nobody a stranger: that is 503, and it is not asked again at once', async () => {
    issuer.isDown = true;
    await start();
    const token = await issuer.token({ client_id: 'administrator' });
    for (let n = 0; n < 5; n += 1) {
      expect(await server.call('GET', '/v1/stream', { token })).toMatchObject({
        status: 503,
        body: { code: 'issuer-unavailable' },
      });
    }
    expect(issuer.asked).toHaveLength(1);
    expect(await status(await server.token())).toBe(200);
    issuer.isDown = false;
  });
});
