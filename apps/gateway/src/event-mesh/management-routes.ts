import { callerOf } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type Log, readShape } from '@heddle/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { managedQueueShape } from './managed-queue.shape.js';
import type { ManagedQueues } from './managed-queues.js';
import type { Limits } from '../limits/limits.js';
import { refuseLikeSap } from './sap-answer.js';
import { readJsonBodies } from './sap-body.js';
import { MANAGEMENT } from './sap-path.js';

const SEEN = { config: { access: 'client' }, exposeHeadRoute: false } as const;
const MANAGES = { config: { access: { verb: 'manage', kind: 'queue', param: 'name' } } } as const;
const SOME = { config: { access: { verb: 'manage', kind: 'queue' } }, exposeHeadRoute: false } as const;

/** Seconds after which whoever waits for this to be ready may ask again. */
const ASK_AGAIN_S = 5;

export interface ManagementParts {
  limits: Limits;
  /** Whether this gateway can do its work now. */
  isReady(): Promise<boolean>;
  log: Log;
}

/** Adds the management of SAP Event Mesh. */
export function openManagement(
  server: FastifyInstance,
  queues: ManagedQueues,
  { limits, isReady, log }: ManagementParts,
): void {
  void server.register((scope, _options, ready) => {
    readJsonBodies(scope, limits);
    refuseLikeSap(scope, 'management', log);
    scope.get(`${MANAGEMENT}/queues`, SEEN, (request) => queues.list(callerOf(request)));
    const queue = `${MANAGEMENT}/queues/:name`;
    scope.get(queue, SEEN, (request) => queues.get(callerOf(request), named(request).name));
    scope.put(queue, MANAGES, async (request, reply) => {
      const asked = readShape(managedQueueShape, request.body ?? {});
      const { created, view } = await queues.put(callerOf(request), named(request).name, asked);
      return reply.status(created ? 201 : 200).send(view);
    });
    scope.delete(queue, MANAGES, async (request, reply) => {
      await queues.delete(callerOf(request), named(request).name);
      return reply.status(204).send();
    });
    scope.get(`${queue}/subscriptions`, SEEN, (request) =>
      queues.subscriptions(callerOf(request), named(request).name),
    );
    const subscription = `${queue}/subscriptions/:pattern`;
    scope.put(subscription, MANAGES, async (request, reply) => {
      const { name: queueName, pattern: topicPattern } = named(request);
      const isNew = await queues.subscribe(callerOf(request), queueName, topicPattern);
      return reply.status(isNew ? 201 : 200).send({ queueName, topicPattern });
    });
    scope.delete(subscription, MANAGES, async (request, reply) => {
      const { name, pattern } = named(request);
      await queues.unsubscribe(callerOf(request), name, pattern);
      return reply.status(204).send();
    });
    scope.get(`${MANAGEMENT}/queuesStatistics`, SEEN, (request) => queues.counts(callerOf(request)));
    scope.get(`${queue}/statistics`, SEEN, (request) => {
      const [counts] = queues.counts(callerOf(request), named(request).name);
      return counts;
    });
    scope.get(`${MANAGEMENT}/statistics`, SEEN, (request) => queues.instance(callerOf(request)));
    scope.get(`${MANAGEMENT}/resourceusage`, SOME, (request) => queues.resources(callerOf(request)));
    scope.get(`${MANAGEMENT}/readinessCheck`, SEEN, async () => {
      if (await isReady()) return { ready: true };
      throw new HeddleError('stopping', 'The gateway is not ready: ask again.', { retryAfterSeconds: ASK_AGAIN_S });
    });
    ready();
  });
}

function named({ params }: FastifyRequest): { name: string; pattern: string } {
  return params as { name: string; pattern: string };
}
