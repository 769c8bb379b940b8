import { describe, expect, it } from 'vitest';
import { administered, type Answer } from './server-trial.js';

const { server, admin, put, make } = await administered();

describe('a ticket', () => {
  const PAGE = { origin: 'http://localhost:3000' };
  const issue = async (path = '/v1/stream'): Promise<string> =>
    (await server.call('POST', '/v1/tickets', { token: admin, body: { path } })).body.ticket as string;
  const use = (ticket: string, headers: Record<string, string> = PAGE): Promise<Answer> =>
    server.call('GET', `/v1/stream?ticket=${ticket}`, { headers });

  it('opens its door once', async () => {
    const ticket = await issue();
    expect(await use(ticket)).toMatchObject({ status: 200, body: { client: 'administrator' } });
    expect((await use(ticket)).status).toBe(401);
    expect((await use(await issue())).status).toBe(200);
  });

  it('opens it once when it is used twice at the same time', async () => {
    const ticket = await issue();
    const answers = await Promise.all(Array.from({ length: 8 }, () => use(ticket)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('opens no other door', async () => {
    const ticket = await issue('/v1/queues/orders/connect');
    expect((await use(ticket)).status).toBe(401);
    for (const path of ['/v1/clients', '/v1/stream?x', '/v1/streams', 'https://elsewhere.example/v1/stream']) {
      expect((await server.call('POST', '/v1/tickets', { token: admin, body: { path } })).status).toBe(422);
    }
  });

  it('is of no use to pages of elsewhere', async () => {
    expect((await use(await issue(), { origin: 'https://elsewhere.example' })).status).toBe(403);
    expect((await use(await issue())).status).toBe(200);
  });

  it('is of no use once its client is not as it was', async () => {
    const secret = await make('ticketed', ['consume:type:*']);
    const token = await server.token('ticketed', secret);
    const { body } = await server.call('POST', '/v1/tickets', { token, body: { path: '/v1/stream' } });
    await put('ticketed', { permissions: ['consume:type:a'] });
    expect((await use(body.ticket as string)).status).toBe(401);
  });
});

describe('a token in the URL of a stream', () => {
  it.each(['access_token', 'token', 'authorization', 'bearer'])(
    'as %s is refused with what to do instead, and lets nobody in',
    async (name) => {
      const answer = await server.call('GET', `/v1/stream?types=*&${name}=${admin}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'parameter-invalid', field: name } });
      expect(answer.body.detail).toMatch(/ticket/);
      expect(JSON.stringify(answer.body)).not.toContain(admin);
    },
  );

  it('is not taken for anything where a token comes in the header', async () => {
    expect((await server.call('GET', '/v1/stream', { token: admin })).status).toBe(200);
    expect((await server.call('GET', '/v1/stream?types=*')).status).toBe(401);
  });
});
