import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrongLine } from '../wrong-line.js';
import { writeSecretFile } from '../context/context-file.js';

/** Events of some types, and where on this machine they go. */
export interface Pair {
  types: readonly string[];
  /** As it was given, query included. */
  url: string;
}

/** A pair with what it keeps from run to run. */
export interface KnownPair extends Pair {
  queue: string;
  /** What its requests are signed with. */
  secret: string;
}

type Kept = Record<string, { queue: string; secret: string }>;

/** `TYPE=URL`, or `TYPE,TYPE=URL`; everything behind the first `=` is the URL. @throws HeddleError `command-invalid` */
export function pairOf(text: string): Pair {
  const at = text.indexOf('=');
  const types = text
    .slice(0, Math.max(0, at))
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '');
  if (at < 1 || types.length === 0 || text.slice(0, at).includes('://')) {
    throw wrongLine(
      `${text} is no pair: write TYPE=URL, in quotes so that the shell leaves * and ? alone: 'sap.s4.beh.*=http://localhost:3000/hook?from=heddle'.`,
    );
  }
  return { types, url: checkedUrl(text.slice(at + 1)) };
}

/** @throws HeddleError `command-invalid` */
export function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw wrongLine(`${text} is no http or https URL.`);
}

/**
 * The queue and the secret of a pair at a gateway: those of the last time, else new ones, kept for the next time. Each
 * person has queues of their own, so that two who listen to the same do not take events from each other.
 */
export function knownPair(configHome: string, gateway: string, pair: Pair, secret?: string): KnownPair {
  const kept = read(configHome);
  const name = nameOf(gateway, pair);
  const known = kept[name] ?? { queue: `listen-${randomBytes(6).toString('hex')}`, secret: newSecret() };
  const result = secret === undefined ? known : { ...known, secret };
  write(configHome, { ...kept, [name]: result });
  return { ...pair, ...result };
}

export function forgetPair(configHome: string, gateway: string, pair: Pair): void {
  const { [nameOf(gateway, pair)]: _, ...rest } = read(configHome);
  write(configHome, rest);
}

/** As the gateway makes them (Standard Webhooks). */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

function nameOf(gateway: string, { types, url }: Pair): string {
  return `${gateway} ${types.toSorted().join(',')}=${url}`;
}

function fileOf(configHome: string): string {
  return join(configHome, 'heddle', 'listen.json');
}

function read(configHome: string): Kept {
  try {
    return JSON.parse(readFileSync(fileOf(configHome), 'utf8')) as Kept;
  } catch {
    // None yet, or broken: then it begins anew, and what the queues of before hold stays with them.
    return {};
  }
}

function write(configHome: string, kept: Kept): void {
  writeSecretFile(fileOf(configHome), `${JSON.stringify(kept, undefined, 2)}\n`);
}
