import { CONTROL_TOPICS, MemoryControlLog, problemOf } from '@heddle/event';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { masterKeys, openVault } from './vault-trial.js';

it('what was sealed opens to the same, and shows nothing of itself', async () => {
  const vault = await openVault();
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), fc.string(), async (secret, context) => {
      const sealed = await vault.seal('acme', context, secret);
      expect(sealed).toMatch(/^sealed[.]v1[.][0-9a-f-]{36}[.][A-Za-z0-9_-]+$/);
      expect(vault.open('acme', context, sealed)).toBe(secret);
    }),
  );
});

it('sealed twice it is not the same twice', async () => {
  const vault = await openVault();
  expect(await vault.seal('acme', 'here', 'secret')).not.toBe(await vault.seal('acme', 'here', 'secret'));
});

it('a sealed secret with any one of its characters changed is refused', async () => {
  const vault = await openVault();
  const sealed = await vault.seal('acme', 'here', 'a secret that is long enough to fill several blocks');
  for (let at = 0; at < sealed.length; at += 1) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64]) {
      const changed = `${sealed.slice(0, at)}${String.fromCharCode(sealed.charCodeAt(at) ^ bit)}${sealed.slice(at + 1)}`;
      expect(
        codeOf(() => vault.open('acme', 'here', changed)),
        changed,
      ).toBe('secret-unreadable');
    }
    expect(codeOf(() => vault.open('acme', 'here', sealed.slice(0, at)))).toBe('secret-unreadable');
  }
  expect(vault.open('acme', 'here', sealed)).toContain('several blocks');
});

it('each byte of the encrypted part is authenticated', async () => {
  const vault = await openVault();
  const sealed = await vault.seal('acme', 'here', 'secret');
  const start = sealed.lastIndexOf('.') + 1;
  const bytes = Buffer.from(sealed.slice(start), 'base64url');
  for (const [at, byte] of bytes.entries()) {
    const changed = Buffer.from(bytes);
    changed[at] = byte ^ (1 << (at % 8));
    const text = sealed.slice(0, start) + changed.toString('base64url');
    expect(codeOf(() => vault.open('acme', 'here', text))).toBe('secret-unreadable');
  }
});

it('it opens for no other tenant and no other place, whatever their names', async () => {
  const vault = await openVault();
  const place = fc.tuple(fc.stringMatching(/^[a-z0-9-]{1,8}$/), fc.string({ maxLength: 8 }));
  await fc.assert(
    fc.asyncProperty(place, place, async ([tenant, context], [otherTenant, otherContext]) => {
      fc.pre(tenant !== otherTenant || context !== otherContext);
      const sealed = await vault.seal(tenant, context, 'secret');
      expect(codeOf(() => vault.open(otherTenant, otherContext, sealed))).toBe('secret-unreadable');
    }),
  );
});

it('an error about a secret names its place, and neither it nor its sealed form', async () => {
  const vault = await openVault();
  const sealed = await vault.seal('acme', 'webhook/hook', 'canary');
  let problem = '';
  try {
    vault.open('acme', 'webhook/other', sealed);
  } catch (error) {
    problem = JSON.stringify(problemOf(error));
  }
  expect(problem).toContain('webhook/other');
  expect(problem).not.toContain('canary');
  expect(problem).not.toContain(sealed);
});

it('another instance opens what this one sealed, and seals with the same key', async () => {
  const log = new MemoryControlLog();
  const [one, other] = [await openVault(masterKeys('main'), log), await openVault(masterKeys('main'), log)];
  const sealed = await one.seal('acme', 'here', 'secret');
  expect(other.open('acme', 'here', sealed)).toBe('secret');
  expect(other.isCurrent('acme', await other.seal('acme', 'here', 'x'))).toBe(true);
  expect(one.isCurrent('acme', sealed) && other.isCurrent('acme', sealed)).toBe(true);
});

it('two instances that draw the first key of a tenant at once open each other’s, and agree on one', async () => {
  const log = new MemoryControlLog();
  const [one, other] = [await openVault(masterKeys('main'), log), await openVault(masterKeys('main'), log)];
  // Both have drawn before either learns of the other's.
  const put = log.put.bind(log);
  vi.spyOn(log, 'put').mockImplementation(async (...args) => {
    await new Promise(setImmediate);
    return put(...args);
  });
  const [sealed, another] = await Promise.all([one.seal('acme', 'here', '1'), other.seal('acme', 'here', '2')]);
  expect(keyOf(sealed)).not.toBe(keyOf(another));
  for (const vault of [one, other]) {
    expect(vault.open('acme', 'here', sealed)).toBe('1');
    expect(vault.open('acme', 'here', another)).toBe('2');
  }
  expect(keyOf(await one.seal('acme', 'here', '3'))).toBe(keyOf(await other.seal('acme', 'here', '4')));
});

it('many seals at once draw one key, and each tenant has its own', async () => {
  const vault = await openVault();
  const sealed = await Promise.all(['a', 'b', 'c'].map((context) => vault.seal('acme', context, 'secret')));
  expect(new Set(sealed.map(keyOf)).size).toBe(1);
  expect(keyOf(await vault.seal('globex', 'a', 'secret'))).not.toBe(keyOf(sealed[0]!));
});

it('a key that could not be stored seals nothing, and the next seal tries again', async () => {
  const log = new MemoryControlLog();
  const vault = await openVault(masterKeys('main'), log);
  log.failPut = () => new Error('the log is away') as never;
  await expect(vault.seal('acme', 'here', 'secret')).rejects.toThrow('the log is away');
  log.failPut = undefined;
  expect(vault.open('acme', 'here', await vault.seal('acme', 'here', 'secret'))).toBe('secret');
});

it('a key that has sealed often enough is followed by another', async () => {
  const vault = await openVault(masterKeys('main'), new MemoryControlLog(), 3);
  const keys: string[] = [];
  const first = await vault.seal('acme', 'here', 'first');
  for (let at = 0; at < 6; at += 1) keys.push(keyOf(await vault.seal('acme', 'here', 'secret')));
  expect([keyOf(first), ...keys].map((key, _, all) => all.indexOf(key))).toEqual([0, 0, 0, 3, 3, 3, 6]);
  expect(vault.open('acme', 'here', first)).toBe('first');
  expect(vault.isCurrent('acme', first)).toBe(false);
});

it('without the master key a secret stays shut and the process runs; with it among others it opens', async () => {
  const log = new MemoryControlLog();
  const sealed = await (await openVault(masterKeys('old'), log)).seal('acme', 'here', 'secret');
  const without = await openVault(masterKeys('new'), log);
  expect(codeOf(() => without.open('acme', 'here', sealed))).toBe('secret-unreadable');
  expect(without.open('acme', 'here', await without.seal('acme', 'here', 'new secret'))).toBe('new secret');
  const withBoth = await openVault(masterKeys('new', 'old'), log);
  expect(withBoth.open('acme', 'here', sealed)).toBe('secret');
});

it('those who wait for a key hear of it', async () => {
  const log = new MemoryControlLog();
  const [one, other] = [await openVault(masterKeys('main'), log), await openVault(masterKeys('main'), log)];
  const heard = vi.fn<(tenant: string) => void>();
  other.onKey(heard);
  await one.seal('acme', 'here', 'secret');
  expect(heard.mock.calls).toEqual([['acme']]);
});

it('the log has neither a data key nor a master key in it, and records of others there are left alone', async () => {
  const log = new MemoryControlLog();
  const main = masterKeys('main');
  await log.ensureTopics([{ name: CONTROL_TOPICS.keys, partitions: 1, cleanup: 'compact' }]);
  const others = ['signing/1', 'data/acme/broken', 'data/acme/none'].map((key, at) => ({
    partition: 0,
    key,
    value: [{ key: 'of others' }, 'text', { wrapped: 3 }][at],
  }));
  await log.put(CONTROL_TOPICS.keys, others);
  const wrap = vi.spyOn(main, 'wrap');
  const vault = await openVault(main, log);
  await vault.seal('acme', 'here', 'secret');
  const dataKey = Buffer.from(wrap.mock.calls[0]![0]);
  const stored: string[] = [];
  await log.load(CONTROL_TOPICS.keys, [0], ({ value }) => stored.push(JSON.stringify(value)));
  expect(stored).toHaveLength(4);
  for (const key of [dataKey, Buffer.alloc(32, 'main')]) {
    for (const form of ['base64', 'base64url', 'hex'] as const) expect(stored.join()).not.toContain(key.toString(form));
  }
});

function keyOf(sealed: string): string {
  return sealed.split('.')[2] ?? '';
}

function codeOf(open: () => unknown): string {
  try {
    open();
    return 'opened';
  } catch (error) {
    return problemOf(error).code;
  }
}

it('a start with none but other master keys is stopped, with which one is needed; one with nothing sealed, or with some that open, is not', async () => {
  const log = new MemoryControlLog();
  (await openVault(masterKeys('new'), log)).requireKey();
  await (await openVault(masterKeys('old'), log)).seal('acme', 'here', 'secret');
  const wrong = await openVault(masterKeys('new'), log);
  expect(() => wrong.requireKey()).toThrow(
    /^None of the 1 data keys .* sealed with the master key old\. Put that one back/,
  );
  await wrong.seal('globex', 'here', 'secret');
  wrong.requireKey();
});
