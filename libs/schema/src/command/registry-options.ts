import { readFile } from 'node:fs/promises';
import { HeddleError } from '@heddle/event';
import { COMPATIBILITY_MODES, isCompatibilityMode, type CompatibilityMode } from '../compatibility.js';
import { ConfluentSchemaRegistry, type ConfluentSchemaRegistryOptions } from '../confluent-schema-registry.js';
import { gatewayReaders, type ReadersOf } from '../event-readers.js';
import type { CommandArguments, CommandIo, CommandOption } from './command.js';

const REGISTRY_URL = 'http://127.0.0.1:8181/apis/ccompat/v7';

export const DIR_OPTION: CommandOption = { type: 'string', value: 'DIR', about: 'where the schemas lie (schemas)' };

export const REGISTRY_OPTIONS = {
  registry: {
    type: 'string',
    value: 'URL',
    about: `base of the registry's Confluent API, with its path (SCHEMA_REGISTRY_URL, or ${REGISTRY_URL})`,
  },
  user: {
    type: 'string',
    value: 'NAME',
    about: 'user of the registry (SCHEMA_REGISTRY_USER); its password is in SCHEMA_REGISTRY_PASSWORD',
  },
  'password-file': { type: 'string', value: 'FILE', about: 'the password is in this file' },
  'token-file': {
    type: 'string',
    value: 'FILE',
    about: 'a bearer token of the registry is in this file (or in SCHEMA_REGISTRY_TOKEN)',
  },
  'timeout-ms': { type: 'string', value: 'MS', about: 'how long the registry may take to answer (5000)' },
} as const satisfies Record<string, CommandOption>;

export const CHECK_OPTIONS = {
  mode: {
    type: 'string',
    value: 'MODE',
    about: `in place of what each subject is held to: ${COMPATIBILITY_MODES.join(', ')}`,
  },
  gateway: {
    type: 'string',
    value: 'URL',
    about: 'a gateway that says which queues and services read an event (GATEWAY_URL; its token: HEDDLE_TOKEN)',
  },
} as const satisfies Record<string, CommandOption>;

export function dirOf(args: CommandArguments): string {
  return textOf(args, 'dir') ?? 'schemas';
}

/** @throws HeddleError `parameter-invalid` */
export async function openRegistry(args: CommandArguments, io: CommandIo): Promise<ConfluentSchemaRegistry> {
  const given = textOf(args, 'registry') ?? io.env['SCHEMA_REGISTRY_URL'] ?? REGISTRY_URL;
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new HeddleError('parameter-invalid', `--registry must be a URL with http or https, not ${given}.`);
  const auth = await authOf(args, io, url);
  // fetch takes no credentials within a URL.
  url.username = '';
  url.password = '';
  const timeoutMs = Number(textOf(args, 'timeout-ms') ?? 5_000);
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1)
    throw new HeddleError('parameter-invalid', '--timeout-ms must be whole milliseconds from 1.');
  return new ConfluentSchemaRegistry({ url: url.href, timeoutMs, auth });
}

async function authOf(
  args: CommandArguments,
  io: CommandIo,
  url: URL,
): Promise<ConfluentSchemaRegistryOptions['auth']> {
  const token = (await fileOf(args, 'token-file')) ?? io.env['SCHEMA_REGISTRY_TOKEN'];
  if (token !== undefined && token !== '') return { token };
  const username = textOf(args, 'user') ?? io.env['SCHEMA_REGISTRY_USER'] ?? decodeURIComponent(url.username);
  if (username === '') return undefined;
  const password =
    (await fileOf(args, 'password-file')) ?? io.env['SCHEMA_REGISTRY_PASSWORD'] ?? decodeURIComponent(url.password);
  return { username, password };
}

async function fileOf(args: CommandArguments, option: string): Promise<string | undefined> {
  const file = textOf(args, option);
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new HeddleError('parameter-invalid', `--${option}: ${file} cannot be read.`, { cause });
  }
}

/** @throws HeddleError `parameter-invalid` */
export function modeOf(args: CommandArguments): CompatibilityMode | undefined {
  const mode = textOf(args, 'mode')?.toUpperCase().replaceAll('-', '_');
  if (mode === undefined || isCompatibilityMode(mode)) return mode;
  throw new HeddleError('parameter-invalid', `--mode must be one of ${COMPATIBILITY_MODES.join(', ')}.`);
}

/** Who reads a type, as the gateway says; a gateway that does not answer costs the names of readers, not the verdict. */
export function readersBy(args: CommandArguments, io: CommandIo): ReadersOf | undefined {
  const url = textOf(args, 'gateway') ?? io.gateway?.url ?? io.env['GATEWAY_URL'];
  if (url === undefined || url === '') return undefined;
  const fromEnvironment = io.env['HEDDLE_TOKEN'];
  const token = io.gateway?.token ?? (fromEnvironment === undefined ? undefined : () => fromEnvironment);
  const readersOf = gatewayReaders({ url, token });
  return async (type) => {
    try {
      return await readersOf(type);
    } catch (error) {
      io.err(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
}

export function textOf(args: CommandArguments, option: string): string | undefined {
  const value = args[option];
  return typeof value === 'string' ? value : undefined;
}
