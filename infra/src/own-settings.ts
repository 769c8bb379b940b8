import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Settings } from '@heddle/runtime';
import { CHECKOUT } from './checkout.mjs';

/**
 * The settings in an environment that other processes of ours know, and this one does not: each mapped to `undefined`,
 * which takes it out, for a process refuses to start over a setting that is none of its own. One that nobody knows is
 * left in, so that it is refused by name. Reads what the build has made of each app's `settings.ts`.
 */
export async function settingsOfOthers<A extends string>(
  app: A,
  apps: readonly A[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Record<string, undefined>> {
  const own = new Set(await keysOf(app));
  const others = await Promise.all(apps.filter((other) => other !== app).map(keysOf));
  const foreign = others.flat().filter((name) => !own.has(name) && environment[name] !== undefined);
  return Object.fromEntries(foreign.map((name) => [name, undefined]));
}

async function keysOf(app: string): Promise<readonly string[]> {
  const file = join(CHECKOUT, 'apps', app, 'dist', 'settings.js');
  const { settings } = (await import(pathToFileURL(file).href)) as { settings: Pick<Settings<never>, 'keys'> };
  return settings.keys;
}
