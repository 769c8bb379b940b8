import { chmod, writeFile } from 'node:fs/promises';
import { MemoryControlLog } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import { ADMIN, TrialServer, basic, clientsFile } from './server-trial.js';

const GRANT = { grant_type: 'client_credentials' };

describe('the file of clients', () => {
  const start = async (content: unknown, mode = 0o600): Promise<void> => {
    const file = await clientsFile([]);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
    await chmod(file, mode);
    await (await TrialServer.start(file)).stop();
  };
  const entry = { ...ADMIN, permissions: ['*'] };

  it.each<[what: string, content: unknown, mode?: number]>([
    ['others can read', { clients: [entry] }, 0o644],
    ['its group can read', { clients: [entry] }, 0o640],
    ['is no JSON', '{'],
    ['has no clients', {}],
    ['has a short secret', { clients: [{ ...entry, secret: 'short' }] }],
    ['has a permission that is none', { clients: [{ ...entry, permissions: ['all'] }] }],
    ['has a name that is none', { clients: [{ ...entry, client: 'A' }] }],
    ['has a reserved tenant', { clients: [{ ...entry, tenant: 'heddle', namespace: 'heddle/mesh/dev' }] }],
    ['has a namespace of another tenant', { clients: [{ ...entry, tenant: 'acme' }] }],
    ['has a field that is not known', { clients: [{ ...entry, secrets: [] }] }],
  ])('stops the start when it %s, and shows no secret', async (_what, content, mode) => {
    const error = await start(content, mode).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'setting-invalid' });
    expect((error as Error).message).not.toContain(ADMIN.secret);
    await start({ clients: [entry] });
  });

  it('makes its clients once, whatever number of instances start with it, and changes what it says otherwise', async () => {
    const log = new MemoryControlLog();
    const file = await clientsFile([ADMIN]);
    const first = await TrialServer.start(file, {}, log);
    const token = await first.token();
    const second = await TrialServer.start(file, {}, log);
    try {
      const version = second.identity.directory.client('local', ADMIN.client)?.version;
      expect(version).toBe(1);
      expect((await second.call('GET', '/v1/stream', { token })).status).toBe(200);
      const shop = { client: 'shop', tenant: 'acme', namespace: 'acme/mesh/dev', secret: 'another-long-secret' };
      const clients = [
        { ...entry, secret: 'the-next-secret-of-it' },
        { ...shop, permissions: [] },
      ];
      const third = await TrialServer.start(await clientsFile(clients), {}, log);
      expect((await first.form(GRANT, { authorization: basic(ADMIN.client, ADMIN.secret) })).status).toBe(401);
      expect(await first.token(ADMIN.client, 'the-next-secret-of-it')).toEqual(expect.any(String));
      expect(await first.token('acme.shop', shop.secret)).toEqual(expect.any(String));
      expect((await first.call('GET', '/v1/stream', { token })).status).toBe(401);
      await third.stop();
    } finally {
      await second.stop();
      await first.stop();
    }
  });
});
