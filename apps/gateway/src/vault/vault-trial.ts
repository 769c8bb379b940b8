import { randomBytes } from 'node:crypto';
import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { createLog } from '@heddle/runtime';
import { MasterKeys } from './master-keys.js';
import { Vault } from './vault.js';

/** A master key as it is set. */
export const TRIAL_MASTER_KEY = `trial:${randomBytes(32).toString('base64')}`;

export function masterKeys(...names: string[]): MasterKeys {
  return new MasterKeys(names.map((name) => [name, Buffer.alloc(32, name)]));
}

/** A vault over a log in memory, at work. */
export async function openVault(
  keys: MasterKeys = masterKeys('main'),
  controlLog: MemoryControlLog = new MemoryControlLog(),
  maxSeals?: number,
): Promise<Vault> {
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  const vault = new Vault(controlLog, keys, createLog('test', 'silent'), maxSeals);
  await vault.start();
  return vault;
}
