import { HeddleError } from '@heddle/event';
import { meant } from '../wrong-line.js';
import type { Gateway } from '../gateway.js';
import type { Kind, View } from './kind.js';

/** All things of a kind that whoever asks may know of, page after page. */
export async function allOf(gateway: Gateway, kind: Kind): Promise<View[]> {
  const all: View[] = [];
  let after: string | undefined;
  do {
    const page = await gateway.get<Record<string, View[]> & { next?: string }>(
      kind.path,
      after === undefined ? {} : { after },
    );
    all.push(...(page[kind.list] ?? []));
    after = page.next;
  } while (after !== undefined);
  return all;
}

/** What is asked for by its name; when there is none, the nearest name is said. */
export async function byName<T>(gateway: Gateway, kind: Kind, name: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'not-found') throw error;
    const names = await allOf(gateway, kind).then(
      (views) => views.map((view) => kind.nameOf(view)),
      () => [],
    );
    const hint = meant(name, names) || ` heddle ${kind.name} get lists those there are.`;
    throw new HeddleError('not-found', `There is no ${kind.name} ${name}.${hint}`, { cause: error });
  }
}
