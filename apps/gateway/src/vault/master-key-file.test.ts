import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { makeMasterKey } from './master-key-file.js';
import { masterKeys, openVault } from './vault-trial.js';

let file: string;
let log: MemoryControlLog;

beforeEach(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-master-key-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  file = join(dir, 'master-key');
  log = new MemoryControlLog();
  await log.ensureTopics(CONTROL_TOPIC_SPECS);
});

it('a first start makes a key that nobody else may read, and later ones keep it', async () => {
  await makeMasterKey(file, log);
  const key = readFileSync(file, 'utf8');
  expect(key).toMatch(/^main:[A-Za-z0-9+/]{43}=\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await (await openVault(masterKeys('main'), log)).seal('acme', 'here', 'secret');
  await makeMasterKey(file, log);
  expect(readFileSync(file, 'utf8')).toBe(key);
});

it('a key that is gone is not replaced while something is sealed with it: one line says which file, what is lost, what to do', async () => {
  await (await openVault(masterKeys('main'), log)).seal('acme', 'here', 'secret');
  const refused = makeMasterKey(file, log);
  await expect(refused).rejects.toMatchObject({ code: 'secret-unreadable' });
  const { message } = (await refused.catch((error: unknown) => error)) as Error;
  expect(message).toContain(`${file} is missing`);
  expect(message).toMatch(
    /1 data keys that only it opens \(main\)\. Put it back .*secrets of webhooks.*docs\/guides\/secrets\.md/,
  );
  expect(message).not.toContain('\n');
  expect(existsSync(file)).toBe(false);
});
