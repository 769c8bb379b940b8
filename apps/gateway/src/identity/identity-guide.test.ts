import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, TrialServer, clientsFile } from './server-trial.js';

const run = promisify(execFile);
const GUIDE = 'docs/guides/identity.md';

let server: TrialServer;
let folder: string;

beforeAll(async () => {
  server = await TrialServer.start(await clientsFile([ADMIN]));
  folder = await mkdtemp(join(tmpdir(), 'heddle-guide-'));
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

describe('the guide of identity', () => {
  it('works as it stands, line by line', async () => {
    const text = await readFile(GUIDE, 'utf8');
    const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, line = '']) => line);
    expect(lines).toHaveLength(5);
    const [make, serviceKey, getToken, replace, tenant] = lines as [string, string, string, string, string];
    expect(await paste(make)).toMatchObject({ client: 'shop', clientSecret: expect.any(String) as string });
    await paste(serviceKey);
    const { oauth2 } = JSON.parse(await readFile(join(folder, 'shop.service-key.json'), 'utf8')) as {
      oauth2: { clientSecret: string };
    };
    const { access_token: token } = await paste(getToken, { SECRET: oauth2.clientSecret });
    expect((await server.call('GET', '/v1/stream', { token: token as string })).status).toBe(200);
    expect(await paste(replace)).toMatchObject({ clientSecret: expect.any(String) as string });
    expect(await paste(tenant)).toMatchObject({ serviceKey: { oauth2: { clientId: 'acme.administrator' } } });
  });

  it('has an example of the file of clients that a start takes, once it has secrets', async () => {
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8')) ?? [];
    const { clients } = JSON.parse(example.replace('…', 'a-secret-of-its-own')) as { clients: object[] };
    const other = await TrialServer.start(await clientsFile(clients));
    expect(await other.token('administrator', 'a-secret-of-its-own')).toEqual(expect.any(String));
    await other.stop();
  });
});

/** What a command of the guide answers, as JSON where it does. */
async function paste(command: string, variables: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const AUTH = `authorization: Bearer ${await server.token()}`;
  const here = command.replaceAll('http://127.0.0.1:8080', server.url).replaceAll(/\bcurl\b/g, 'curl -sf');
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', AUTH, ...variables };
  const { stdout } = await run('sh', ['-c', here], { cwd: folder, env });
  return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
}
