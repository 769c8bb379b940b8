import { HeddleError, problemOf } from '@heddle/event';
import { CSRF_HEADER } from './csrf.js';
import { errorAnswer, formatOf } from './error-answer.js';
import { type ODataAnswer, type ODataRequest, VERSION_HEADERS } from './odata-request.js';
import { refusal, tooComplex } from './refusal.js';

/** What a statement may take, so that no filter holds the database. */
export const STATEMENT_MS = 5000;

/** An error as an answer in V2's shape. */
export function refused(error: unknown, { url, headers }: Pick<ODataRequest, 'url' | 'headers'>): ODataAnswer {
  const known = asRefusal(error);
  // What nobody expected is for the log of whoever runs this.
  if (!(known instanceof HeddleError)) throw known;
  const problem = problemOf(known);
  const { contentType, body } = errorAnswer(problem, formatOf(url, headers['accept']));
  const { retryAfterSeconds = problem.status === 503 ? 1 : undefined } = known;
  return {
    status: problem.status,
    headers: {
      ...VERSION_HEADERS,
      'content-type': contentType,
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(known.field === CSRF_HEADER ? { [CSRF_HEADER]: 'Required' } : {}),
    },
    body,
  };
}

/** SQLSTATEs of what only a query can be the cause of: a value out of its range, an expression too large, time over. */
function asRefusal(error: unknown): unknown {
  const cause = error instanceof HeddleError ? error.cause : error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  if (code === '57014')
    return tooComplex('query', `takes more than ${STATEMENT_MS / 1000} s: ask for less, or by a key`);
  if (error instanceof HeddleError) return error;
  if (code.startsWith('22')) return refusal('query', 'computes a value that is out of its range');
  return code.startsWith('54') ? tooComplex('query', 'is larger than the database takes') : error;
}
