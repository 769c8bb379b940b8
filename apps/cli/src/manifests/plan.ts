import { HeddleError } from '@heddle/event';
import type { Gateway } from '../gateway.js';
import { type Difference, differences } from './differences.js';
import type { Kind, Spec, View } from './kind.js';
import type { Manifest } from './manifest.js';
import { withoutVariables } from './variables.js';

/** What is to be done to make a thing what its file says. */
export interface Plan {
  action: 'create' | 'change' | 'none';
  differences: Difference[];
  /** What is put, on the condition that nobody has changed the thing meanwhile. */
  body: Spec;
  headers: Record<string, string>;
}

/** What one thing is, with its version; undefined where there is none of the name. */
interface Present {
  spec: Spec;
  etag: string;
}

/**
 * Compares a file with what is there.
 *
 * @param anew whether secrets are put even where they look the same as those that are there
 * @throws HeddleError `setting-invalid` for a variable of the file that is not set
 */
export async function planOf(
  gateway: Gateway,
  kind: Kind,
  { name, spec }: Manifest,
  { variable, anew }: { variable: (name: string) => string | undefined; anew: boolean },
): Promise<Plan> {
  const present = await presentOf(gateway, kind, name);
  const wanted = withoutVariables(spec, present?.spec, variable) as Spec;
  const compared = present === undefined ? wanted : without(wanted, kind.onlyNew);
  const body = kind.whole(compared, present?.spec);
  // Secrets that a file does not name stay as they are.
  const before = 'secrets' in wanted ? present?.spec : without(present?.spec ?? {}, ['secrets']);
  const found = differences(before ?? {}, body);
  if (present === undefined) return { action: 'create', differences: found, body, headers: { 'if-none-match': '*' } };
  const action = found.length > 0 || (anew && bringsSecrets(wanted)) ? 'change' : 'none';
  return { action, differences: found, body, headers: { 'if-match': present.etag } };
}

async function presentOf(gateway: Gateway, kind: Kind, name: string): Promise<Present | undefined> {
  try {
    const { json, headers } = await gateway.request('GET', `${kind.path}/${encodeURIComponent(name)}`);
    const spec = await kind.specOf(json as View, (path) => gateway.get<View>(path));
    return { spec, etag: headers.get('etag') ?? '*' };
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function without(spec: Spec, names: readonly string[]): Spec {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !names.includes(name)));
}

function bringsSecrets(spec: Spec): boolean {
  return ['secrets', 'auth', 'headers'].some((name) => name in spec);
}
