import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { newFolder, runHeddle } from '../cli-trial.js';
import { readEnvironment } from '../settings.js';
import { contextsFile, readContexts, writeContexts } from './context-file.js';
import { whoAsks } from './who-asks.js';

const NOWHERE = newFolder();
const CONTEXT = { gateway: 'https://mesh.example', clientId: 'shop', clientSecret: 'of-shop' };

it('the environment goes before the context, piece by piece', () => {
  const home = newFolder();
  writeContexts(home, { current: 'one', contexts: { one: CONTEXT } });
  const base = { XDG_CONFIG_HOME: home };
  expect(asks(base)).toMatchObject({
    gateway: CONTEXT.gateway,
    credentials: { clientId: 'shop', clientSecret: 'of-shop' },
  });
  expect(asks({ ...base, HEDDLE_TOKEN: 'mine' })).toMatchObject({
    gateway: CONTEXT.gateway,
    credentials: { kind: 'token', token: 'mine' },
  });
  expect(asks({ ...base, HEDDLE_CLIENT_ID: 'me', HEDDLE_CLIENT_SECRET: 'x' })).toMatchObject({
    gateway: CONTEXT.gateway,
    credentials: { tokenUrl: 'https://mesh.example/oauth/token', clientId: 'me', clientSecret: 'x' },
  });
});

it('the secret of a context goes to its own gateway only', () => {
  const home = newFolder();
  writeContexts(home, { current: 'one', contexts: { one: CONTEXT } });
  const elsewhere = { XDG_CONFIG_HOME: home, GATEWAY_URL: 'https://other.example' };
  expect(asks(elsewhere)).toMatchObject({ gateway: 'https://other.example', credentials: { kind: 'none' } });
  expect(JSON.stringify(asks(elsewhere))).not.toContain('of-shop');
  // The same one, written in another way.
  expect(asks({ XDG_CONFIG_HOME: home, GATEWAY_URL: 'https://mesh.example:443/' }).credentials.kind).toBe('client');
});

it('a secret is read from the file that HEDDLE_CLIENT_SECRET_FILE names, and the file is named when it cannot be', () => {
  const file = join(newFolder(), 'secret');
  writeFileSync(file, 'from-file\n');
  const environment = { XDG_CONFIG_HOME: NOWHERE, HEDDLE_CLIENT_ID: 'me', HEDDLE_CLIENT_SECRET_FILE: file };
  expect(asks(environment).credentials).toMatchObject({ clientSecret: 'from-file' });
  expect(() => asks({ ...environment, HEDDLE_CLIENT_SECRET_FILE: `${file}.not` })).toThrow(`${file}.not`);
});

it('a gateway that is no URL is named', () => {
  expect(() => asks({ XDG_CONFIG_HOME: NOWHERE, GATEWAY_URL: 'localhost:8080' })).toThrow(
    'not localhost:8080 (GATEWAY_URL)',
  );
});

it('without either it is the administrator of the mesh of this folder, or of one above, on this machine only', () => {
  const folder = newFolder();
  mkdirSync(join(folder, '.heddle', 'secrets'), { recursive: true });
  writeFileSync(join(folder, '.heddle', 'secrets', 'administrator.secret'), 'local-secret\n');
  mkdirSync(join(folder, 'inside'));
  const environment = readEnvironment({ XDG_CONFIG_HOME: NOWHERE });
  expect(whoAsks(environment, undefined, join(folder, 'inside'))).toMatchObject({
    gateway: 'http://127.0.0.1:8080',
    credentials: { clientId: 'administrator', clientSecret: 'local-secret' },
  });
  const remote = readEnvironment({ XDG_CONFIG_HOME: NOWHERE, GATEWAY_URL: 'https://mesh.example' });
  expect(whoAsks(remote, undefined, folder).credentials.kind).toBe('none');
});

it('contexts are kept in a file that nobody else can read, and one that others may read is refused', () => {
  const home = newFolder();
  writeContexts(home, { contexts: { one: CONTEXT } });
  const file = contextsFile(home);
  expect([statSync(file).mode & 0o777, statSync(join(home, 'heddle')).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readContexts(home).contexts).toEqual({ one: CONTEXT });
  chmodSync(file, 0o644);
  expect(() => readContexts(home)).toThrow(`chmod 600 ${file}`);
});

it('contexts can be kept, listed, used and forgotten; no secret is shown, and a name that is near is said', async () => {
  const XDG_CONFIG_HOME = newFolder();
  const key = join(newFolder(), 'key.json');
  const oauth2 = { tokenEndpoint: 'https://mesh.example/oauth/token', clientId: 'shop', clientSecret: 'very-secret' };
  writeFileSync(key, JSON.stringify({ oauth2, management: { uri: 'https://mesh.example/v1' } }));
  const run = (...argv: string[]) => runHeddle(argv, { XDG_CONFIG_HOME });
  expect(await run('context', 'list')).toMatchObject({
    code: 0,
    out: expect.stringContaining('heddle login') as string,
  });
  expect(await run('context', 'add', 'one', '--service-key', key, '--no-check')).toMatchObject({ code: 0 });
  expect(await run('context', 'add', 'two', '--service-key', key, '--no-check')).toMatchObject({ code: 0 });
  const { out } = await run('context', 'list', '--json');
  expect(JSON.parse(out)).toEqual([
    { name: 'one', gateway: 'https://mesh.example', clientId: 'shop', current: true },
    { name: 'two', gateway: 'https://mesh.example', clientId: 'shop', current: false },
  ]);
  expect((await run('context', 'use', 'twoo')).said).toContain('Did you mean two?');
  expect(await run('context', 'use', 'two')).toMatchObject({ code: 0 });
  expect((await run('context', 'list')).out).toBe(
    ['   NAME  CLIENT  GATEWAY', '   one   shop    https://mesh.example', '*  two   shop    https://mesh.example'].join(
      '\n',
    ),
  );
  expect(await run('context', 'remove', 'two')).toMatchObject({ code: 0 });
  expect(readContexts(XDG_CONFIG_HOME)).toEqual({
    contexts: { one: { gateway: 'https://mesh.example', ...oauth2 } },
  });
});

function asks(variables: Record<string, string>): ReturnType<typeof whoAsks> {
  return whoAsks(readEnvironment(variables), undefined, NOWHERE);
}
