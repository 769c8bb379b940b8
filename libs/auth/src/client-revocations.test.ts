import { CONTROL_TOPICS, CONTROL_TOPIC_SPECS, HeddleError, MemoryControlLog } from '@heddle/event';
import { beforeEach, expect, it } from 'vitest';
import { ClientRevocations } from './client-revocations.js';

const DAY_MS = 86_400_000;

let log: MemoryControlLog;
let now: number;
let revocations: ClientRevocations;

beforeEach(async () => {
  log = new MemoryControlLog();
  await log.ensureTopics(CONTROL_TOPIC_SPECS);
  now = 1_000_000;
  await put('clerk', { disabled: false, validFrom: 500 });
  revocations = new ClientRevocations(log, () => now);
  await revocations.start();
});

function put(client: string, value: unknown): Promise<unknown> {
  return log.put(CONTROL_TOPICS.clients, [{ partition: 0, key: `client/acme/${client}`, value }]);
}

const isGood = (client: string, grantedAt: number, tenant = 'acme'): boolean =>
  revocations.isCurrent({ tenant, client, grantedAt });

it('a token is refused that was granted before its client lost or changed its rights, and a newer one is not', async () => {
  expect([isGood('clerk', 499), isGood('clerk', 500)]).toEqual([false, true]);
  await put('clerk', { disabled: false, validFrom: 900 });
  expect([isGood('clerk', 899), isGood('clerk', 900)]).toEqual([false, true]);
  expect(isGood('clerk', 499, 'globex')).toBe(true);
});

it('a client that is disabled, or deleted, has no token that is good, until it is there again', async () => {
  await put('clerk', { disabled: true, validFrom: 900 });
  expect(isGood('clerk', 1000)).toBe(false);
  await put('clerk', null);
  expect(isGood('clerk', 1000)).toBe(false);
  await put('clerk', { disabled: false, validFrom: 2000 });
  expect([isGood('clerk', 1000), isGood('clerk', 2000)]).toEqual([false, true]);
});

it('those that stand nowhere are believed: new ones, those of other issuers, and the gateway itself', () => {
  for (const client of ['new', 'oidc:somebody', 'heddle:gateway']) expect(isGood(client, 0)).toBe(true);
});

it('clients that were deleted are forgotten once no token of theirs can be good any more', async () => {
  await put('clerk', null);
  now += DAY_MS;
  expect(isGood('clerk', 1000)).toBe(false);
  await put('other', null);
  expect([isGood('clerk', 1000), isGood('other', 1000)]).toEqual([true, false]);
});

it('what was heard holds when nothing more comes, and records of other kinds are none of its business', async () => {
  await log.put(CONTROL_TOPICS.clients, [{ partition: 0, key: 'tenant/acme', value: { format: 1 } }]);
  await put('clerk', { disabled: true, validFrom: 900 });
  await revocations.stop();
  await put('other', { disabled: true, validFrom: 900 });
  expect([isGood('clerk', 1000), isGood('other', 1000)]).toEqual([false, true]);
});

it('a start that cannot read what there is fails, for it would believe everybody', async () => {
  const gone = new HeddleError('log-unavailable', 'not now');
  const blind = { ensureTopics: () => Promise.resolve(), follow: () => Promise.reject(gone) };
  await expect(new ClientRevocations(blind).start()).rejects.toBe(gone);
});
