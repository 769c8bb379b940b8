import { readFileSync } from 'node:fs';
import { HeddleError, nearest } from '@heddle/event';
import { z } from 'zod';
import './shape-rules.js';

/** One setting: the environment variable it comes from, its rule with its default, and what it means. */
export interface Setting<T> {
  env: string;
  schema: z.ZodType<T>;
  about: string;
  /** Masked wherever settings are shown; also read from the file that `<env>_FILE` names. */
  secret?: boolean;
  /** What to do when that file is gone, where that is more than to name another one. */
  whenGone?: string;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the value type of each setting is inferred, not known here
type SettingMap = Record<string, Setting<any>>;

type Values<M extends SettingMap> = { readonly [K in keyof M]: M[K] extends Setting<infer T> ? T : never };

/** The values of a settings schema, as `SettingsOf<typeof gatewaySettings>`. */
export type SettingsOf<S> = S extends Settings<infer M> ? Values<M> : never;

/** A setting as it is documented. */
export interface SettingRow {
  env: string;
  about: string;
  secret: boolean;
  /** As it is written in an environment; empty where nothing is the default, or the setting is required. */
  fallback: string;
}

/** Variables with this prefix are ours: one that is not known stops the start. */
const OWN_PREFIX = 'HEDDLE_';

/** In place of a value whose file cannot be read: that is said, and nothing is said of the value. */
const GONE = Symbol('gone');

/** Who asks, in the shell of whoever works with a mesh; a process that is started there has nothing to do with it. */
const OF_CLIENTS: readonly string[] = [
  'HEDDLE_TOKEN',
  'HEDDLE_CLIENT_ID',
  'HEDDLE_CLIENT_SECRET',
  'HEDDLE_CLIENT_SECRET_FILE',
];

/** The settings of one process: every variable it reads, with rules, defaults and meanings. Made by `defineSettings`. */
export class Settings<M extends SettingMap> {
  constructor(private readonly map: M) {}

  /** The names of all variables, those of secret files included. */
  get keys(): string[] {
    return Object.values(this.map).flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env]));
  }

  /**
   * Reads the values out of an environment; empty variables count as not set.
   *
   * @throws HeddleError `setting-invalid` that names every wrong variable with its rule, one per line.
   */
  read(environment: Readonly<Record<string, string | undefined>>): Values<M> {
    const problems: string[] = [];
    const known = new Set(this.keys);
    for (const name of Object.keys(environment)) {
      if (name.startsWith(OWN_PREFIX) && !known.has(name) && !OF_CLIENTS.includes(name)) {
        // Without the prefix, which all have and which would make anything near.
        const own = [...known].filter((key) => key.startsWith(OWN_PREFIX)).map((key) => key.slice(OWN_PREFIX.length));
        const near = nearest(name.slice(OWN_PREFIX.length), own);
        problems.push(`${name} is not a setting${near === undefined ? '' : `; did you mean ${OWN_PREFIX}${near}?`}`);
      }
    }
    const values: Record<string, unknown> = {};
    for (const [key, setting] of Object.entries(this.map)) {
      const text = textOf(setting, environment, problems);
      if (text === GONE) continue;
      const outcome = setting.schema.safeParse(text);
      if (outcome.success) values[key] = outcome.data;
      else problems.push(`${setting.env} ${outcome.error.issues[0]?.message ?? 'is wrong'} (${setting.about})`);
    }
    if (problems.length > 0) throw new HeddleError('setting-invalid', problems.join('\n'));
    return values as Values<M>;
  }

  /** For the reference page and `.env.example`. */
  describe(): SettingRow[] {
    return Object.values(this.map).map(({ env, about, secret, schema }) => {
      // As it would be written, not as a rule turns it into a list or a path of this machine.
      const { default: written = schema.safeParse(undefined).data } = z.toJSONSchema(schema, {
        io: 'input',
        unrepresentable: 'any',
      });
      return { env, about, secret: secret ?? false, fallback: written === undefined ? '' : textFor(written) };
    });
  }
}

/** Declares the settings of a process; types are inferred from the rules. */
export function defineSettings<const M extends SettingMap>(map: M): Settings<M> {
  return new Settings(map);
}

/**
 * Reads settings out of the environment of this process, for a library in somebody else's.
 *
 * @throws HeddleError `setting-invalid`
 */
export function processSettings<M extends SettingMap>(settings: Settings<M>): Values<M> {
  return settings.read(process.env);
}

/** Reads the settings of this process; a wrong one ends it with exit code 78 (EX_CONFIG) and one line for each. */
export function readSettings<M extends SettingMap>(settings: Settings<M>): Values<M> {
  return readOrExit(() => processSettings(settings));
}

/** As {@link readSettings}, for whatever else is said to a process before it starts, and may be wrong. */
export function readOrExit<R>(read: () => R): R {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(78);
  }
}

function textFor(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function textOf(
  setting: Setting<unknown>,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): string | typeof GONE | undefined {
  const direct = environment[setting.env];
  if (direct !== undefined && direct !== '') return direct;
  const file = setting.secret ? environment[`${setting.env}_FILE`] : undefined;
  if (file === undefined || file === '') return undefined;
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch {
    const advice = setting.whenGone === undefined ? '' : `. ${setting.whenGone}`;
    problems.push(`${setting.env}_FILE names a file that cannot be read: ${file}${advice}`);
    return GONE;
  }
}
