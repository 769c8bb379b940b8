import { createKeyPair, keyOf, signJwt } from '@heddle/auth';
import { describe, expect, it } from 'vitest';
import { ADMIN, administered, type Answer, basic, clientsFile, TrialServer } from './server-trial.js';

const SAP_ID = 'sb-shop!b1|xbem-service!b1';
const GRANT = { grant_type: 'client_credentials' };
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const { server, admin, put, make, isLetIn } = await administered();

describe('the token endpoint', () => {
  it.each<[way: string, ask: (secret: string) => Promise<Answer>]>([
    [
      'Basic, with an id as SAP Event Mesh has it',
      (secret) => server.form(GRANT, { authorization: basic(SAP_ID, secret) }),
    ],
    [
      'Basic, with that id and its marks encoded',
      (secret) => server.form(GRANT, { authorization: basic(encodeURIComponent(SAP_ID).replace('!', '%21'), secret) }),
    ],
    [
      'a form, with such an id',
      (secret) => server.form({ ...GRANT, client_id: SAP_ID, client_secret: secret, response_type: 'token' }),
    ],
    [
      'GET with Basic, such an id and a zone',
      (secret) =>
        server.call('GET', '/oauth/token?grant_type=client_credentials&response_type=token', {
          headers: { authorization: basic(SAP_ID, secret), 'x-zid': 'some-zone' },
        }),
    ],
    ['Basic and a form', (secret) => server.form(GRANT, { authorization: basic('shop', secret) })],
    ['a form', (secret) => server.form({ ...GRANT, client_id: 'shop', client_secret: secret })],
    [
      'GET with Basic',
      (secret) =>
        server.call('GET', '/oauth/token?grant_type=client_credentials', {
          headers: { authorization: basic('shop', secret) },
        }),
    ],
  ])('gives a token by %s, and not for a wrong secret', async (_way, ask) => {
    const { body } = await put('shop', { permissions: ['consume:queue:orders'] });
    const secret = (body.clientSecret as string | undefined) ?? (await rotated('shop'));
    const right = await ask(secret);
    expect(right.status).toBe(200);
    expect(right.body).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'consume:queue:orders' });
    expect(right.headers.get('cache-control')).toBe('no-store');
    expect(await isLetIn(right.body.access_token as string)).toBe(true);
    const wrong = await ask(`${secret}x`);
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect((await ask(secret)).status).toBe(200);
  });

  async function rotated(client: string): Promise<string> {
    const { body } = await server.call('POST', `/v1/clients/${client}/secrets`, { token: admin, body: {} });
    return body.clientSecret as string;
  }

  const ways: [refused: string, code: string, ask: () => Promise<Answer>][] = [
    [
      'a secret in a URL',
      'invalid_request',
      () =>
        server.call('GET', `/oauth/token?grant_type=client_credentials&client_id=administrator&client_secret=x`, {}),
    ],
    [
      'a secret in a URL, although the body is right',
      'invalid_request',
      () => server.call('POST', '/oauth/token?client_secret=x', { headers: { authorization: basic(...pair()) } }),
    ],
    ['GET without Basic', 'invalid_client', () => server.call('GET', '/oauth/token?grant_type=client_credentials')],
    ['nobody', 'invalid_client', () => server.form(GRANT)],
    ['no grant', 'invalid_request', () => server.form({}, { authorization: basic(...pair()) })],
    [
      'another grant',
      'unsupported_grant_type',
      () => server.form({ grant_type: 'password' }, { authorization: basic(...pair()) }),
    ],
    [
      'two ways at once',
      'invalid_request',
      () => server.form({ ...GRANT, client_secret: 'x' }, { authorization: basic(...pair()) }),
    ],
    ['a client that is not there', 'invalid_client', () => server.form(GRANT, { authorization: basic('nobody', 'x') })],
    [
      'a client of a tenant that is not there',
      'invalid_client',
      () => server.form(GRANT, { authorization: basic('acme.administrator', ADMIN.secret) }),
    ],
    [
      'the local tenant in front of a name',
      'invalid_client',
      () => server.form(GRANT, { authorization: basic('local.administrator', ADMIN.secret) }),
    ],
    ['Bearer', 'invalid_client', () => server.form(GRANT, { authorization: `Bearer ${admin}` })],
    ['Basic of nothing', 'invalid_client', () => server.form(GRANT, { authorization: 'Basic ' })],
    ['JSON', 'invalid_request', () => server.call('POST', '/oauth/token', { body: GRANT })],
    [
      'a scope beyond its permissions',
      'invalid_scope',
      () => server.form({ ...GRANT, scope: 'manage:tenant:* publish:thing:x' }, { authorization: basic(...pair()) }),
    ],
  ];

  function pair(): [string, string] {
    return [ADMIN.client, ADMIN.secret];
  }

  it.each(ways)('refuses %s with %s', async (_refused, code, ask) => {
    const { status, body, headers } = await ask();
    expect(status).toBe(code === 'invalid_client' ? 401 : 400);
    expect(body).toEqual({ error: code, error_description: expect.any(String) as string });
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await server.form(GRANT, { authorization: basic(...pair()) })).status).toBe(200);
  });

  it('refuses a parameter that is there twice', async () => {
    const answer = await fetch(`${server.url}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: basic(...pair()) },
      body: 'grant_type=client_credentials&grant_type=client_credentials',
    });
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('issues nothing for HEAD', async () => {
    const answer = await fetch(`${server.url}/oauth/token?grant_type=client_credentials`, {
      method: 'HEAD',
      headers: { authorization: basic(...pair()) },
    });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });

  it('narrows a token to the scope that is asked for, and not beyond the client', async () => {
    const secret = await make('narrow', ['consume:queue:orders-*', 'manage:client:*']);
    const scope = 'consume:queue:orders-eu';
    const token = await server.token('narrow', secret, scope);
    expect((await server.call('GET', '/trial/queues/orders-eu', { token })).status).toBe(200);
    const refused = await server.call('GET', '/trial/queues/orders-us', { token });
    expect(refused).toMatchObject({ status: 403, body: { code: 'permission-missing' } });
    expect(refused.body.detail).toContain('consume:queue:orders-us');
    expect((await server.call('GET', '/v1/clients', { token })).status).toBe(403);
    const beyond = await server.form(
      { ...GRANT, scope: 'consume:queue:orders-eu consume:queue:*' },
      { authorization: basic('narrow', secret) },
    );
    expect(beyond).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
    expect(beyond.body.error_description).toMatch(/such as consume:queue:\*$/);
  });

  it('reads Basic form-encoded as it should be, and plain as many clients do', async () => {
    const secret = 'a+b%2Fc:d e&f=g/h';
    const odd = { client: 'odd', secret, namespace: 'local/mesh/dev', permissions: [] };
    const trial = await TrialServer.start(await clientsFile([odd]));
    try {
      for (const text of [
        secret,
        encodeURIComponent(secret),
        new URLSearchParams([['', secret]]).toString().slice(1),
      ]) {
        expect((await trial.form(GRANT, { authorization: basic('odd', text) })).status).toBe(200);
      }
      expect((await trial.form(GRANT, { authorization: basic('odd', `${secret}+`) })).status).toBe(401);
    } finally {
      await trial.stop();
    }
  });

  it('believes an assertion of a registered key, once, and one that ends within five minutes', async () => {
    const { publicJwk, privateJwk } = await createKeyPair();
    const key = { kid: publicJwk.kid!, alg: 'ES256', privateKey: await keyOf(privateJwk) };
    const made = await put('signer', { permissions: ['consume:queue:orders'], keys: [publicJwk] });
    expect(made.body).not.toHaveProperty('clientSecret');
    const ask = async (change: object = {}): Promise<[assertion: string, answer: Answer]> => {
      const iat = Math.floor(Date.now() / 1000);
      const aud = `${server.url}/oauth/token`;
      const claims = { iss: 'signer', sub: 'signer', aud, iat, exp: iat + 60, jti: crypto.randomUUID(), ...change };
      const assertion = await signJwt(claims, 'JWT', key);
      return [assertion, await redeem(assertion)];
    };
    const redeem = (client_assertion: string): Promise<Answer> =>
      server.form({ ...GRANT, client_assertion_type: ASSERTION, client_assertion });
    const [assertion, first] = await ask();
    expect(first.status).toBe(200);
    expect(await redeem(assertion)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    for (const bad of [
      { exp: Math.floor(Date.now() / 1000) + 400 },
      { jti: undefined },
      { sub: 'shop' },
      { iss: 'shop' },
      { aud: 'https://elsewhere.example/token' },
    ]) {
      expect((await ask(bad))[1].status).toBe(401);
    }
    expect((await ask({ aud: 'https://gateway.example' }))[1].status).toBe(200);
  });

  it.each([
    [{ kty: 'oct', k: 'AAAA' }, 422],
    [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }, 422],
    [{ kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, 422],
    [{ kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' }, 422],
  ])('registers no key like %j', async (key, status) => {
    expect((await put('badly', { permissions: [], keys: [key] })).status).toBe(status);
  });

  it('registers no private key', async () => {
    const { privateJwk } = await createKeyPair();
    const { status, body } = await put('badly', { permissions: [], keys: [privateJwk] });
    expect(status).toBe(422);
    expect(JSON.stringify(body)).not.toContain(privateJwk.d);
  });

  it('says where it is, and with which keys tokens are checked', async () => {
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      const { body } = await server.call('GET', `/.well-known/${name}`);
      expect(body).toMatchObject({ issuer: 'https://gateway.example', token_endpoint: `${server.url}/oauth/token` });
      const keys = await fetch(body.jwks_uri as string);
      const text = await keys.text();
      expect(JSON.parse(text)).toEqual({ keys: [expect.objectContaining({ kty: 'EC', alg: 'ES256', use: 'sig' })] });
      expect(text).not.toContain('"d"');
    }
  });
});

describe('the token that the gateway calls services with', () => {
  it('is made once for a while, is of the tenant, and lets nobody in at the gateway', async () => {
    const { identity } = server;
    const [token, again] = await Promise.all([identity.serviceToken('acme'), identity.serviceToken('acme')]);
    expect(again).toBe(token);
    expect(identity.serviceToken('acme')).toBe(token);
    expect(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())).toMatchObject({
      tenant: 'acme',
      client: 'heddle:gateway',
      scope: 'fetch:type:*',
    });
    expect(await isLetIn(token)).toBe(false);
    expect(await isLetIn(await identity.serviceToken('local'))).toBe(false);
    expect(await isLetIn(admin)).toBe(true);
  });
});

describe('issuers', () => {
  it.each([
    ['none at all', { HEDDLE_TOKEN_ENDPOINT: 'false' }],
    ['the gateway itself as one elsewhere', { HEDDLE_OIDC_ISSUER: 'https://gateway.example' }],
  ])('are refused at the start when they are %s', async (_what, environment) => {
    await expect(TrialServer.start(undefined, environment)).rejects.toMatchObject({ code: 'setting-invalid' });
  });
});

describe('a refusal', () => {
  it('says how to come in, and what is missing', async () => {
    const nobody = await server.call('GET', '/v1/clients');
    expect([nobody.status, nobody.body.code]).toEqual([401, 'token-missing']);
    expect(nobody.body.detail).toContain('POST /oauth/token');
    expect(nobody.headers.get('www-authenticate')).toMatch(/^Bearer/);
    const stranger = await server.call('GET', '/v1/clients', { token: 'a.b.c' });
    expect([stranger.status, stranger.body.code]).toEqual([401, 'token-invalid']);
    expect(stranger.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const token = await server.token(ADMIN.client, ADMIN.secret, 'consume:queue:orders');
    const lacking = await server.call('GET', '/v1/clients', { token });
    expect([lacking.status, lacking.body.code]).toEqual([403, 'permission-missing']);
    expect(lacking.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  it('finds the health of the process and its metrics open to everybody', async () => {
    for (const path of ['/healthz', '/healthz/live', '/healthz/ready', '/openapi.json']) {
      expect((await server.call('GET', path)).status).toBe(200);
    }
    expect((await fetch(`${server.url}/metrics`)).status).toBe(200);
  });
});
