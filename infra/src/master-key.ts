import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** For stacks of tests and benches, whose secrets are gone with their data. */
export const TRIAL_MASTER_KEY = `trial:${Buffer.alloc(32, 'trial').toString('base64')}`;

/**
 * The settings that give the gateway its master key: those of the environment, else those of a file in the data folder,
 * which is made at the first start and readable for nobody else. It is never deleted: what it has sealed may be in a
 * broker elsewhere.
 */
export function masterKeySettings(dataDir: string): Record<string, string> {
  const { HEDDLE_MASTER_KEY: key = '', HEDDLE_MASTER_KEY_FILE: file = '' } = process.env;
  if (key !== '' || file !== '') return { HEDDLE_MASTER_KEY: key, HEDDLE_MASTER_KEY_FILE: file };
  const folder = join(dataDir, 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, 'master-key');
  if (!existsSync(path)) {
    // Whole or not at all, whatever ends this process in between.
    writeFileSync(`${path}.new`, `main:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  return { HEDDLE_MASTER_KEY: '', HEDDLE_MASTER_KEY_FILE: path };
}
