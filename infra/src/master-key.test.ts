import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { type MakeMasterKey, masterKeySettings } from './master-key.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'heddle-master-key-'));
  vi.stubEnv('HEDDLE_MASTER_KEY', '');
  vi.stubEnv('HEDDLE_MASTER_KEY_FILE', '');
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true });
  });
});

it('where there is none one is made, in a folder that nobody else may read, and later starts keep it', async () => {
  const make = vi.fn<MakeMasterKey>((file) => Promise.resolve(writeFileSync(file, 'main:key\n')));
  const made = await masterKeySettings(dir, make);
  const path = join(dir, 'secrets', 'master-key');
  expect(made).toEqual({ HEDDLE_MASTER_KEY: '', HEDDLE_MASTER_KEY_FILE: path });
  expect(statSync(join(dir, 'secrets')).mode & 0o777).toBe(0o700);
  expect(await masterKeySettings(dir, make)).toEqual(made);
  expect(make.mock.calls).toEqual([[path]]);
});

it('a key that is set is taken as it is, and none is made', async () => {
  vi.stubEnv('HEDDLE_MASTER_KEY_FILE', '/run/secrets/key');
  const none = () => Promise.reject(new Error('none is to be made'));
  expect(await masterKeySettings(dir, none)).toEqual({
    HEDDLE_MASTER_KEY: '',
    HEDDLE_MASTER_KEY_FILE: '/run/secrets/key',
  });
  expect(() => statSync(join(dir, 'secrets'))).toThrow('ENOENT');
});
