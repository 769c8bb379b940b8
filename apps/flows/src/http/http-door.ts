import { createHash, timingSafeEqual } from 'node:crypto';
import { type Access, callerOf, requirePermission } from '@heddle/auth';
import { HeddleError, problemOf, uuidv7 } from '@heddle/event';
import { HTTP_LIMITS, type Log, answerProblem, bytesParser } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { FlowRunner } from '../flow-runner.js';
import type { Flow, HttpSender } from '../flow.shape.js';
import type { Message, Passing } from '../message.js';
import type { FlowMetrics } from '../metrics.js';
import type { MessageLog } from '../monitor/message-log.js';
import { pass } from '../pass.js';
import { type Secrets, basicHeader } from '../secrets.js';

/** What a sender may name its message by, so that a repeat of it is known as one. */
const ID_HEADER = 'idempotency-key';
const MAX_ID_CHARS = 200;

interface HttpDoorParts {
  runner: FlowRunner;
  secrets: Secrets;
  messages: MessageLog;
  metrics: FlowMetrics;
  log: Log;
}

/**
 * The paths by which messages come in, one for each flow from HTTP, under `/http`. It is answered 202 only after the
 * gateway has acknowledged; whoever was not answered so sends it again, under the same `idempotency-key`.
 */
export function openHttpDoor(server: FastifyInstance, parts: HttpDoorParts): void {
  void server.register((scope, _options, ready) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(HTTP_LIMITS));
    for (const flow of parts.runner.flows) {
      const { http } = flow.from;
      if (http === undefined) continue;
      const access: Access = http.auth === 'token' ? { verb: 'publish', kind: 'flow' } : 'public';
      scope.post(`/http${http.path}`, { config: { access } }, (request, reply) =>
        take(flow, http, parts, request, reply),
      );
    }
    ready();
  });
}

async function take(
  flow: Flow,
  http: HttpSender,
  { runner, secrets, messages, metrics, log }: HttpDoorParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    if (!maySend(flow, http, secrets, request)) return await refuseSender(reply);
    const message = messageOf(request);
    const entry = messages.of({ flow: flow.name, source: `http:${http.path}`, message: message.id });
    // Longer than the gateway knows what was published, this knows what it has taken.
    if (entry.isTaken) return await reply.status(202).send({ id: message.id, entry: entry.id });
    messages.change(entry.id, { state: 'processing', attempts: entry.attempts + 1, dueAt: null });
    const way = { steps: flow.steps, receiver: runner.receiver(flow), to: Object.keys(flow.to)[0] ?? '' };
    const passed = await pass(message, way);
    const { passing, steps } = passed;
    metrics.passed(flow.name, passed);
    const isDone = passing.state === 'done';
    messages.change(entry.id, {
      state: isDone ? 'completed' : 'failed',
      steps,
      answer: passing.answer ?? null,
      error: isDone ? null : passing.reason,
      isTaken: isDone,
    });
    if (passing.state !== 'done') throw refusalOf(passing);
    return await reply.status(202).send({ id: message.id, entry: entry.id });
  } catch (error) {
    return answerProblem(reply, error, log);
  }
}

/** @throws HeddleError `permission-missing` of a token that is good, but not for this */
function maySend({ name }: Flow, { auth }: HttpSender, secrets: Secrets, request: FastifyRequest): boolean {
  if (auth !== 'token') {
    const given = request.headers.authorization ?? '';
    return timingSafeEqual(digest(given), digest(basicHeader(auth.basic, secrets)));
  }
  requirePermission(callerOf(request), 'publish', 'flow', name);
  return true;
}

/** Asks for what this path takes (RFC 7617 §2), which is no token. */
function refuseSender(reply: FastifyReply): FastifyReply {
  const problem = problemOf(new HeddleError('token-missing', 'This needs the user and the password of the flow.'));
  void reply.header('www-authenticate', 'Basic realm="heddle", charset="UTF-8"');
  return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** Of one length, so that comparing them takes the same time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function messageOf({ headers, body }: FastifyRequest): Message {
  const given = headers[ID_HEADER];
  if (Array.isArray(given) || (given !== undefined && !/^[\x21-\x7e]+$/.test(given))) {
    throw new HeddleError('parameter-invalid', `${ID_HEADER} must be one text of ASCII without spaces.`, {
      field: ID_HEADER,
    });
  }
  if (given !== undefined && given.length > MAX_ID_CHARS) {
    throw new HeddleError('parameter-invalid', `${ID_HEADER} has more than ${MAX_ID_CHARS} characters.`, {
      field: ID_HEADER,
    });
  }
  return {
    id: given ?? uuidv7(),
    contentType: headers['content-type'] ?? '',
    body: (body as Buffer | undefined) ?? Buffer.alloc(0),
  };
}

/** How the sender hears of it: what it may mend itself, or that the same is worth another try. */
function refusalOf(passing: Exclude<Passing, { state: 'done' }>): HeddleError {
  if (passing.state === 'permanent') return new HeddleError('data-invalid', passing.reason);
  const { retryAfterMs } = passing;
  return new HeddleError('gateway-unavailable', passing.reason, {
    retryAfterSeconds: retryAfterMs === undefined ? 1 : Math.ceil(retryAfterMs / 1000),
  });
}
