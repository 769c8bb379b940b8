import { readFileSync } from 'node:fs';
import { HeddleError } from '@heddle/event';

/** A variable that the command line reads, as the page of settings shows it. */
interface Row {
  env: string;
  about: string;
  secret: boolean;
  fallback: string;
}

/** What the environment says. Variables of others are none of its business: the shell of a person has many. */
export interface Environment {
  gatewayUrl: string | undefined;
  token: string | undefined;
  clientId: string | undefined;
  clientSecret: string | undefined;
  kafkaBrokers: readonly string[];
  registryUrl: string | undefined;
  databaseUrl: string | undefined;
  /** The folder that configuration is kept under. */
  configHome: string;
  noColour: boolean;
  terminalKind: string | undefined;
  /** Any variable, for the places in manifests that name one. */
  variable(name: string): string | undefined;
  /** All of them, for commands of libraries, which know their own. */
  variables: Variables;
}

type Variables = Readonly<Record<string, string | undefined>>;

const ROWS: readonly Row[] = [
  row('GATEWAY_URL', 'the gateway to speak to, in place of that of the context'),
  row('HEDDLE_TOKEN', 'an access token, used as it is; goes before client and secret'),
  row('HEDDLE_CLIENT_ID', 'client that gets tokens; administrator when only a secret is set'),
  { ...row('HEDDLE_CLIENT_SECRET', 'secret of that client'), secret: true },
  row('KAFKA_BROKERS', 'brokers that doctor asks by itself, too'),
  row('SCHEMA_REGISTRY_URL', 'registry that doctor asks by itself, too'),
  row('DATABASE_URL', 'PostgreSQL server that doctor asks by itself, too'),
  row('XDG_CONFIG_HOME', 'folder under which contexts are kept, in heddle/', '~/.config'),
  row('NO_COLOR', 'anything: no colours, on a terminal either'),
];

/** Every variable of the command line; the reference is made from it. */
export const settings = { describe: (): Row[] => [...ROWS] };

/** Reads them; empty variables count as not set. A secret's file is read when the secret is asked for. */
export function readEnvironment(variables: Variables): Environment {
  const of = (name: string): string | undefined => variables[name] || undefined;
  return {
    gatewayUrl: of('GATEWAY_URL')?.replace(/\/+$/, ''),
    token: of('HEDDLE_TOKEN'),
    clientId: of('HEDDLE_CLIENT_ID'),
    get clientSecret() {
      return of('HEDDLE_CLIENT_SECRET') ?? fromFile(of('HEDDLE_CLIENT_SECRET_FILE'));
    },
    kafkaBrokers: (of('KAFKA_BROKERS') ?? '')
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
    registryUrl: of('SCHEMA_REGISTRY_URL')?.replace(/\/+$/, ''),
    databaseUrl: of('DATABASE_URL'),
    configHome: of('XDG_CONFIG_HOME') ?? `${of('HOME') ?? '.'}/.config`,
    noColour: of('NO_COLOR') !== undefined,
    terminalKind: of('TERM'),
    variable: of,
    variables,
  };
}

/** @throws HeddleError `setting-invalid` */
function fromFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new HeddleError('setting-invalid', `HEDDLE_CLIENT_SECRET_FILE names a file that cannot be read: ${file}.`, {
      cause,
    });
  }
}

function row(env: string, about: string, fallback = ''): Row {
  return { env, about, secret: false, fallback };
}
