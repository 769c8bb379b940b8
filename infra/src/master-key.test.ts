import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { masterKeySettings } from './master-key.js';

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

it('a first start makes a key that nobody else may read, and later ones keep it', () => {
  const { HEDDLE_MASTER_KEY_FILE: file = '' } = masterKeySettings(dir);
  const key = readFileSync(file, 'utf8');
  expect(key).toMatch(/^main:[A-Za-z0-9+/]{43}=\n$/);
  expect([statSync(file).mode & 0o777, statSync(join(dir, 'secrets')).mode & 0o777]).toEqual([0o600, 0o700]);
  writeFileSync(file, `new:${'A'.repeat(43)}=\n${key}`);
  expect(masterKeySettings(dir)).toEqual({ HEDDLE_MASTER_KEY: '', HEDDLE_MASTER_KEY_FILE: file });
  expect(readFileSync(file, 'utf8')).toContain(key);
});

it('a key that is set is taken as it is, and none is made', () => {
  vi.stubEnv('HEDDLE_MASTER_KEY_FILE', '/run/secrets/key');
  expect(masterKeySettings(dir)).toEqual({ HEDDLE_MASTER_KEY: '', HEDDLE_MASTER_KEY_FILE: '/run/secrets/key' });
  expect(() => statSync(join(dir, 'secrets'))).toThrow('ENOENT');
});
