import type { ErrorCode } from '@heddle/event';
import type { RouteDoc } from '@heddle/runtime';
import type { z } from 'zod';
import { listQueryShape, listShape } from './paging.js';

/** What every operation may answer; there is nothing (404) for clients of another tenant. */
const ANY = [
  'data-invalid',
  'not-found',
  'token-missing',
  'token-invalid',
  'permission-missing',
  'store-unavailable',
  'issuer-unavailable',
] as const satisfies readonly ErrorCode[];
const OF_BODY = ['body-invalid', 'content-type-unsupported', 'too-large'] as const satisfies readonly ErrorCode[];

/** The errors of an operation by what it works on; those of its rules come on top. */
export const PROBLEMS = {
  create: ['conflict', ...OF_BODY, ...ANY],
  read: ANY,
  change: ['precondition-failed', ...ANY],
  body: OF_BODY,
} as const satisfies Record<string, readonly ErrorCode[]>;

const TRACING = {
  'x-correlation-id': 'Carried on by the events of the change',
  'x-causation-id': 'Carried on by the events of the change',
  traceparent: 'W3C Trace Context, carried on by the events of the change',
};

/** The request headers of an operation, by what it does. */
export const REQUEST_HEADERS = {
  create: TRACING,
  read: { 'if-none-match': 'The ETag of the version already known' },
  mustMatch: { 'if-match': 'The ETag of the version to change, or * for any; required', ...TRACING },
  mayMatch: { 'if-match': 'The ETag of the version to change; any when not sent', ...TRACING },
};

/** The answer's header with the version. */
export const ETAG = { etag: 'The version of the object, after the change if it is one, in quotes' };

/** The operation that lists objects page by page, as the controllers of all answer it. */
export function listRoute(path: string, objects: string, shape: z.ZodType): RouteDoc {
  return {
    method: 'GET',
    path,
    summary: `Lists the ${objects} by number; \`next\` is the path of the following page`,
    query: listQueryShape,
    status: 200,
    response: listShape(shape),
    responseHeaders: { link: 'The following page, as rel="next"' },
    errors: ANY,
  };
}
