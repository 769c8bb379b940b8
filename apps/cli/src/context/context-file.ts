import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '@heddle/event';

/** A gateway, and who one is there. */
export interface Context {
  gateway: string;
  clientId: string;
  /** Where tokens come from; the gateway itself when left out. */
  tokenEndpoint?: string;
  /** Either of these. */
  clientSecret?: string;
  clientSecretFile?: string;
}

export interface Contexts {
  current?: string;
  contexts: Record<string, Context>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Where contexts are kept. */
export function contextsFile(configHome: string): string {
  return join(configHome, 'heddle', 'contexts.json');
}

/**
 * All contexts; none where nothing was kept yet.
 *
 * @throws HeddleError `setting-invalid` for a file that others may read, for there are secrets in it, or that is broken
 */
export function readContexts(configHome: string): Contexts {
  const file = contextsFile(configHome);
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0) {
      throw new HeddleError('setting-invalid', `${file} has secrets, and others may read it: chmod 600 ${file}`);
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} };
    throw error;
  }
  try {
    return JSON.parse(text) as Contexts;
  } catch (cause) {
    throw new HeddleError('setting-invalid', `${file} cannot be read: mend it, or delete it to begin anew.`, { cause });
  }
}

export function writeContexts(configHome: string, contexts: Contexts): void {
  writeSecretFile(contextsFile(configHome), `${JSON.stringify(contexts, undefined, 2)}\n`);
}

/** Writes a file that nobody else can read, whole or not at all; its folder is made where there is none. */
export function writeSecretFile(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
  const beside = `${file}.${process.pid}.new`;
  writeFileSync(beside, text, { mode: 0o600 });
  // One that a killed process has left may have another mode.
  chmodSync(beside, 0o600);
  renameSync(beside, file);
}

/** @throws HeddleError `command-invalid` */
export function checkContextName(name: string): string {
  if (NAME.test(name)) return name;
  throw new HeddleError('command-invalid', `${name} is no name of a context: use letters, digits, dots and hyphens.`);
}
