import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHECKOUT } from './checkout.mjs';
import { LaunchError } from './launch-error.mjs';

/** For stacks of tests and benches, whose secrets are gone with their data. */
export const TRIAL_MASTER_KEY = `trial:${Buffer.alloc(32, 'trial').toString('base64')}`;

/** Makes a master key in a file, unless something that only the one before opens is in the log. */
export type MakeMasterKey = (file: string) => Promise<void>;

/**
 * The settings that give the gateway its master key: those of the environment, else those of a file in the data folder,
 * which is made at the first start and readable for nobody else. It is never deleted: what it has sealed may be in a
 * broker elsewhere.
 *
 * @throws LaunchError when it is gone, and something is sealed with it
 */
export async function masterKeySettings(dataDir: string, make: MakeMasterKey): Promise<Record<string, string>> {
  const { HEDDLE_MASTER_KEY: key = '', HEDDLE_MASTER_KEY_FILE: file = '' } = process.env;
  if (key !== '' || file !== '') return { HEDDLE_MASTER_KEY: key, HEDDLE_MASTER_KEY_FILE: file };
  const folder = join(dataDir, 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, 'master-key');
  if (!existsSync(path)) await make(path);
  return { HEDDLE_MASTER_KEY: '', HEDDLE_MASTER_KEY_FILE: path };
}

/** By the gateway's own program: it knows what is sealed in the log of these brokers. */
export function masterKeyMaker(brokers: readonly string[]): MakeMasterKey {
  const script = join(CHECKOUT, 'apps/gateway/dist/make-master-key.js');
  return async (file) => {
    try {
      await promisify(execFile)(process.execPath, [script, file, '--brokers', brokers.join(',')]);
    } catch (cause) {
      const said = (cause as { stderr?: string }).stderr?.trim() ?? '';
      throw new LaunchError(said === '' ? `No master key could be made in ${file}.` : said, { cause });
    }
  };
}
