import { entityTag, isKnown } from '@heddle/runtime';
import type { FastifyReply } from 'fastify';
import { gone } from './object-changes.js';
import type { Stored } from './object-store.js';
import type { Page } from './paging.js';

type Reply = Pick<FastifyReply, 'header' | 'status'>;

/** The state as the body, its version as ETag. */
export function answerState<S>(reply: Reply, { version, state }: Stored<S>): S {
  void reply.header('etag', entityTag(version));
  return state;
}

/**
 * As {@link answerState}; 304 and no body for who knows the version.
 *
 * @throws HeddleError `object-gone`, with the last version as ETag
 */
export function answerRead<S>(reply: Reply, stored: Stored<S>, ifNoneMatch: string | undefined): S | undefined {
  const state = answerState(reply, stored);
  if (stored.isDeleted === true) throw gone(stored);
  if (!isKnown(ifNoneMatch, stored.version)) return state;
  void reply.status(304);
  return undefined;
}

/** The states of a page, and where the next one is: in the body and as a link (RFC 8288). */
export function answerPage<S>(
  reply: Reply,
  path: string,
  { objects, next }: Page<S>,
): { value: S[]; next: string | null } {
  const nextPath = next === undefined ? null : `${path}?limit=${next.limit}&after=${next.after}`;
  if (nextPath !== null) void reply.header('link', `<${nextPath}>; rel="next"`);
  return { value: objects.map(({ state }) => state), next: nextPath };
}
