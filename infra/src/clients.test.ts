import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { ADMINISTRATOR, clientsFile, makeClients, secretFile } from './clients.mjs';
import { MESH_APPS } from './mesh-apps.js';

let dir: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-clients-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  dir = join(folder, 'secrets');
});

it('an administrator and each service get a secret of their own, in files that nobody else can read', () => {
  makeClients(dir);
  const names = [ADMINISTRATOR, ...MESH_APPS.filter((app) => app !== 'gateway')].toSorted();
  expect(
    clients()
      .map(({ client }) => client)
      .toSorted(),
  ).toEqual(names);
  const secrets = clients().map(({ client, secret }) => {
    expect(readFileSync(secretFile(dir, client), 'utf8')).toBe(`${secret}\n`);
    return secret;
  });
  expect(new Set(secrets).size).toBe(names.length);
  for (const secret of secrets) expect(secret).toMatch(/^heddle_cs_[\w-]{43}$/);
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  expect(modeOf(dir)).toBe('700');
  for (const file of readdirSync(dir)) expect(modeOf(join(dir, file)), file).toBe('600');
});

it('a later start keeps the secrets, and whom somebody has added, and adds who is new', () => {
  makeClients(dir);
  const before = clients();
  const guest = { ...before[0]!, client: 'guest', secret: 'x' };
  const [, ...others] = before;
  writeFileSync(clientsFile(dir), JSON.stringify({ clients: [...others, guest] }));
  makeClients(dir);
  expect(clients()).toEqual([...others, guest, { ...before[0], secret: expect.any(String) }]);
  makeClients(dir);
  expect(clients()).toHaveLength(before.length + 1);
});

it('a file that cannot be read is named, and left as it is', () => {
  makeClients(dir);
  writeFileSync(clientsFile(dir), '{');
  expect(() => makeClients(dir)).toThrow(/clients\.json cannot be read/);
  expect(readFileSync(clientsFile(dir), 'utf8')).toBe('{');
});

function clients(): { client: string; secret: string }[] {
  return (JSON.parse(readFileSync(clientsFile(dir), 'utf8')) as { clients: { client: string; secret: string }[] })
    .clients;
}
