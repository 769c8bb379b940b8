import { type ErrorCode, HeddleError, type Problem, problemOf } from '@heddle/event';
import { type Log, answerProblem } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify';
import { EVENTS, MANAGEMENT, MESSAGING, sapPath } from './sap-path.js';

/** How SAP Event Mesh says no: one message for people, one code for programs; ours stands beside it. */
export interface SapError {
  message: string;
  code: ErrorCode;
  error: { code: string; message: string; field?: string };
}

/** The doors differ in how they say a few things. */
export type SapDoor = 'messaging' | 'events' | 'management';

const DOORS: readonly (readonly [path: string, door: SapDoor])[] = [
  [MESSAGING, 'messaging'],
  [EVENTS, 'events'],
  [MANAGEMENT, 'management'],
];

const WORDS: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  409: 'CONFLICT',
  412: 'PRECONDITION_FAILED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'UNPROCESSABLE_ENTITY',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  503: 'SERVICE_UNAVAILABLE',
};

/** Said of what a queue has no room for, and of what a tenant may have no more of. */
const SPOOL_FULL = 'SPOOL_LIMIT_EXCEEDED';

/** A message that is not locked (any more) is one that is not there: SAP documents no other answer. */
const NO_SUCH_MESSAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'lease-unknown',
  'lease-expired',
  'lease-lost',
  'lease-settled',
]);

/** What is answered where everything else of ours answers with a problem: with the statuses that SAP documents. */
export function sapError(
  problem: Problem,
  door: SapDoor,
  invalidStatus: 400 | 422 = 400,
): { status: number; body: SapError } {
  const { code, detail, field } = problem;
  const { status, word } = saidAs(problem, door, invalidStatus);
  return {
    status,
    body: { message: detail, code, error: { code: word, message: detail, ...(field ? { field } : {}) } },
  };
}

function saidAs({ code, status }: Problem, door: SapDoor, invalidStatus: 400 | 422): { status: number; word: string } {
  if (NO_SUCH_MESSAGE.has(code)) return { status: 404, word: 'NOT_FOUND' };
  if (code === 'quota-exceeded') {
    // Not CONFLICT: to clients that means that there is one of this name, which they delete.
    return door === 'events' ? { status: 422, word: SPOOL_FULL } : { status: 409, word: 'QUOTA_EXCEEDED' };
  }
  if (code === 'queue-full') {
    return door === 'events' ? { status: 422, word: SPOOL_FULL } : { status, word: SPOOL_FULL };
  }
  // What breaks a rule is 400 in all that SAP documents of messages and queues.
  const said = status === 422 ? invalidStatus : status;
  return { status: said, word: WORDS[said] ?? 'ERROR' };
}

/**
 * Has every refusal at the routes of a scope, whoever refuses, leave in the form of SAP Event Mesh.
 *
 * @param invalidStatus what is answered to what can be read and breaks a rule
 */
export function refuseLikeSap(scope: FastifyInstance, door: SapDoor, log: Log, invalidStatus: 400 | 422 = 400): void {
  scope.setErrorHandler((error, _request, reply) => answerProblem(reply, error, log));
  scope.addHook('onSend', (_request, reply, payload, done) => {
    done(null, reply.statusCode < 400 ? payload : likeSap(reply, payload, door, invalidStatus));
  });
}

/** What a server needs for paths as these doors have them: those of a name with slashes, and those that are none. */
export function sapPaths(log: Log): Pick<FastifyServerOptions, 'rewriteUrl' | 'frameworkErrors'> {
  return {
    rewriteUrl: ({ url = '/' }) => sapPath(url),
    // No hook of any scope is run then.
    frameworkErrors: (cause: unknown, { url }: { url: string }, reply: FastifyReply) => {
      const door = doorOf(url);
      const error = new HeddleError('parameter-invalid', 'The path of the URL is none.', { cause });
      if (door === undefined) return void answerProblem(reply, error, log);
      const { status, body } = sapError(problemOf(error), door);
      void reply.status(status).header('content-type', 'application/json').send(JSON.stringify(body));
    },
  };
}

/** Has what is at no path of these doors, or not for its method, refused in their form, too. */
export function refuseUnknownLikeSap(server: FastifyInstance): void {
  server.addHook('onSend', ({ is404, url }, reply, payload, done) => {
    const door = is404 ? doorOf(url) : undefined;
    done(null, door === undefined ? payload : likeSap(reply, payload, door, 400));
  });
}

function doorOf(url: string): SapDoor | undefined {
  return DOORS.find(([path]) => url.startsWith(path))?.[1];
}

/** Anything but a problem is left as it is. */
function likeSap(reply: FastifyReply, payload: unknown, door: SapDoor, invalidStatus: 400 | 422): unknown {
  const type = String(reply.getHeader('content-type') ?? '');
  if (typeof payload !== 'string' || !type.startsWith('application/problem+json')) return payload;
  const { status, body } = sapError(JSON.parse(payload) as Problem, door, invalidStatus);
  void reply.status(status).header('content-type', 'application/json');
  return JSON.stringify(body);
}

/** @throws HeddleError `parameter-invalid` */
export function badHeader(name: string, rule: string): HeddleError {
  return new HeddleError('parameter-invalid', `The header ${name} ${rule}.`, { field: name });
}
