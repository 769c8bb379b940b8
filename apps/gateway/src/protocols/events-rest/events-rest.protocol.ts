import { type Access, callerOf } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { answerProblem, bytesParser } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requirePublisher } from '../../event-mesh/publisher-right.js';
import { refuseLikeSap } from '../../event-mesh/sap-answer.js';
import { EVENTS } from '../../event-mesh/sap-path.js';
import { Limits } from '../../limits/limits.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { type EventIn, batchText, checkQos, eventsIn } from './events-rest.frames.js';

/** Which types and topics is decided for each event, behind the door. */
const ACCESS: Access = 'client';

/** `POST /sap/ems/v1/events`: the CloudEvents API of SAP Event Mesh, for publishers that were written for it. */
export const eventsRest: Protocol = {
  name: 'events-rest',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    void doors.server.register((scope, _options, ready) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits.values));
      refuseLikeSap(scope, 'events', doors.log, 422);
      scope.post(`${EVENTS}/events`, { config: { access: ACCESS } }, (request, reply) =>
        publish({ ...doors, limits }, request, reply),
      );
      ready();
    });
    return { close: () => undefined };
  },
};

/** 204 when all is accepted; of a batch that is not, 207 with the ids of what is, and of what is not and why. */
async function publish(
  doors: Doors & { limits: Limits },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { limits, namespaces, log } = doors;
  try {
    const caller = callerOf(request);
    requirePublisher(caller, 'publish:type:…');
    checkQos(request.headers);
    const body = request.body as Buffer | undefined;
    const { isBatch, events } = eventsIn(request.headers, body, namespaces.of(caller.tenant), limits);
    // The request itself was one.
    limits.charge(request, reply, events.length - 1);
    const refusals = await published(doors, request, events);
    const [first] = refusals;
    if (!isBatch && first !== undefined) throw first;
    if (refusals.every((refusal) => refusal === undefined)) return await reply.status(204).send();
    return await reply.status(207).type('application/json').send(batchText(events, refusals));
  } catch (error) {
    return answerProblem(reply, error, log);
  }
}

/** Why each of the events was refused; nothing for those that were not. */
async function published(
  { publisher }: Doors,
  request: FastifyRequest,
  events: readonly EventIn[],
): Promise<(HeddleError | undefined)[]> {
  const messages = events.flatMap((event) => ('message' in event ? [event.message] : []));
  const outcomes = await publisher.publishMessages(callerOf(request), messages);
  let next = 0;
  return events.map((event) => {
    if ('error' in event) return event.error;
    const outcome = outcomes[next++] ?? { error: new HeddleError('internal', 'No outcome.') };
    return 'error' in outcome ? outcome.error : undefined;
  });
}
