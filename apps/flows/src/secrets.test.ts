import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Flow, flowShape } from './flow.shape.js';
import { basicHeader, readSecrets, requireIdentities, requireTls, urlOf } from './secrets.js';

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

/** Of nobody: what it says does not count here. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBcjCCARmgAwIBAgIUczoF8kuRFdKU3wI5J11HiO/EmTQwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEbWVzaDAeFw0yNjExMjIwMDAzMzNaFw0yNjExMjMwMDAzMzNa
MA8xDTALBgNVBAMMBG1lc2gwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARvv3r3
xyH4D1BdoOgMxCklsDHggXUhMfBxtk5erhcT73JQa0Cn79+n5s1Ki6bPtql4tBL0
RlXasVcpJH5relato1MwUTAdBgNVHQ4EFgQUsYbfEEgCMyaBILE+dBX50rUkZpUw
HwYDVR0jBBgwFoAUsYbfEEgCMyaBILE+dBX50rUkZpUwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNHADBEAiBn8Vth0eK353pVg7wTQccLcfmUYSOXxntYJMky
T1ScgwIgVlte7UDGxvflzIZKfRvuYeHiIhq8zX6LcxtOg97FvuA=
-----END CERTIFICATE-----
`;
const pem = (type: string, body: string): string => `-----BEGIN ${type}-----\n${body}\n-----END ${type}-----\n`;

it('certificates and keys that are none, or do not belong together, stop the start and are named', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const locked = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  const url = 'https://erp.example.com/in';
  const check = (tls: object, env: Record<string, string>, at = url): (() => void) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const flow = https({ url: at, tls });
    return () => requireIdentities([flow], readSecrets([flow]));
  };
  const own = { certificateFrom: 'ERP_CERTIFICATE', keyFrom: 'ERP_KEY' };
  expect(check({ caFrom: 'ERP_CA' }, { ERP_CA: 'x' })).toThrow(/ERP_CA.*must be PEM/);
  expect(check({ caFrom: 'ERP_CA' }, { ERP_CA: pem('CERTIFICATE', 'AAAA') })).toThrow(
    /^out: to\.https\.tls: ERP_CA is no certificate as PEM$/,
  );
  expect(check(own, { ERP_CERTIFICATE: CERTIFICATE, ERP_KEY: locked })).toThrow(
    /ERP_KEY is no private key.*passphrase/,
  );
  expect(check(own, { ERP_CERTIFICATE: CERTIFICATE, ERP_KEY: key })).toThrow(
    /ERP_KEY is not the key of ERP_CERTIFICATE/,
  );
  expect(check(own, {}, 'http://erp.example.com/in')).toThrow(/is for a URL that begins with https/);
  expect(check({ caFrom: 'ERP_CA' }, { ERP_CA: CERTIFICATE })).not.toThrow();
});
