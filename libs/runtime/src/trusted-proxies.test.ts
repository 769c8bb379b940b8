import { type IncomingHttpHeaders, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Health } from './health.js';
import { createHttpApp } from './http-app.js';
import { HTTP_LIMITS } from './http-limits.js';
import { createLog } from './log.js';
import { createMetrics } from './metrics.js';
import { defineSettings } from './settings.js';
import { type TrustedProxies, clientAddress, proxySettings } from './trusted-proxies.js';

const settings = defineSettings(proxySettings);
const proxies = (text: string): TrustedProxies => settings.read({ HEDDLE_TRUSTED_PROXIES: text }).trustedProxies;

describe('trusted proxies', () => {
  it('are addresses and ranges, of both families, also where IPv4 is written as IPv6', () => {
    const list = proxies('10.0.3.7, 192.168.4.0/24,2001:db8:1::/64');
    for (const address of ['10.0.3.7', '::ffff:10.0.3.7', '192.168.4.200', '2001:db8:1::9']) {
      expect([address, list.has(address)]).toEqual([address, true]);
    }
    for (const address of ['10.0.3.8', '192.168.5.1', '2001:db8:2::9', 'unknown', '', '10.0.3.7:80']) {
      expect([address, list.has(address)]).toEqual([address, false]);
    }
    expect(proxies('').has('127.0.0.1')).toBe(false);
  });

  it.each(['0.0.0.0/0', '10.0.0.0/8', '::/0', 'fc00::/7'])(
    '%s is refused as too wide, unless that is said',
    (range) => {
      expect(() => proxies(range)).toThrow(/every machine could say to be anybody.*write wide:/);
      expect(proxies(`wide:${range}`).has(range.includes(':') ? 'fc00::1' : '10.1.2.3')).toBe(true);
    },
  );

  it.each(['proxy.example', '10.0.0.1/33', '10.0.0', 'true', '10.0.0.1/', '/24'])('%s is refused', (entry) => {
    expect(() => proxies(`127.0.0.1,${entry}`)).toThrow(/HEDDLE_TRUSTED_PROXIES must be addresses or ranges/);
  });

  it('are asked backwards: whom the last one names, and never what that one says of itself', () => {
    const list = proxies('10.0.3.0/24');
    const from = (remoteAddress: string, ...forwarded: string[]) =>
      clientAddress({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded.join(', ') } }, list);
    expect(from('203.0.113.9', '198.51.100.1')).toBe('203.0.113.9');
    expect(from('10.0.3.1', '198.51.100.1')).toBe('198.51.100.1');
    expect(from('10.0.3.1', '192.0.2.66', '198.51.100.1')).toBe('198.51.100.1');
    expect(from('10.0.3.1', '192.0.2.66', '198.51.100.1', '10.0.3.2')).toBe('198.51.100.1');
    expect(from('10.0.3.1')).toBe('10.0.3.1');
  });

  it('let nobody hide behind what was sent to them, whatever it is', () => {
    const list = proxies('10.0.3.0/24');
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.string())), (said) => {
        const headers: IncomingHttpHeaders = { 'x-forwarded-for': [...said, '198.51.100.1'].join(',') };
        expect(clientAddress({ socket: { remoteAddress: '10.0.3.1' }, headers }, list)).toBe('198.51.100.1');
      }),
    );
  });
});

describe('a server', () => {
  it('takes the word of a trusted proxy for where a request comes from, and that of no other', async () => {
    const port = await open('127.0.0.2');
    expect(await ask(port, '127.0.0.2', '192.0.2.66, 198.51.100.1')).toBe('198.51.100.1 https mesh.example');
    // Another machine says the same of itself.
    expect(await ask(port, '127.0.0.3', '192.0.2.66, 198.51.100.1')).toBe(`127.0.0.3 http 127.0.0.1:${port}`);
  });

  it('that was told of none believes none', async () => {
    const port = await open('');
    expect(await ask(port, '127.0.0.2', '198.51.100.1')).toBe(`127.0.0.2 http 127.0.0.1:${port}`);
  });

  it('lets a proxy have more connections than one client may', async () => {
    const port = await open('127.0.0.2', 1);
    const both = (from: string) => Promise.all([ask(port, from, ''), ask(port, from, '')]);
    await both('127.0.0.2');
    await expect(both('127.0.0.3')).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

async function open(trusted: string, limitAddressSockets = 100): Promise<number> {
  class Module {}
  const app = await createHttpApp(
    { module: Module },
    {
      log: createLog('test', 'silent'),
      health: new Health(),
      metrics: createMetrics('test'),
      openApi: {},
      limits: { ...HTTP_LIMITS, limitAddressSockets },
      exposure: { host: '127.0.0.1', trustedProxies: proxies(trusted) },
    },
  );
  const server = app.getHttpAdapter().getInstance();
  let asked = 0;
  server.get('/from', async ({ ip, protocol, host }) => {
    asked += 1;
    // Long enough that two who ask side by side are there together.
    if (limitAddressSockets === 1) await new Promise((resolve) => setTimeout(resolve, 100 * asked));
    return `${ip} ${protocol} ${host}`;
  });
  await app.listen(0, '127.0.0.1');
  onTestFinished(() => app.close());
  return (server.server.address() as AddressInfo).port;
}

function ask(port: number, localAddress: string, forwardedFor: string): Promise<string> {
  const headers = {
    'x-forwarded-for': forwardedFor,
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'mesh.example',
  };
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/from', localAddress, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text));
    });
    request.once('error', reject);
  });
}
