import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Endpoint } from '../deliver.js';
import { oneRequest } from '../protocols/webhook/one-request.js';
import { settings } from '../settings.js';
import { TRIAL_MASTER_KEY } from '../vault/vault-trial.js';
import { LOOPBACK_SETTINGS, loopbackNetwork } from './network-trial.js';
import type { ReceiverNetwork } from './receiver-network.js';
import { receiverNetworkOf } from './receiver.settings.js';
import { resolveBy } from './resolver.js';
import { type NameServer, serveNames } from './dns-trial.js';

const FORBIDDEN = { code: 'receiver-forbidden' };

function networkOf(environment: Record<string, string> = {}): ReceiverNetwork {
  const values = settings.read({ HEDDLE_MASTER_KEY: TRIAL_MASTER_KEY, ...environment });
  return receiverNetworkOf(values, 'http://127.0.0.1:8080');
}

describe('by its settings', () => {
  it('a gateway delivers over https to public addresses, and nowhere else, as long as nothing else is said', async () => {
    const network = networkOf();
    await expect(network.admit('https://1.1.1.1/', 'url')).resolves.toBeUndefined();
    await expect(network.admit('https://1.1.1.1:8443/', 'url')).resolves.toBeUndefined();
    for (const url of ['http://1.1.1.1/', 'https://1.1.1.1:25/', 'https://127.0.0.1/', 'https://[::1]:8443/']) {
      await expect(network.admit(url, 'url')).rejects.toMatchObject({ ...FORBIDDEN, status: 422, field: 'url' });
    }
  });

  it('a gateway that may reach this machine does not reach itself, the log, the registry and the owners of objects', async () => {
    const network = networkOf({ ...LOOPBACK_SETTINGS, OWNER_URLS: 'thing=http://localhost:8101' });
    await expect(network.admit('http://127.0.0.1:9400/', 'url')).resolves.toBeUndefined();
    await expect(network.admit('http://[::1]:9400/', 'url')).resolves.toBeUndefined();
    for (const port of [8080, 9092, 8181, 8101]) {
      for (const host of ['127.0.0.1', '[::1]', '127.9.9.9', 'localhost']) {
        await expect(network.admit(`http://${host}:${port}/`, 'url')).rejects.toMatchObject(FORBIDDEN);
      }
    }
  });

  it('ports and denied networks are what an operator says', async () => {
    const network = networkOf({
      HEDDLE_RECEIVER_PORTS: '443, 8000-8999',
      HEDDLE_RECEIVER_DENIED_NETWORKS: '1.1.0.0/16',
    });
    await expect(network.admit('https://8.8.8.8:8999/', 'url')).resolves.toBeUndefined();
    for (const url of ['https://8.8.8.8:9000/', 'https://1.1.1.1/']) {
      await expect(network.admit(url, 'url')).rejects.toMatchObject(FORBIDDEN);
    }
  });

  it.each([
    ['HEDDLE_RECEIVER_NETWORKS', '10.0.0.0/33'],
    ['HEDDLE_RECEIVER_DENIED_NETWORKS', 'localhost'],
    ['HEDDLE_RECEIVER_PORTS', '443,0'],
    ['HEDDLE_RECEIVER_PORTS', '9000-8000'],
    ['HEDDLE_RECEIVER_HTTP', 'perhaps'],
    ['HEDDLE_DNS_SERVERS', 'dns.test'],
    ['HEDDLE_DNS_SERVERS', '[127.0.0.1'],
  ])('%s=%s stops the start', (name, value) => {
    expect(() => networkOf({ [name]: value })).toThrow(name);
  });

  it.each(['127.0.0.1', '127.0.0.1:5353', '::1', '[::1]:5353', '127.0.0.1, [::1]:53'])(
    'name servers can be given as %s',
    (value) => expect(() => networkOf({ HEDDLE_DNS_SERVERS: value })).not.toThrow(),
  );

  it('what may be reached beside public addresses is said at the start', () => {
    const info = vi.fn<(fields: object, text: string) => void>();
    networkOf(LOOPBACK_SETTINGS).announce({ info });
    networkOf().announce({ info });
    expect(info.mock.calls.map(([, text]) => text)).toEqual([
      'webhooks may point to public addresses, 127.0.0.0/8, ::1/128 over http and https',
      'webhooks may point to public addresses over https only',
    ]);
  });
});

describe('a name', () => {
  it('that cannot be resolved now is let in, and so is one that takes too long', async () => {
    await expect(loopbackNetwork().admit('http://nowhere.test/', 'url')).resolves.toBeUndefined();
    const slow = loopbackNetwork({ resolve: () => new Promise(() => undefined), admitTimeoutMs: 20 });
    await expect(slow.admit('http://slow.test/', 'url')).resolves.toBeUndefined();
  });

  it('is refused without a word of what it leads to', async () => {
    const network = loopbackNetwork({ resolve: async () => [{ address: '10.11.12.13', family: 4 }] });
    const refusal = network.admit('http://inside.test/', 'url');
    await expect(refusal).rejects.toThrow('url: The host inside.test has an address that webhooks may not point to.');
    await expect(refusal).rejects.not.toThrow(/10[.]11/);
  });
});

it('over TLS the receiver is called by its name, though it is connected to by its address', async () => {
  const called: string[] = [];
  const server = createSecureServer({
    SNICallback: (name, done) => {
      called.push(name);
      done(new Error('only the name was wanted'));
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const network = loopbackNetwork({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
  const endpoint = new Endpoint(`https://receiver.test:${port}`, { network });
  const made = { path: '/', headers: [], body: Buffer.from('{}') };
  const outcome = await new Promise((ended) => endpoint.attempt(made, { ended }));
  expect(outcome).toMatchObject({ sent: false, error: { class: 'tls' } });
  const asked = { method: 'OPTIONS', headers: {}, network, timeoutMs: 5000 } as const;
  await expect(oneRequest(`https://other.test:${port}/`, asked)).rejects.toThrow();
  expect(called).toEqual(['receiver.test', 'other.test']);
  endpoint.close();
  await new Promise((resolve) => server.close(resolve));
});

describe('name servers of one’s own', () => {
  let server: NameServer;

  afterEach(() => server.close());

  it('find addresses of both kinds, at the end of a chain, too', async () => {
    server = await serveNames({
      'a.test': ['b.test', '192.0.2.1', '2001:db8::1'],
      'six.test': ['2001:db8::2'],
      'empty.test': [],
    });
    const resolve = resolveBy([server.address]);
    expect(await resolve('a.test')).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
    expect(await resolve('six.test')).toEqual([{ address: '2001:db8::2', family: 6 }]);
    await expect(resolve('empty.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolve('nowhere.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});
