import { z } from 'zod';
import type { ObjectStore, Stored } from './object-store.js';

/** What a client may say about a list: how many at most, and after which key. */
export const listQueryShape = z.object({
  limit: z.coerce
    .number('must be a number')
    .int()
    .min(1, 'must be at least 1')
    .max(500, 'must be at most 500')
    .default(50),
  after: z.string().max(64).optional(),
});

/** The values of {@link listQueryShape}. */
export type ListQuery = z.output<typeof listQueryShape>;

/** A page as it is answered: the objects, and the path of the page after it, or null. */
export function listShape<S extends z.ZodType>(shape: S) {
  return z.object({ value: z.array(shape), next: z.string().nullable() });
}

/** A part of a list, by key. */
export interface Page<S> {
  objects: Stored<S>[];
  /** The query for the page after it, where there is one. */
  next: Required<ListQuery> | undefined;
}

/** One object more than asked for says whether there is a page after this one. */
export async function readPage<S>(
  store: Pick<ObjectStore<unknown, S>, 'list'>,
  { limit, after = '' }: ListQuery,
): Promise<Page<S>> {
  const found = await store.list(limit + 1, after);
  const objects = found.slice(0, limit);
  const last = objects.at(-1);
  return { objects, next: found.length > limit && last !== undefined ? { limit, after: last.key } : undefined };
}
