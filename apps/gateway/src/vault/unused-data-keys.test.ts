import { CONTROL_TOPICS, type ControlPut, MemoryControlLog } from '@heddle/event';
import { beforeEach, expect, it } from 'vitest';
import { dataKeyRecords } from './data-keys.js';
import { rewrap } from './rewrap.js';
import { deleteUnused } from './unused-data-keys.js';
import type { Vault } from './vault.js';
import { masterKeys, openVault } from './vault-trial.js';

const KEYS = masterKeys('main');
const DAY_MS = 86_400_000;

let log: MemoryControlLog;
let vault: Vault;
let sealed: string;

beforeEach(async () => {
  log = new MemoryControlLog();
  vault = await openVault(KEYS, log);
  sealed = await vault.seal('acme', 'here', 'secret');
  await rewrap(log, KEYS, true);
});

const idOf = (text: string): string => text.split('.')[2]!;
const ids = async (): Promise<string[]> => (await dataKeyRecords(log)).map(({ id }) => id);
const tomorrow = (): number => Date.now() + DAY_MS + 1000;
const store = (value: unknown): Promise<unknown> =>
  log.put(CONTROL_TOPICS.queues, [{ partition: 7, key: 'acme/hook', value }]);

it('an old key that nothing is sealed with is deleted once every gateway has had a day to hear of the next one', async () => {
  expect(await deleteUnused(log, KEYS)).toBe(0);
  expect(await ids()).toContain(idOf(sealed));
  expect(await rewrap(log, KEYS, false, tomorrow())).toMatchObject({ deleted: 1, keys: 1 });
  const after = await vault.seal('acme', 'here', 'after');
  expect(await ids()).toEqual([idOf(after)]);
  expect((await openVault(KEYS, log)).open('acme', 'here', after)).toBe('after');
});

it('a key that anything in the log is still sealed with stays, wherever that stands', async () => {
  await store({ webhook: { auth: { basic: { password: sealed } } } });
  expect(await deleteUnused(log, KEYS, tomorrow())).toBe(0);
  expect((await openVault(KEYS, log)).open('acme', 'here', sealed)).toBe('secret');
  await store({ webhook: { auth: { basic: { password: await vault.seal('acme', 'here', 'secret') } } } });
  expect(await deleteUnused(log, KEYS, tomorrow())).toBe(1);
});

it('the only key of a tenant stays, and one that no master key opens, and those of others', async () => {
  const other = await vault.seal('globex', 'here', 'secret');
  const lost = await openVault(masterKeys('lost'), log);
  const shut = await lost.seal('initech', 'here', 'secret');
  await rewrap(log, masterKeys('lost'), true);
  await deleteUnused(log, KEYS, tomorrow());
  expect(await ids()).toEqual(expect.arrayContaining([idOf(other), idOf(shut)]));
});

it('a key that something is sealed with while it is deleted is put back', async () => {
  const put = log.put.bind(log);
  log.put = async (topic: string, puts: readonly ControlPut[]) => {
    log.put = put;
    // A gateway that was cut off for a day, and stores what it has sealed just now.
    await store({ webhook: { secret: sealed } });
    return put(topic, puts);
  };
  expect(await deleteUnused(log, KEYS, tomorrow())).toBe(0);
  expect((await openVault(KEYS, log)).open('acme', 'here', sealed)).toBe('secret');
});

it('a gateway that still seals with a key that is deleted puts it back', async () => {
  const behind = new MemoryControlLog();
  const late = await openVault(KEYS, behind);
  const own = await late.seal('acme', 'here', 'mine');
  const key = `data/acme/${idOf(own)}`;
  await behind.put(CONTROL_TOPICS.keys, [{ partition: 0, key, value: null }]);
  expect((await dataKeyRecords(behind)).map(({ id }) => id)).toEqual([idOf(own)]);
});
