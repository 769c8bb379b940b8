import { HeddleError } from '@heddle/event';
import { EXIT } from '../exit-codes.js';
import { type Check, type Patient, failed, ok, skipped } from './check.js';
import { textOf } from '../output/text.js';

export const tokenCheck: Check = {
  name: 'token',
  about: 'there is an access token, and the gateway accepts it',
  after: ['gateway'],
  exitCode: EXIT.denied.code,
  async look({ gateway, signal }) {
    try {
      const claims = claimsOf(await gateway.token());
      await gateway.request('GET', '/v1/catalogue', { signal, patienceMs: 0 });
      const until =
        typeof claims['exp'] === 'number' ? `, good until ${new Date(claims['exp'] * 1000).toISOString()}` : '';
      return ok(`that of ${textOf(claims['sub'] ?? 'a client')}, from ${gateway.from}${until}`);
    } catch (error) {
      if (!(error instanceof HeddleError)) throw error;
      const advice = error.code === 'token-missing' ? 'See heddle login --help.' : adviceOf(gateway.from);
      return failed(error.message, advice);
    }
  },
};

export const permissionCheck: Check = {
  name: 'permission',
  about: 'the token has permissions: those of --need, or any',
  after: ['token'],
  exitCode: EXIT.denied.code,
  async look(patient) {
    const { needs } = patient;
    const scope = await scopeOf(patient);
    if (scope === undefined) return skipped('the token does not say what it is good for');
    if (scope.length === 0)
      return failed(
        'the client has no permission at all',
        'Whoever manages clients gives it some: heddle client apply.',
      );
    const missing = needs.filter((need) => !scope.some((permission) => covers(permission, need)));
    if (missing.length === 0) return ok(needs.length === 0 ? scope.join(' ') : `has ${needs.join(', ')}`);
    return failed(
      `the client has not ${missing.join(', ')}, but ${scope.join(' ')}`,
      'Whoever manages clients, and has it, gives it: heddle client apply, or PUT /v1/clients/{client}.',
    );
  },
};

/** The permissions of the token; undefined where that is no JSON Web Token of ours. */
async function scopeOf({ gateway }: Patient): Promise<string[] | undefined> {
  const { scope } = claimsOf(await gateway.token());
  return typeof scope === 'string' ? scope.split(' ').filter((permission) => permission !== '') : undefined;
}

/** Whether what is allowed covers what is needed: `+` is one segment, `*` at the end the rest (docs/guides/identity.md). */
export function covers(permission: string, need: string): boolean {
  const tenants = need.startsWith('manage:tenant:');
  if (permission === '*') return !tenants;
  if (permission.endsWith('*') && need.startsWith(permission.slice(0, -1))) return true;
  const pattern = permission
    .split('+')
    .map((part) => part.replaceAll(/[.*/\\^$?()[\]{}|]/g, '\\$&'))
    .join('[^./]+')
    .replace(/\\\*$/, '.*');
  return new RegExp(`^${pattern}$`).test(need);
}

/** What a JSON Web Token says, without its signature being checked, which is the gateway's to do. */
export function claimsOf(token: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function adviceOf(from: string): string {
  return `Client and secret come from ${from}: a new secret is made by POST /v1/clients/{client}/service-key, and kept by heddle login.`;
}
