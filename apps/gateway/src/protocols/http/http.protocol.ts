import { type Access, type Caller, callerOf } from '@heddle/auth';
import {
  CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  HeddleError,
  problemOf,
} from '@heddle/event';
import { answerProblem, bytesParser } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Limits } from '../../limits/limits.js';
import type { IncomingEvent } from '../../incoming-event.js';
import type { PublishOutcome } from '../../publish.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { binaryEvent, parseBatch, parseStructured } from './http.frames.js';

/** Which types is decided for each event, behind the door. */
const ACCESS: Access = { verb: 'publish', kind: 'type' };

/** `POST /v1/events`: CloudEvents over HTTP, in binary, structured and batched mode (HTTP binding 1.0.2 §3). */
export const http: Protocol = {
  name: 'http',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    const limited = { ...doors, limits };
    void doors.server.register((scope, _options, ready) => {
      // Bodies come as bytes: binary mode carries anything, and JSON is parsed once, by the rules for events.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits.values));
      const config = { access: ACCESS, unpacks: true };
      scope.post('/v1/events', { config }, (request, reply) => publish(limited, request, reply));
      ready();
    });
    return { close: () => undefined };
  },
};

type LimitedDoors = Doors & { limits: Limits };

async function publish(
  { publisher, limits, log }: LimitedDoors,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const caller = callerOf(request);
    const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const contentType = request.headers['content-type'] ?? '';
    const mediaType = contentType.split(';', 1)[0]!.trim().toLowerCase();
    if (mediaType === CLOUDEVENTS_JSON_BATCH_CONTENT_TYPE) {
      const events = parseBatch(body, limits.batchJson);
      // The request itself was one.
      limits.charge(request, reply, events.length - 1);
      return await publishBatch(publisher, caller, events, reply);
    }
    const event =
      mediaType === CLOUDEVENTS_JSON_CONTENT_TYPE
        ? parseStructured(body, limits.json)
        : binaryEvent(request.headers, contentType, mediaType, body, limits.json);
    const [outcome] = await publisher.publish(caller, [event]);
    if (outcome === undefined) throw new HeddleError('internal', 'No outcome.');
    if ('error' in outcome) return await answerProblem(reply, outcome.error, log);
    const { position, duplicate } = outcome;
    return await reply
      .status(202)
      .type('application/json')
      .send(
        `{"id":${JSON.stringify(event.attributes.id)},"topic":"${position.topic}","partition":${position.partition},"offset":${position.offset},"duplicate":${duplicate}}`,
      );
  } catch (error) {
    return answerProblem(reply, error, log);
  }
}

/** A batch is answered per event: 202 when all were accepted, 207 when at least one was not. */
async function publishBatch(
  publisher: Doors['publisher'],
  caller: Caller,
  parsed: readonly (IncomingEvent | HeddleError)[],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const outcomes = await publishReadable(publisher, caller, parsed);
  let refused = 0;
  const results = parsed.map((event, index) => {
    const outcome = outcomes[index]!;
    const id = event instanceof HeddleError ? undefined : event.attributes.id;
    if ('error' in outcome) {
      refused += 1;
      return { ...(id === undefined ? {} : { id }), status: outcome.error.status, problem: problemOf(outcome.error) };
    }
    return { id, status: 202, ...outcome.position, duplicate: outcome.duplicate };
  });
  return reply
    .status(refused === 0 ? 202 : 207)
    .type('application/json')
    .send(JSON.stringify({ accepted: parsed.length - refused, refused, results }));
}

/** The outcome of each element; those that could not be read keep their error, the others are published. */
async function publishReadable(
  publisher: Doors['publisher'],
  caller: Caller,
  parsed: readonly (IncomingEvent | HeddleError)[],
): Promise<PublishOutcome[]> {
  const outcomes = await publisher.publish(
    caller,
    parsed.filter((event): event is IncomingEvent => !(event instanceof HeddleError)),
  );
  let next = 0;
  return parsed.map((event) => (event instanceof HeddleError ? { error: event } : outcomes[next++]!));
}
