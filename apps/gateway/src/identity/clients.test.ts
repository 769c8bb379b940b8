import { beforeAll, describe, expect, it } from 'vitest';
import { identity } from '../protocols/webhook/certificate-trial.js';
import { administered, type Answer, basic } from './server-trial.js';

const GRANT = { grant_type: 'client_credentials' };

const { server, admin, put, make, isLetIn } = await administered();

describe('a client', () => {
  it('has its secret shown once, by the request that made it', async () => {
    const made = await put('once', { permissions: ['consume:queue:orders'] });
    expect(made.status).toBe(201);
    const secret = made.body.clientSecret as string;
    const read = await server.call('GET', '/v1/clients/once', { token: admin });
    const listed = await server.call('GET', '/v1/clients', { token: admin });
    const key = await server.call('GET', '/v1/clients/once/service-key', { token: admin });
    for (const { body } of [read, listed, key]) expect(JSON.stringify(body)).not.toContain(secret);
    expect(JSON.stringify(read.body)).not.toContain('scrypt');
    expect(await isLetIn(await server.token('once', secret))).toBe(true);
  });

  it('has a service key as SAP Event Mesh has it with a certificate, and no private key in it', async () => {
    const [older, newer] = [identity('older'), identity('newer')];
    const made = await put('certified', { permissions: RIGHTS, certificates: [older.certificate, newer.certificate] });
    expect(made.status).toBe(201);
    const keyOf = (client: string, query: string): Promise<Answer> =>
      server.call('GET', `/v1/clients/${client}/service-key?${query}`, { token: admin });
    const { status, body } = await keyOf('certified', 'format=event-mesh&credentialType=x509');
    expect([status, JSON.stringify(body)]).toEqual([200, expect.not.stringContaining('PRIVATE')]);
    const { messaging, management } = body as Record<string, { oa2: Record<string, string> }[]>;
    expect(messaging).toHaveLength(3);
    for (const { oa2 } of [...messaging!, ...management!]) {
      expect(oa2).toEqual({
        clientid: 'sb-certified!b1|xbem-service!b1',
        'credential-type': 'x509',
        certificate: newer.certificate,
        certurl: oa2['tokenendpoint']!.replace('/oauth/token', ''),
        tokenendpoint: expect.stringMatching(/\/oauth\/token$/) as string,
        granttype: 'client_credentials',
      });
    }
    await make('secretive', RIGHTS);
    expect((await keyOf('secretive', 'format=event-mesh&credentialType=x509')).status).toBe(409);
    expect((await keyOf('certified', 'credentialType=x509')).status).toBe(422);
    expect(JSON.stringify((await keyOf('certified', 'format=event-mesh')).body)).not.toContain('CERTIFICATE');
  });

  it.each<[what: string, revoke: (client: string) => Promise<Answer>, isBack: boolean]>([
    ['its permissions change', (client) => put(client, { permissions: ['consume:queue:other'] }), true],
    ['its namespace changes', (client) => put(client, { permissions: RIGHTS, namespace: 'local/x/y' }), true],
    ['it is disabled', (client) => put(client, { permissions: RIGHTS, disabled: true }), false],
    ['it is deleted', (client) => server.call('DELETE', `/v1/clients/${client}`, { token: admin }), false],
  ])('is refused with the tokens it had once %s', async (_what, revoke, isBack) => {
    const client = `revoked-${crypto.randomUUID().slice(0, 8)}`;
    const secret = await make(client, RIGHTS);
    const token = await server.token(client, secret);
    expect(await isLetIn(token)).toBe(true);
    const heard: string[] = [];
    const forget = server.identity.guard.onRevoked((revoked) => heard.push(`${revoked.tenant}/${revoked.client}`));
    expect((await revoke(client)).status).toBeLessThan(300);
    forget();
    expect(heard).toEqual([`local/${client}`]);
    expect(await isLetIn(token)).toBe(false);
    const again = await server.form(GRANT, { authorization: basic(client, secret) });
    expect(again.status).toBe(isBack ? 200 : 401);
    if (isBack) expect(await isLetIn(again.body.access_token as string)).toBe(true);
  });

  const RIGHTS = ['consume:queue:orders'];

  it('keeps its tokens when only what is said of it changes', async () => {
    const secret = await make('described', RIGHTS);
    const token = await server.token('described', secret);
    expect((await put('described', { permissions: RIGHTS, description: 'of the shop' })).status).toBe(200);
    expect(await isLetIn(token)).toBe(true);
  });

  it('is a stranger to the tokens of one that had its name before', async () => {
    const secret = await make('reborn', RIGHTS);
    const token = await server.token('reborn', secret);
    await server.call('DELETE', '/v1/clients/reborn', { token: admin });
    await make('reborn', RIGHTS);
    expect(await isLetIn(token)).toBe(false);
    expect((await server.form(GRANT, { authorization: basic('reborn', secret) })).status).toBe(401);
  });

  it('has two secrets while one is replaced, and never three', async () => {
    const first = await make('rotating', RIGHTS);
    const rotate = async (body: object = {}): Promise<Record<string, unknown>> =>
      (await server.call('POST', '/v1/clients/rotating/secrets', { token: admin, body })).body;
    const isRight = async (secret: unknown): Promise<boolean> =>
      (await server.form(GRANT, { authorization: basic('rotating', secret as string) })).status === 200;
    const second = (await rotate()).clientSecret;
    expect([await isRight(first), await isRight(second)]).toEqual([true, true]);
    const third = (await rotate()).clientSecret;
    expect([await isRight(first), await isRight(second), await isRight(third)]).toEqual([false, true, true]);
    const token = await server.token('rotating', second as string);
    const fourth = await rotate({ overlapSeconds: 0 });
    expect([await isRight(third), await isRight(fourth.clientSecret)]).toEqual([false, true]);
    expect(await isLetIn(token)).toBe(true);
    const removed = await server.call('DELETE', `/v1/clients/rotating/secrets/${String(fourth.id)}`, { token: admin });
    expect(removed.status).toBe(204);
    expect(await isRight(fourth.clientSecret)).toBe(false);
    expect(await isLetIn(token)).toBe(false);
  });

  it('is changed in the version that was read, or not', async () => {
    await make('versioned', RIGHTS);
    expect((await put('versioned', { permissions: RIGHTS }, admin, { 'if-none-match': '*' })).status).toBe(412);
    expect((await put('versioned', { permissions: RIGHTS }, admin, { 'if-match': '"7"' })).status).toBe(412);
    const { status, headers } = await put('versioned', { permissions: RIGHTS }, admin, { 'if-match': '"1"' });
    expect([status, headers.get('etag')]).toEqual([200, '"2"']);
  });

  it('has a document with all it needs, to be kept', async () => {
    await make('keyed', RIGHTS);
    const { status, headers, body } = await server.call('POST', '/v1/clients/keyed/service-key', {
      token: admin,
      body: {},
    });
    expect(status).toBe(201);
    expect(headers.get('content-disposition')).toContain('keyed.service-key.json');
    const { tokenEndpoint, clientId, clientSecret } = body.oauth2 as Record<string, string>;
    const answer = await fetch(tokenEndpoint!, {
      method: 'POST',
      body: new URLSearchParams({ ...GRANT, client_id: clientId!, client_secret: clientSecret! }),
    });
    expect(answer.status).toBe(200);
    expect(body).toMatchObject({
      tenant: 'local',
      protocols: {
        websocket: { stream: `${server.url.replace('http', 'ws')}/v1/stream` },
        odata: { API_SALES_ORDER_SRV: `${server.url}/sap/opu/odata/sap/API_SALES_ORDER_SRV/$metadata` },
      },
    });
  });
});

describe('whoever manages clients', () => {
  let clerk: string;

  beforeAll(async () => {
    const secret = await make('clerk', ['manage:client:team-*', 'consume:queue:*', 'manage:client:powerful']);
    clerk = await server.token('clerk', secret);
    await make('powerful', ['*']);
  });

  it('gives what it has itself, and nothing else', async () => {
    expect((await put('team-a', { permissions: ['consume:queue:orders'] }, clerk)).status).toBe(201);
    for (const permission of ['publish:type:*', '*', 'manage:client:*', 'manage:tenant:*', 'consume:type:a']) {
      expect(await put('team-b', { permissions: [permission] }, clerk)).toMatchObject({
        status: 403,
        body: { code: 'permission-missing' },
      });
    }
    expect((await put('other', { permissions: [] }, clerk)).status).toBe(403);
  });

  it('does not get hold of a client that may do more than it may itself', async () => {
    for (const [method, path] of [
      ['POST', '/v1/clients/powerful/secrets'],
      ['POST', '/v1/clients/powerful/service-key'],
      ['PUT', '/v1/clients/powerful'],
      ['DELETE', '/v1/clients/powerful'],
    ] as const) {
      const body = method === 'PUT' ? { permissions: [] } : method === 'DELETE' ? undefined : {};
      expect((await server.call(method, path, { token: clerk, body })).status).toBe(403);
    }
    expect((await server.call('GET', '/v1/clients/powerful', { token: admin })).body).toMatchObject({ version: 1 });
  });

  it('sees those it manages', async () => {
    const { body } = await server.call('GET', '/v1/clients', { token: clerk });
    const names = (body.clients as { client: string }[]).map(({ client }) => client);
    expect(names).toEqual(['powerful', 'team-a']);
  });

  it('cannot give out tenants with everything', async () => {
    const secret = await make('almighty', ['*']);
    const token = await server.token('almighty', secret);
    expect((await put('tenants', { permissions: ['manage:tenant:*'] }, token)).status).toBe(403);
    expect((await server.call('GET', '/v1/tenants', { token })).status).toBe(403);
    expect((await put('tenants', { permissions: ['*'] }, token)).status).toBe(201);
  });

  it('cannot shut itself out', async () => {
    expect((await server.call('DELETE', '/v1/clients/administrator', { token: admin })).status).toBe(409);
    const all = ['*', 'manage:tenant:*'];
    expect((await put('administrator', { permissions: all, disabled: true })).status).toBe(409);
  });

  it.each([
    ['A', { permissions: [] }, 400],
    ['a', { permissions: ['consume:all'] }, 400],
    ['a', { permissions: [], namespace: 'acme/mesh/dev' }, 422],
    ['a', { permissions: [], namespace: 'local/mesh' }, 422],
    ['a', { permissions: Array.from({ length: 30 }, (_, n) => `consume:queue:${'x'.repeat(150)}${n}`) }, 422],
    ['a', { permissions: [], secrets: [] }, 422],
    ['a', { permissions: [], tenant: 'acme' }, 422],
  ])('is told what is wrong with %s %j', async (client, body, status) => {
    expect((await put(client, body)).status).toBe(status);
  });
});
