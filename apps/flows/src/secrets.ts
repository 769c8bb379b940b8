import { HeddleError } from '@heddle/event';
import { defineSettings, processSettings } from '@heddle/runtime';
import { z } from 'zod';
import type { Flow, HttpsReceiverRule } from './flow.shape.js';
import { identityProblem } from './receivers/receiver-tls.js';
import { flowSettings } from './settings.js';

/** The credentials and addresses that flows name, by the variables that they come from. */
export class Secrets {
  constructor(private readonly values: Readonly<Record<string, string>>) {}

  get(variable: string): string {
    const value = this.values[variable];
    if (value === undefined) throw new HeddleError('internal', `${variable} was not read.`);
    return value;
  }
}

/**
 * Reads the credentials of flows out of the environment, or out of the files that `<variable>_FILE` names.
 *
 * @throws HeddleError `setting-invalid` that names each that is missing, and which flow wants it
 */
export function readSecrets(flows: readonly Flow[]): Secrets {
  const wanted = variablesOf(flows);
  const own = [...wanted].map(([env, about]) => {
    const schema = about.endsWith('urlFrom') ? urlSchema : about.endsWith('to.https.tls') ? pemSchema : headerSchema;
    return [env, { env, schema, about: `for ${about}`, secret: true }];
  });
  // Together with those of the process, for what is known to neither is refused.
  const values: Record<string, unknown> = processSettings(
    defineSettings({ ...flowSettings, ...(Object.fromEntries(own) as Record<string, Wanted>) }),
  );
  return new Secrets(Object.fromEntries([...wanted.keys()].map((variable) => [variable, String(values[variable])])));
}

/** @throws HeddleError `setting-invalid` for certificates and keys that are none, or do not belong together */
export function requireIdentities(flows: readonly Flow[], secrets: Secrets): void {
  const problems = flows.flatMap(({ name, to: { https } }) => {
    if (https?.tls === undefined) return [];
    const place = `${name}: to.https.tls`;
    if (urlOf(https, secrets).startsWith('http:')) return [`${place} is for a URL that begins with https`];
    const problem = identityProblem(https.tls, secrets);
    return problem === undefined ? [] : [`${place}: ${problem}`];
  });
  if (problems.length > 0) throw new HeddleError('setting-invalid', problems.join('\n'));
}

/** @throws HeddleError `setting-invalid` when a receiver would get messages, and credentials, in the clear */
export function requireTls(flows: readonly Flow[], secrets: Secrets): void {
  const problems = flows.flatMap(({ name, to: { https } }) =>
    https !== undefined && urlOf(https, secrets).startsWith('http:')
      ? [`${name}: the URL of to.https must begin with https (HEDDLE_FLOWS_HTTP=true allows http)`]
      : [],
  );
  if (problems.length > 0) throw new HeddleError('setting-invalid', problems.join('\n'));
}

/** Where a receiver is. */
export function urlOf({ url, urlFrom = '' }: HttpsReceiverRule, secrets: Secrets): string {
  return url ?? secrets.get(urlFrom);
}

/** As RFC 7617 writes a user and a password. */
export function basicHeader({ user, passwordFrom }: { user: string; passwordFrom: string }, secrets: Secrets): string {
  return `Basic ${Buffer.from(`${user}:${secrets.get(passwordFrom)}`).toString('base64')}`;
}

const headerSchema = z
  .string('is missing')
  .min(1)
  .regex(/^[\x20-\x7e\x80-\xff]*$/, 'is no value of a header');
const pemSchema = z.string('is missing').regex(/-----BEGIN [A-Z ]+-----/, 'must be PEM');
const urlSchema = z.url({
  protocol: /^https?$/,
  error: ({ input }) => (input === undefined ? 'is missing' : 'must be an https URL'),
});

interface Wanted {
  env: string;
  schema: z.ZodType<string>;
  about: string;
  secret: boolean;
}

/** Every variable that flows take credentials from, with the place that names it. */
function variablesOf(flows: readonly Flow[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, from, to } of flows) {
    const { auth } = from.http ?? {};
    if (typeof auth === 'object') found.set(auth.basic.passwordFrom, `${name}: from.http.auth.basic`);
    const { credentials, urlFrom } = to.https ?? {};
    if (urlFrom !== undefined) found.set(urlFrom, `${name}: to.https.urlFrom`);
    for (const variable of Object.values(to.https?.tls ?? {})) {
      if (variable !== undefined) found.set(variable, `${name}: to.https.tls`);
    }
    if (credentials === undefined) continue;
    const [[kind, rule] = ['', {}]] = Object.entries(credentials);
    for (const [key, variable] of Object.entries(rule as Record<string, string>)) {
      if (key.endsWith('From')) found.set(variable, `${name}: to.https.credentials.${kind}`);
    }
  }
  return found;
}
