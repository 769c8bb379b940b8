import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HeddleError } from '@heddle/event';
import { meant } from '../wrong-line.js';
import type { Environment } from '../settings.js';
import { type Context, readContexts } from './context-file.js';

/** The gateway that is asked, and how tokens for it are had. */
export interface WhoAsks {
  gateway: string;
  /** In words, for a person: `the context local`. */
  from: string;
  credentials: Credentials;
}

export type Credentials =
  | { kind: 'token'; token: string }
  | { kind: 'client'; tokenUrl: string; clientId: string; clientSecret: string }
  | { kind: 'none'; why: string };

const LOCAL_GATEWAY = 'http://127.0.0.1:8080';
const ADMINISTRATOR = 'administrator';
/** Where `npm start` keeps secrets, from the folder of its checkout. */
const LOCAL_SECRETS = join('.heddle', 'secrets');

/**
 * Who asks, and whom. The environment goes before the context, piece by piece; without either it is what `npm start` has
 * made in this folder or one above. A secret goes to the gateway that it belongs to only: a context's is not used when
 * the environment names another gateway.
 *
 * @throws HeddleError `command-invalid` for a context that there is not
 */
export function whoAsks(environment: Environment, contextName?: string, folder = process.cwd()): WhoAsks {
  const { name, context } = contextOf(environment, contextName);
  const gateway = environment.gatewayUrl ?? context?.gateway ?? LOCAL_GATEWAY;
  if (!URL.canParse(gateway) || !/^https?:/.test(gateway)) {
    throw new HeddleError('setting-invalid', `The gateway must be an http or https URL, not ${gateway} (GATEWAY_URL).`);
  }
  const fromEnvironment = environmentCredentials(environment, gateway);
  if (fromEnvironment !== undefined) return { gateway, from: 'the environment', credentials: fromEnvironment };
  if (context !== undefined) {
    const from = `the context ${name}`;
    if (isSameOrigin(context.gateway, gateway)) return { gateway, from, credentials: contextCredentials(context) };
    const why = `GATEWAY_URL is another gateway than that of ${from}: set HEDDLE_CLIENT_ID and HEDDLE_CLIENT_SECRET, too, or use another context`;
    return { gateway, from: 'the environment', credentials: { kind: 'none', why } };
  }
  return localMesh(
    gateway,
    folder,
    environment.gatewayUrl === undefined ? 'nothing else being said' : 'the environment',
  );
}

/** The administrator of a mesh that `npm start` runs from this folder, or from one above; undefined where there is none. */
export function localContext(folder: string, gateway = LOCAL_GATEWAY): Context | undefined {
  const file = localSecret(folder);
  return file === undefined ? undefined : { gateway, clientId: ADMINISTRATOR, clientSecretFile: file };
}

/** How tokens are had with a context. */
export function contextCredentials(context: Context): Credentials {
  const { gateway, clientId, tokenEndpoint, clientSecret, clientSecretFile } = context;
  const secret = clientSecret ?? (clientSecretFile === undefined ? undefined : secretIn(clientSecretFile));
  if (secret === undefined) return { kind: 'none', why: 'the context has no secret: make it anew with heddle login' };
  return { kind: 'client', tokenUrl: tokenEndpoint ?? `${gateway}/oauth/token`, clientId, clientSecret: secret };
}

function contextOf(environment: Environment, wanted?: string): { name: string; context: Context | undefined } {
  const { current, contexts } = readContexts(environment.configHome);
  const name = wanted ?? current;
  const context = name === undefined ? undefined : contexts[name];
  if (wanted !== undefined && context === undefined) {
    const hint = meant(wanted, Object.keys(contexts)) || ' heddle context list shows those there are.';
    throw new HeddleError('command-invalid', `There is no context ${wanted}.${hint}`);
  }
  return { name: name ?? '', context };
}

function environmentCredentials(environment: Environment, gateway: string): Credentials | undefined {
  const { token, clientId = ADMINISTRATOR, clientSecret } = environment;
  if (token !== undefined) return { kind: 'token', token };
  if (clientSecret === undefined) return undefined;
  return { kind: 'client', tokenUrl: `${gateway}/oauth/token`, clientId, clientSecret };
}

function localMesh(gateway: string, folder: string, from: string): WhoAsks {
  const file = localSecret(folder);
  const isHere = /^(?:127\.|localhost$|\[::1\]$)/.test(new URL(gateway).hostname);
  if (file === undefined || !isHere) {
    const why = 'no client is known: heddle login keeps one, or set HEDDLE_CLIENT_ID and HEDDLE_CLIENT_SECRET_FILE';
    return { gateway, from, credentials: { kind: 'none', why } };
  }
  const credentials: Credentials = {
    kind: 'client',
    tokenUrl: `${gateway}/oauth/token`,
    clientId: ADMINISTRATOR,
    clientSecret: secretIn(file),
  };
  return { gateway, from: 'the mesh of this folder', credentials };
}

function localSecret(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, LOCAL_SECRETS, `${ADMINISTRATOR}.secret`);
    if (existsSync(file)) return file;
    if (dirname(at) === at) return undefined;
  }
}

function secretIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new HeddleError('setting-invalid', `The file with the secret cannot be read: ${file}`, { cause });
  }
}

function isSameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}
