import { describe, expect, it } from 'vitest';
import { administered, type Answer } from './server-trial.js';

const { server, admin, put, isLetIn } = await administered();

describe('a tenant', () => {
  it('begins with an administrator, who sees nothing of others', async () => {
    const made = await server.call('PUT', '/v1/tenants/acme', { token: admin, body: { description: 'a trial' } });
    expect(made.status).toBe(201);
    const { oauth2 } = made.body.serviceKey as { oauth2: { clientId: string; clientSecret: string } };
    expect(oauth2.clientId).toBe('acme.administrator');
    const token = await server.token(oauth2.clientId, oauth2.clientSecret);
    const listed = await server.call('GET', '/v1/clients', { token });
    expect((listed.body.clients as { client: string }[]).map(({ client }) => client)).toEqual(['administrator']);
    expect((await server.call('GET', '/v1/clients/clerk', { token })).status).toBe(404);
    expect((await put('shop', { permissions: ['*'] }, token)).body).toMatchObject({
      tenant: 'acme',
      clientId: 'acme.shop',
      namespace: 'acme/mesh/dev',
    });
    expect((await server.call('GET', '/v1/tenants', { token })).status).toBe(403);
    expect((await server.call('PUT', '/v1/tenants/other', { token, body: {} })).status).toBe(403);
    expect((await server.call('GET', '/v1/tenants', { token: admin })).body).toMatchObject({
      tenants: [{ tenant: 'acme', description: 'a trial' }, { tenant: 'local' }],
    });
    expect((await server.call('PUT', '/v1/tenants/acme', { token: admin, body: {} })).status).toBe(409);
  });

  it('goes when it has nothing any more, and its name is not given again', async () => {
    const made = await server.call('PUT', '/v1/tenants/brief', { token: admin, body: {} });
    const { oauth2 } = made.body.serviceKey as { oauth2: { clientId: string; clientSecret: string } };
    const token = await server.token(oauth2.clientId, oauth2.clientSecret);
    await put('one', { permissions: [] }, token);
    const drop = (): Promise<Answer> => server.call('DELETE', '/v1/tenants/brief', { token: admin });
    expect(await drop()).toMatchObject({ status: 409, body: { code: 'conflict' } });
    await server.call('DELETE', '/v1/clients/one', { token });
    expect((await drop()).status).toBe(204);
    expect(await isLetIn(token)).toBe(false);
    expect((await drop()).status).toBe(404);
    expect((await server.call('PUT', '/v1/tenants/brief', { token: admin, body: {} })).status).toBe(409);
  });

  it('stays while it has queues', async () => {
    await server.call('PUT', '/v1/tenants/busy', { token: admin, body: {} });
    const { status, body } = await server.call('DELETE', '/v1/tenants/busy', { token: admin });
    expect([status, body.detail]).toEqual([409, 'The tenant busy still has 2 queues.']);
  });

  it.each(['heddle', 'Acme', 'a.b', '1a', 'a'.repeat(32)])('is not named %s', async (name) => {
    expect((await server.call('PUT', `/v1/tenants/${name}`, { token: admin, body: {} })).status).toBe(400);
  });
});
