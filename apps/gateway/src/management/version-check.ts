import type { IncomingHttpHeaders } from 'node:http';
import { HeddleError } from '@heddle/event';
import { checkExpected, entityTag, expectedOf } from '@heddle/runtime';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The condition of a change: throws when the present version is not the one that was meant. */
export type VersionCheck = (version: number | undefined) => void;

/**
 * What If-Match and If-None-Match ask of the present version (RFC 9110 §13.1): the ETag of the answer that was read
 * last, `*` for any that is there, and `If-None-Match: *` for none yet. Without them every version will do.
 */
export function versionCheck(headers: Pick<IncomingHttpHeaders, 'if-match' | 'if-none-match'>): VersionCheck {
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  return (version) => {
    if (ifNoneMatch?.trim() === '*' && version !== undefined) throw failed('There is one of this name already.');
    if (ifMatch === undefined) return;
    if (version === undefined) throw failed('There is none of this name.');
    checkExpected(expectedOf(ifMatch), version);
  };
}

/** The condition that a request has for its change. */
export const Check = createParamDecorator((_: unknown, context: ExecutionContext) =>
  versionCheck(context.switchToHttp().getRequest<FastifyRequest>().headers),
);

/** What is answered, with its version as the ETag: what If-Match names at the next change. */
export function withVersion<T extends { version: number }>(reply: FastifyReply, view: T): T {
  void reply.header('etag', entityTag(view.version));
  return view;
}

/** As {@link withVersion}, for what was put: 201 where it was not there before. */
export function answerPut<T extends { version: number }>(
  reply: FastifyReply,
  { created, view }: { created: boolean; view: T },
): T {
  void reply.status(created ? 201 : 200);
  return withVersion(reply, view);
}

function failed(message: string): HeddleError {
  return new HeddleError('precondition-failed', message, { field: 'if-match' });
}
