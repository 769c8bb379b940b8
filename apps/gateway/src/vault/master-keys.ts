import { type KeyObject, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { bytesOf, decrypt, encrypt } from './aes-gcm.js';

/** A data key that only a master key opens, as it stands in the log. */
export interface WrappedKey {
  /** The name of the master key. */
  by: string;
  /** Nonce, ciphertext and tag in base64url. */
  bytes: string;
}

const KEY_BYTES = 32;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Where `npm start` keeps the master key that it makes. */
const LOCAL_FILE = '.heddle/secrets/master-key';
const HOW_TO =
  'make one with  (umask 077; echo "main:$(openssl rand -base64 32)" > master-key)  and name the file in HEDDLE_MASTER_KEY_FILE';

/** The keys that open data keys: the first one wraps, each opens what it has wrapped. */
export class MasterKeys {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  /** The name of the one that wraps. */
  readonly first: string;

  /** @param keys names and 32 bytes each, at least one */
  constructor(keys: readonly (readonly [name: string, bytes: Uint8Array])[]) {
    this.#keys = new Map(keys.map(([name, bytes]) => [name, createSecretKey(bytes)]));
    this.first = keys[0]![0];
  }

  get names(): string[] {
    return [...this.#keys.keys()];
  }

  /** @param about what the data key is for; it opens for the same only */
  wrap(dataKey: Uint8Array, about: string): WrappedKey {
    const key = this.#keys.get(this.first)!;
    return { by: this.first, bytes: encrypt(key, dataKey, about).toString('base64url') };
  }

  /** The data key, and the name of the master key that opened it; nothing when none does. */
  unwrap({ by, bytes }: WrappedKey, about: string): { key: Buffer; by: string } | undefined {
    const wrapped = bytesOf(bytes);
    if (wrapped === undefined) return undefined;
    // A key that was given another name in the meantime is still the one.
    const names = [by, ...this.names.filter((name) => name !== by)];
    for (const name of names) {
      const key = this.#keys.get(name);
      if (key === undefined) continue;
      try {
        return { key: decrypt(key, wrapped, about), by: name };
      } catch {
        // Another one's.
      }
    }
    return undefined;
  }
}

/**
 * `name:base64` of 32 bytes each, separated by commas or lines. Without any, the file that `npm start` has made in this
 * folder is taken, so that a gateway can be started by itself beside it.
 */
export function parseMasterKeys(given: string, context: z.RefinementCtx): MasterKeys {
  const entries = (given === '' ? localFile() : given)
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const keys = new Map<string, Uint8Array>();
  const problem =
    entries.length === 0
      ? `is missing: put back the one that sealed what is in the log, or, where nothing is sealed yet, ${HOW_TO}`
      : problemOf(entries, keys);
  if (problem === undefined) return new MasterKeys([...keys]);
  context.addIssue({ code: 'custom', message: problem });
  return undefined as never;
}

/** Says which entry is wrong by its place: what stands there may be a key. */
function problemOf(entries: readonly string[], keys: Map<string, Uint8Array>): string | undefined {
  for (const [index, entry] of entries.entries()) {
    const at = entry.indexOf(':');
    const name = entry.slice(0, Math.max(0, at));
    const text = entry.slice(at + 1);
    const bytes = Buffer.from(text, 'base64');
    const isBase64 = bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
    if (!NAME.test(name) || !isBase64 || bytes.length !== KEY_BYTES) {
      return `must be name:base64 of ${KEY_BYTES} bytes, and entry ${index + 1} is not: ${HOW_TO}`;
    }
    if (keys.has(name)) return `has two keys named ${name}`;
    keys.set(name, bytes);
  }
  return undefined;
}

function localFile(): string {
  try {
    return readFileSync(LOCAL_FILE, 'utf8');
  } catch {
    return '';
  }
}
