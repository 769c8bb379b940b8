import { networkInterfaces } from 'node:os';
import { expect, it } from 'vitest';
import { OwnAddresses } from './own-addresses.js';

const NAMES: Record<string, string> = { kafka: '10.0.0.7', registry: '127.0.0.1' };

const own = new OwnAddresses(
  [
    { host: '127.0.0.1', port: 8080 },
    { host: 'kafka', port: 9092 },
    { host: 'kafka', port: 9093 },
    { host: 'registry', port: 9093 },
    { host: '0.0.0.0', port: 8081 },
    { host: 'nowhere', port: 8082 },
  ],
  async (host) => {
    if (NAMES[host] === undefined) throw new Error(`no ${host}`);
    return [{ address: NAMES[host], family: 4 }];
  },
);

it('what is listened on here is ours at every address of this machine', async () => {
  const here = Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '0.0.0.0', '::ffff:127.0.0.1', ...here]) {
    expect([address, await own.have(address, 8080), await own.have(address, 8081)]).toEqual([address, true, true]);
  }
  expect(await own.have('127.0.0.1', 8079)).toBe(false);
  expect(await own.have('10.99.99.99', 8080)).toBe(false);
});

it('what has a name is ours at its addresses, on its port', async () => {
  expect(await own.have('10.0.0.7', 9092)).toBe(true);
  expect(await own.have('10.0.0.7', 9094)).toBe(false);
  expect(await own.have('10.0.0.8', 9092)).toBe(false);
  expect(await own.have('10.0.0.7', 9093)).toBe(true);
  expect(await own.have('127.0.0.9', 9093)).toBe(true);
});

it('a name without addresses keeps nobody out', async () => {
  expect(await own.have('10.0.0.7', 8082)).toBe(false);
});
