import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { type ControlLog, HeddleError } from '@heddle/event';
import { type DataKeyRecord, dataKeyRecords } from './data-keys.js';

/**
 * Makes a file with a master key, for its owner alone, where there is none and nothing was sealed yet. A file that is
 * there stays as it is.
 *
 * @throws HeddleError `secret-unreadable` when the file is gone and something in the log was sealed with what it had: a
 *   new key would open none of it
 */
export async function makeMasterKey(file: string, controlLog: Pick<ControlLog, 'load'>): Promise<void> {
  if (existsSync(file)) return;
  const records = await dataKeyRecords(controlLog);
  if (records.length > 0) throw lost(file, records);
  // Whole or not at all, whatever ends this process in between.
  writeFileSync(`${file}.new`, `main:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** One line: which file, what is lost with it, and what to do. */
function lost(file: string, records: readonly DataKeyRecord[]): HeddleError {
  const names = [...new Set(records.map(({ wrapped }) => wrapped.by))].join(', ');
  return new HeddleError(
    'secret-unreadable',
    `The master key is gone: ${file} is missing, and the log has ${records.length} data keys that only it opens (${names}). Put it back from its copy. Without it the secrets of webhooks and the keys that sign access tokens are lost, though no event, queue or client: how to begin anew is said in docs/guides/secrets.md, "If it is lost".`,
  );
}
