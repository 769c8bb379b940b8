import { MemoryControlLog } from '@heddle/event';
import { expect, it } from 'vitest';
import { MasterKeys } from './master-keys.js';
import { linesOf, rewrap } from './rewrap.js';
import { masterKeys, openVault } from './vault-trial.js';

it('what was sealed under an old master key opens with the new one alone, and the old one is named as not needed', async () => {
  const log = new MemoryControlLog();
  const before = await openVault(masterKeys('old'), log);
  const sealed = await Promise.all(['acme', 'globex'].map((tenant) => before.seal(tenant, 'here', tenant)));
  const outcome = await rewrap(log, masterKeys('new', 'old'));
  expect(outcome).toEqual({
    first: 'new',
    tenants: 2,
    keys: 2,
    rewrapped: 2,
    drawn: 0,
    deleted: 0,
    shut: [],
    unused: ['old'],
  });
  expect(linesOf(outcome)).toEqual([
    '2 data keys of 2 tenants; 2 were wrapped anew, with the master key new',
    'the master key old is not needed any more, once every gateway runs with new as its first',
  ]);
  const after = await openVault(masterKeys('new'), log);
  expect(after.open('acme', 'here', sealed[0]!)).toBe('acme');
  expect(after.open('globex', 'here', sealed[1]!)).toBe('globex');
  const again = await rewrap(log, masterKeys('new', 'old'));
  expect(again).toMatchObject({ rewrapped: 0, unused: ['old'] });
});

it('a gateway at work with the old master key alone goes on sealing and opening', async () => {
  const log = new MemoryControlLog();
  const working = await openVault(masterKeys('old'), log);
  const sealed = await working.seal('acme', 'here', 'secret');
  await rewrap(log, masterKeys('new', 'old'));
  expect(working.open('acme', 'here', sealed)).toBe('secret');
  const later = await working.seal('acme', 'here', 'later');
  expect((await openVault(masterKeys('new'), log)).open('acme', 'here', later)).toBe('later');
});

it('while a gateway still draws keys with the old master key, that is not named as not needed', async () => {
  const log = new MemoryControlLog();
  const working = await openVault(masterKeys('old'), log);
  await working.seal('acme', 'here', 'secret');
  const put = log.put.bind(log);
  log.put = async (...args) => {
    log.put = put;
    await working.seal('globex', 'here', 'drawn meanwhile');
    return put(...args);
  };
  expect(await rewrap(log, masterKeys('new', 'old'))).toMatchObject({ keys: 2, rewrapped: 1, unused: [] });
  expect(await rewrap(log, masterKeys('new', 'old'))).toMatchObject({ keys: 2, rewrapped: 1, unused: ['old'] });
});

it('what no master key opens is named, and stays as it is', async () => {
  const log = new MemoryControlLog();
  const sealed = await (await openVault(masterKeys('lost'), log)).seal('acme', 'here', 'secret');
  const outcome = await rewrap(log, masterKeys('new'));
  expect(outcome).toMatchObject({ keys: 1, rewrapped: 0, shut: [{ tenant: 'acme' }] });
  expect(linesOf(outcome).at(-1)).toMatch(/^the data key \S+ of the tenant acme does not open: the master key lost is/);
  expect((await openVault(masterKeys('new', 'lost'), log)).open('acme', 'here', sealed)).toBe('secret');
});

it('a master key that was only given another name opens what it has wrapped', async () => {
  const log = new MemoryControlLog();
  const sealed = await (await openVault(masterKeys('old'), log)).seal('acme', 'here', 'secret');

  const keys = new MasterKeys([['2025', Buffer.alloc(32, 'old')]]);
  expect((await openVault(keys, log)).open('acme', 'here', sealed)).toBe('secret');
  expect(await rewrap(log, keys)).toMatchObject({ first: '2025', rewrapped: 1, shut: [] });
});

it('new data keys seal from then on, at gateways at work, too; old ones go on opening', async () => {
  const log = new MemoryControlLog();
  const working = await openVault(masterKeys('main'), log);
  const before = await working.seal('acme', 'here', 'before');
  expect(await rewrap(log, masterKeys('main'), true)).toMatchObject({ keys: 2, drawn: 1, rewrapped: 0 });
  expect(working.isCurrent('acme', before)).toBe(false);
  const after = await working.seal('acme', 'here', 'after');
  expect(after.split('.')[2]).not.toBe(before.split('.')[2]);
  expect([working.open('acme', 'here', before), working.open('acme', 'here', after)]).toEqual(['before', 'after']);
  // The newest stays the newest when all are wrapped anew.
  await rewrap(log, masterKeys('new', 'main'));
  expect((await openVault(masterKeys('new'), log)).isCurrent('acme', after)).toBe(true);
});
