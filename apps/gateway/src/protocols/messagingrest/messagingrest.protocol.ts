import { type Access, callerOf } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { answerProblem, bytesParser } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MESSAGING } from '../../event-mesh/sap-path.js';
import { requirePublisher } from '../../event-mesh/publisher-right.js';
import { refuseLikeSap } from '../../event-mesh/sap-answer.js';
import { Limits } from '../../limits/limits.js';
import { messageOf } from '../../messages/message.js';
import type { Grant, LeaseBook, SettleErrorCode } from '../../queues/lease-book.js';
import { checkQueueName } from '../../queues/queue.shape.js';
import type { Doors, OpenProtocol, Protocol } from '../protocol.js';
import { messageHeaders, messageIn, qosOf } from './messagingrest.frames.js';

/** Whether it is one of a topic, or of the type whose topic it is, is decided behind the door. */
const TO_TOPIC: Access = 'client';
const TO_QUEUE: Access = { verb: 'publish', kind: 'queue', param: 'queue' };
const FROM_QUEUE: Access = { verb: 'consume', kind: 'queue', param: 'queue' };

/** `/messagingrest/v1`: the messaging of SAP Event Mesh over REST, for clients that were written for it. */
export const messagingrest: Protocol = {
  name: 'messagingrest',
  open(doors: Doors): OpenProtocol {
    const limits = doors.limits ?? new Limits();
    const door = new MessagingDoor(doors);
    void doors.server.register((scope, _options, ready) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits.values));
      refuseLikeSap(scope, 'messaging', doors.log);
      const queue = `${MESSAGING}/queues/:queue/messages`;
      scope.post(`${MESSAGING}/topics/:topic/messages`, { config: { access: TO_TOPIC } }, (request, reply) =>
        door.publish('topic', request, reply),
      );
      scope.post(queue, { config: { access: TO_QUEUE } }, (request, reply) => door.publish('queue', request, reply));
      const config = { access: FROM_QUEUE };
      scope.post(`${queue}/consumption`, { config }, (request, reply) => door.consume(request, reply));
      scope.post(`${queue}/:id/acknowledgement`, { config }, (request, reply) => door.acknowledge(request, reply));
      ready();
    });
    return { close: () => undefined };
  },
};

/** Why a message cannot be acknowledged, in words of SAP Event Mesh. */
const NOT_ACKNOWLEDGED: Record<SettleErrorCode, string> = {
  'lease-unknown': 'There is no message of this id.',
  'lease-expired': 'The message was not acknowledged in time: it is delivered again.',
  'lease-lost': 'The queue has another owner since: the message is delivered again.',
  'lease-settled': 'The message is done with.',
};

class MessagingDoor {
  constructor(private readonly doors: Doors) {}

  async publish(kind: 'queue' | 'topic', request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const name = nameOf(request, kind);
      if (kind === 'topic') requirePublisher(callerOf(request), `publish:topic:${name}`);
      const address = `${kind}:${name}`;
      const message = messageIn(address, request.headers, request.body as Buffer | undefined, Date.now());
      const [outcome] = await this.doors.publisher.publishMessages(callerOf(request), [message]);
      if (outcome === undefined) throw new HeddleError('internal', 'No outcome.');
      if ('error' in outcome) throw outcome.error;
      return await reply.status(204).send();
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }

  /** One message: gone with its answer at QoS 0, locked until it is acknowledged, or its lease ends, at QoS 1. */
  async consume(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const qos = qosOf(request.headers);
      const queue = this.doors.queues.open(callerOf(request).tenant, checkQueueName(nameOf(request, 'queue')));
      const [grant] = queue.book.receive({ max: 1, receiver: { kind: 'messagingrest', name: request.ip } });
      if (grant === undefined) return await reply.status(204).send();
      const message = messageOf(grant.lease, 'structured', this.doors.namespaces);
      const headers = messageHeaders(message, grant, grant.token);
      if (qos === 0) {
        queue.book.settle([{ token: grant.token, action: 'accept' }]);
        // Removed before it is handed out: what is not sure to be gone would come twice.
        await queue.settled();
      } else releaseUnlessSent(reply, queue.book, grant);
      return await reply.headers(headers).send(message.body);
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }

  async acknowledge(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const queue = this.doors.queues.open(callerOf(request).tenant, checkQueueName(nameOf(request, 'queue')));
      const [result] = queue.book.settle([{ token: nameOf(request, 'id'), action: 'accept' }]);
      if (result !== undefined && 'code' in result) {
        throw new HeddleError(result.code, NOT_ACKNOWLEDGED[result.code], { field: 'id' });
      }
      await queue.settled();
      return await reply.status(204).send();
    } catch (error) {
      return answerProblem(reply, error, this.doors.log);
    }
  }
}

/** What did not reach its consumer is free again at once, as an attempt: part of it may have been read. */
function releaseUnlessSent({ raw }: FastifyReply, book: LeaseBook, { token }: Grant): void {
  let isSent = false;
  raw.once('finish', () => (isSent = true));
  raw.once('close', () => {
    if (!isSent) book.settle([{ token, action: 'release', reason: 'connection lost' }]);
  });
}

function nameOf({ params }: FastifyRequest, name: 'queue' | 'topic' | 'id'): string {
  return (params as Record<string, string>)[name] ?? '';
}
