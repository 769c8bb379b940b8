import type { FastifyInstance } from 'fastify';
import type { Limits } from '../limits/limits.js';
import { type ManagementParts, openManagement } from './management-routes.js';
import { ManagedQueues, type ManagedQueuesParts } from './managed-queues.js';
import { refuseUnknownLikeSap } from './sap-answer.js';
import { openSubscriptions } from './subscription-routes.js';
import { Subscriptions, type SubscriptionsParts } from './subscriptions.js';

/** What the management of SAP Event Mesh is made of: our queues and webhooks. */
export interface EventMeshParts extends ManagedQueuesParts, SubscriptionsParts, ManagementParts {
  webhooks: ManagedQueuesParts['webhooks'] & SubscriptionsParts['webhooks'];
  limits: Limits;
}

/** Adds what is managed in the way of SAP Event Mesh: queues, their subscriptions, and webhooks as subscriptions. */
export function openEventMesh(server: FastifyInstance, parts: EventMeshParts): void {
  refuseUnknownLikeSap(server);
  const subscriptions = new Subscriptions(parts);
  openSubscriptions(server, 'messaging', subscriptions, parts);
  openSubscriptions(server, 'events', subscriptions, parts);
  openManagement(server, new ManagedQueues(parts), parts);
}
