import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { HeddleError } from '@heddle/event';
import type { Invocation, Options } from '../command.js';
import { wrongLine } from '../wrong-line.js';
import { type Context, checkContextName, readContexts, writeContexts } from './context-file.js';
import { tokensOf } from './tokens.js';
import { contextCredentials, localContext } from './who-asks.js';

/** The options that say where a context comes from. */
export const CONTEXT_SOURCES = {
  'service-key': {
    type: 'text',
    value: 'FILE',
    about: 'the service key of a client, as the gateway gave it; - is the standard input',
    completes: 'file',
  },
  gateway: { type: 'text', value: 'URL', about: 'the gateway, where no service key says it' },
  'client-id': { type: 'text', value: 'ID', about: 'the client, with --client-secret-file' },
  'client-secret-file': {
    type: 'text',
    value: 'FILE',
    about: 'the file with its secret; the context names the file, and has no copy',
    completes: 'file',
  },
  'no-check': { type: 'flag', about: 'do not get a token to see whether it is right' },
} as const satisfies Options;

interface ServiceKey {
  oauth2?: { tokenEndpoint?: string; clientId?: string; clientSecret?: string };
  management?: { uri?: string };
}

type SourceInvocation = Invocation<typeof CONTEXT_SOURCES>;

/** Keeps a context; it is used from then on when that is wanted, or when it is the only one. */
export async function addContext(invocation: SourceInvocation, name: string, use: boolean): Promise<void> {
  const { terminal, output, options } = invocation;
  const { configHome } = terminal.environment;
  checkContextName(name);
  const context = await contextFrom(invocation);
  if (!options['no-check']) await tokensOf(contextCredentials(context)).token();
  const before = readContexts(configHome);
  const current = use || before.current === undefined ? name : before.current;
  writeContexts(configHome, { current, contexts: { ...before.contexts, [name]: context } });
  const { gateway, clientId } = context;
  await output.show({ name, gateway, clientId, current: current === name }, () => [
    `${output.paint('green', '✔')} ${name}: ${clientId} at ${gateway}${current === name ? ', used from now on' : ''}`,
  ]);
}

async function contextFrom({ options, terminal }: SourceInvocation): Promise<Context> {
  const { 'service-key': keyFile, gateway, 'client-id': clientId, 'client-secret-file': secretFile } = options;
  if (keyFile !== undefined) {
    const text = keyFile === '-' ? await terminal.input() : readText(keyFile);
    return fromServiceKey(text, gateway);
  }
  if (clientId !== undefined || secretFile !== undefined) {
    if (clientId === undefined || secretFile === undefined || gateway === undefined) {
      throw wrongLine('Without a service key it takes --gateway, --client-id and --client-secret-file together.');
    }
    return { gateway: baseUrl(gateway), clientId, clientSecretFile: resolve(secretFile) };
  }
  const local = localContext(process.cwd(), gateway === undefined ? terminal.environment.gatewayUrl : baseUrl(gateway));
  if (local !== undefined) return local;
  throw wrongLine(
    'There is no mesh in this folder (.heddle/secrets): name a --service-key, or run it where npm start runs.',
  );
}

function fromServiceKey(text: string, gateway: string | undefined): Context {
  let key: ServiceKey;
  try {
    key = JSON.parse(text) as ServiceKey;
  } catch (cause) {
    throw new HeddleError('body-invalid', 'The service key is no JSON.', { cause });
  }
  const { tokenEndpoint, clientId, clientSecret } = key.oauth2 ?? {};
  const uri = gateway ?? key.management?.uri?.replace(/\/v1\/?$/, '');
  if (tokenEndpoint === undefined || clientId === undefined || uri === undefined) {
    throw new HeddleError(
      'body-invalid',
      'This is no service key: it has no oauth2.tokenEndpoint, oauth2.clientId or management.uri.',
    );
  }
  if (clientSecret === undefined) {
    throw new HeddleError(
      'body-invalid',
      'The service key has no secret: POST …/service-key makes one that has, GET shows it without.',
      {
        field: 'oauth2.clientSecret',
      },
    );
  }
  return { gateway: baseUrl(uri), clientId, tokenEndpoint, clientSecret };
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw wrongLine(`${text} is no http or https URL.`);
}

/** @throws HeddleError `command-invalid` */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HeddleError('command-invalid', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
