import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Flow, flowShape } from './flow.shape.js';
import { basicHeader, readSecrets, requireTls, urlOf } from './secrets.js';

const https = (rule: object): Flow => flowShape.parse({ name: 'out', from: { queue: 'q' }, to: { https: rule } });
const BASIC = { basic: { user: 'mesh', passwordFrom: 'ERP_PASSWORD' } };

beforeEach(() => {
  vi.stubEnv('HEDDLE_CLIENT_ID', 'flow-runner');
  vi.stubEnv('HEDDLE_CLIENT_SECRET', 's');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

it('credentials and addresses come from the environment, or from the files that it names', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'heddle-secrets-')), 'password');
  writeFileSync(file, 'of a file\n');
  vi.stubEnv('ERP_URL', 'https://erp.example.com/in');
  vi.stubEnv('ERP_PASSWORD_FILE', file);
  const flow = https({ urlFrom: 'ERP_URL', credentials: BASIC });
  const secrets = readSecrets([flow]);
  expect(urlOf(flow.to.https!, secrets)).toBe('https://erp.example.com/in');
  expect(basicHeader(BASIC.basic, secrets)).toBe(`Basic ${Buffer.from('mesh:of a file').toString('base64')}`);
});

it.each<[what: string, rule: object, env: Record<string, string>, told: RegExp]>([
  ['is missing', { url: 'https://a.example.com', credentials: BASIC }, {}, /ERP_PASSWORD.*is missing/],
  [
    'is in a file that cannot be read',
    { url: 'https://a.example.com', credentials: BASIC },
    { ERP_PASSWORD_FILE: '/no/such/file' },
    /ERP_PASSWORD_FILE names a file that cannot be read: \/no\/such\/file/,
  ],
  [
    'cannot stand in a header',
    { url: 'https://a.example.com', credentials: { header: { name: 'x-key', valueFrom: 'ERP_KEY' } } },
    { ERP_KEY: 'a\nb' },
    /ERP_KEY.*is no value of a header/,
  ],
  ['is an address that is missing', { urlFrom: 'ERP_URL' }, {}, /ERP_URL.*is missing/],
  ['is no address', { urlFrom: 'ERP_URL' }, { ERP_URL: 'erp' }, /ERP_URL.*must be an https URL/],
])('one that %s stops the start and is named, never shown', (_what, rule, env, told) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const read = (): unknown => readSecrets([https(rule)]);
  expect(read).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
  expect(read).toThrow(told);
});

it('a receiver without TLS is refused, wherever its address comes from', () => {
  vi.stubEnv('ERP_URL', 'http://erp.example.com/in');
  const flow = https({ urlFrom: 'ERP_URL' });
  expect(() => requireTls([flow], readSecrets([flow]))).toThrow(/out: the URL of to\.https must begin with https/);
});
