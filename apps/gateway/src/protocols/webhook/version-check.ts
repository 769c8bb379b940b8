import { HeddleError } from '@heddle/event';
import type { FastifyReply } from 'fastify';

/** The condition of a change: throws when the present version is not the one that was meant. */
export type VersionCheck = (version: number | undefined) => void;

/**
 * What If-Match and If-None-Match ask of the present version (RFC 9110 §13.1): the ETag of the answer that was read
 * last, `*` for any that is there, and `If-None-Match: *` for none yet. Without them every version will do.
 */
export function versionCheck(headers: Readonly<Record<string, string | undefined>>): VersionCheck {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  return (version) => {
    if (ifNoneMatch?.trim() === '*' && version !== undefined) throw failed('There is one of this name already.');
    if (ifMatch === undefined) return;
    if (version === undefined) throw failed('There is none of this name.');
    const tags = ifMatch.split(',').map((tag) => tag.trim());
    if (tags.includes('*') || tags.includes(`"${version}"`)) return;
    throw failed(`The version is ${version} now: read it again, then change it.`);
  };
}

/** What is answered, with its version as the ETag: what If-Match names at the next change. */
export function withVersion<T extends { version: number }>(reply: FastifyReply, view: T): T {
  void reply.header('etag', `"${view.version}"`);
  return view;
}

function failed(message: string): HeddleError {
  return new HeddleError('precondition-failed', message, { field: 'if-match' });
}
