import { type Access, callerOf } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type Log, readShape } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Limits } from '../limits/limits.js';
import type { Subscription } from '../protocols/webhook/webhook.js';
import { refuseLikeSap } from './sap-answer.js';
import { readJsonBodies } from './sap-body.js';
import { EVENTS, MESSAGING } from './sap-path.js';
import { eventsSubscriptionShape, messagingSubscriptionShape, patchShape, stateShape } from './subscription.shape.js';
import type { Subscriptions } from './subscriptions.js';

/** Whose a subscription is, and what it may deliver, is decided behind the door. */
const ACCESS: Access = 'client';

/** Adds the subscriptions of one door: both have the same calls, with bodies of their own. */
export function openSubscriptions(
  server: FastifyInstance,
  door: Subscription['door'],
  subscriptions: Subscriptions,
  { limits, log }: { limits: Limits; log: Log },
): void {
  const path = door === 'messaging' ? `${MESSAGING}/subscriptions` : `${EVENTS}/events/subscriptions`;
  const config = { access: ACCESS };
  void server.register((scope, _options, ready) => {
    readJsonBodies(scope, limits);
    // Nothing is documented of it here; where a webhook may not point, say, is no matter of form.
    refuseLikeSap(scope, door, log, 422);
    scope.get(path, { config, exposeHeadRoute: false }, (request) => subscriptions.list(callerOf(request), door));
    scope.post(path, { config }, async (request, reply) => {
      const caller = callerOf(request);
      const made =
        door === 'messaging'
          ? await subscriptions.createMessaging(caller, readShape(messagingSubscriptionShape, bodyOf(request)))
          : await subscriptions.createEvents(caller, readShape(eventsSubscriptionShape, bodyOf(request)));
      return reply
        .status(201)
        .header('location', `${path}/${encodeURIComponent(made.name)}`)
        .send(made);
    });
    scope.get(`${path}/:name`, { config, exposeHeadRoute: false }, (request) =>
      subscriptions.get(callerOf(request), door, nameOf(request)),
    );
    scope.delete(`${path}/:name`, { config }, async (request, reply) => {
      await subscriptions.delete(callerOf(request), door, nameOf(request));
      return done(reply, 204);
    });
    scope.post(`${path}/:name/handshake`, { config }, async (request, reply) => {
      await subscriptions.handshake(callerOf(request), door, nameOf(request));
      return done(reply, 202);
    });
    scope.put(`${path}/:name/state`, { config }, async (request, reply) => {
      const { action } = readShape(stateShape, bodyOf(request));
      await subscriptions.setState(callerOf(request), door, nameOf(request), action);
      return done(reply, 204);
    });
    if (door === 'events') {
      scope.patch(`${path}/:name`, { config }, (request) =>
        subscriptions.changeAuth(
          callerOf(request),
          nameOf(request),
          readShape(patchShape, bodyOf(request)).webhookAuth,
        ),
      );
    }
    ready();
  });
}

function nameOf({ params }: FastifyRequest): string {
  return (params as { name: string }).name;
}

/** @throws HeddleError `body-invalid` */
function bodyOf({ body }: FastifyRequest): unknown {
  if (body === undefined) throw new HeddleError('body-invalid', 'The body is missing.');
  return body;
}

function done(reply: FastifyReply, status: number): FastifyReply {
  return reply.status(status).send();
}
