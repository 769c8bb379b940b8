import { z } from 'zod';

const MAX_LIMIT = 1000;

/** A page of a list that is sorted by name. */
export const namePage = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(MAX_LIMIT).describe('entries of a page'),
  after: z.string().min(1).max(256).optional().describe('the `next` of the page before'),
});

export type NamePage = z.output<typeof namePage>;

/** The things of a page by name, before anything is made of them. */
export function pageByName<T extends { name: string }>(
  things: Iterable<T>,
  { after = '', limit }: NamePage = { limit: Infinity },
): T[] {
  const found: T[] = [];
  for (const thing of things) if (thing.name > after) found.push(thing);
  return found.sort((one, other) => (one.name < other.name ? -1 : 1)).slice(0, limit);
}

/** A page as it is answered, and where the next one begins: `list` is asked for one entry more than are shown. */
export function answeredPage<T extends { name: string }>(
  page: NamePage,
  list: (page: NamePage) => readonly T[],
): { entries: T[]; next?: string } {
  const found = list({ ...page, limit: page.limit + 1 });
  const entries = found.slice(0, page.limit);
  const last = entries.at(-1);
  return found.length > entries.length && last !== undefined ? { entries, next: last.name } : { entries };
}

/**
 * A page of what is listed by a name, or by an id whose order is that of time, and where the next one begins.
 *
 * @param order `rising`, or `falling` for what is listed with the newest first
 */
export function pageOf<T>(
  all: readonly T[],
  { limit, after }: NamePage,
  nameOf: (one: T) => string,
  order: 'rising' | 'falling' = 'rising',
): { entries: T[]; next?: string } {
  const sign = order === 'rising' ? 1 : -1;
  const compare = (one: string, other: string): number => (one < other ? -sign : one > other ? sign : 0);
  const rest = after === undefined ? all : all.filter((one) => compare(nameOf(one), after) > 0);
  const entries = rest.toSorted((one, other) => compare(nameOf(one), nameOf(other))).slice(0, limit);
  const last = entries.at(-1);
  return rest.length > entries.length && last !== undefined ? { entries, next: nameOf(last) } : { entries };
}

/** Where a page says how the list goes on. */
export const nextField = { next: z.string().optional().describe('where the next page goes on') };
