import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { eventShape } from '../event.openapi.js';
import { EXPIRATION_LIMITS } from '../protocols/messagingrest/messagingrest.frames.js';
import {
  instanceCountsShape,
  managedQueueShape,
  managedQueueViewShape,
  queueCountsShape,
  queueSubscriptionShape,
  resourceUsageShape,
} from './managed-queue.shape.js';
import { EVENTS, MANAGEMENT, MESSAGING } from './sap-path.js';
import {
  QUEUE_NAMED,
  eventsSubscriptionShape,
  eventsViewShape,
  messagingSubscriptionShape,
  messagingViewShape,
  patchShape,
  stateShape,
} from './subscription.shape.js';

const named = z.string().max(164).regex(QUEUE_NAMED);
const topic = z
  .string()
  .max(150)
  .regex(/^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){1,19}$/);
const pattern = z
  .string()
  .max(150)
  .regex(/^(?:[A-Za-z0-9_-]+|[+])(?:\/(?:[A-Za-z0-9_-]+|[+])){0,18}(?:\/[*])?$/);
const NAME = { name: named };
const QUEUE = { queue: named };

/** The type has to fit into a topic. */
const eventOfTopic = eventShape
  .extend({
    type: z
      .string()
      .max(100)
      .regex(/^[A-Za-z0-9_-]+(?:[.][A-Za-z0-9_-]+){0,15}$/),
  })
  .meta({ ...eventShape.meta(), description: 'a CloudEvent, to the topic of its type' });

/** As clients of SAP Event Mesh read them. */
const REFUSALS = {
  statuses: [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503],
  shape: z.object({
    message: z.string(),
    code: z.string().describe('ours'),
    error: z.object({ code: z.string(), message: z.string(), field: z.string().optional() }),
  }),
};
const SAP = { errors: [], refusals: REFUSALS } as const;

const QOS = { 'x-qos': z.enum(['0', '1']).describe('must be there') };
const PUBLISH = {
  headers: {
    ...QOS,
    'x-message-expiration': z
      .string()
      .regex(/^[1-9][0-9]{0,8}$/)
      .optional()
      .describe(`milliseconds to keep it, ${EXPIRATION_LIMITS.minMs} to ${EXPIRATION_LIMITS.maxMs}`),
  },
  body: { 'application/octet-stream': z.string().min(1).describe('any bytes of any content type, 1,000,000 at most') },
  status: 204,
  ...SAP,
} as const;

const MESSAGES: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: `${MESSAGING}/topics/{topic}/messages`,
    summary: 'SAP Event Mesh: publish to a topic; that of an event type is checked against its schema',
    params: { topic },
    ...PUBLISH,
  },
  {
    method: 'POST',
    path: `${MESSAGING}/queues/{queue}/messages`,
    summary: 'SAP Event Mesh: publish to a queue',
    params: QUEUE,
    ...PUBLISH,
  },
  {
    method: 'POST',
    path: `${MESSAGING}/queues/{queue}/messages/consumption`,
    summary: 'SAP Event Mesh: one message of a queue, with its bytes and content type as published',
    params: QUEUE,
    headers: QOS,
    status: 200,
    also: { 204: 'empty' },
    response: z.unknown(),
    responseType: '*/*',
    responseHeaders: {
      'X-Message-Id': 'what it is acknowledged by, at QoS 1',
      'x-address': 'where it was published to',
    },
    ...SAP,
  },
  {
    method: 'POST',
    path: `${MESSAGING}/queues/{queue}/messages/{id}/acknowledgement`,
    summary: 'SAP Event Mesh: a message is done with',
    params: { ...QUEUE, id: z.string().regex(/^[A-Za-z0-9_.-]+$/) },
    status: 204,
    ...SAP,
  },
  {
    method: 'POST',
    path: `${EVENTS}/events`,
    summary: 'SAP Event Mesh: publish CloudEvents; those of types with a schema are checked against it',
    headers: {
      qos: z.enum(['AT_MOST_ONCE', 'AT_LEAST_ONCE']).optional().describe('AT_LEAST_ONCE when left out'),
      'ce-specversion': 'binary mode: this and the other attributes, with ce- in front',
    },
    body: {
      'application/cloudevents+json': eventOfTopic,
      'application/cloudevents-batch+json': z.array(eventOfTopic),
    },
    status: 207,
    also: { 204: 'empty' },
    response: z
      .object({ accepted: z.array(z.looseObject({})), refused: z.array(z.looseObject({})) })
      .describe('of a batch of which something was refused; else there is nothing to say'),
    ...SAP,
  },
];

function subscriptionRoutes(path: string, body: z.ZodType, response: z.ZodType): RouteDoc[] {
  return [
    {
      method: 'GET',
      path,
      summary: 'SAP Event Mesh: webhook subscriptions of this client',
      status: 200,
      response: z.array(response),
      ...SAP,
    },
    {
      method: 'POST',
      path,
      summary: 'SAP Event Mesh: subscribe a webhook',
      body,
      status: 201,
      response,
      responseHeaders: { Location: 'where it is now' },
      ...SAP,
    },
    {
      method: 'GET',
      path: `${path}/{name}`,
      summary: 'SAP Event Mesh: one webhook subscription, and how it is doing',
      params: NAME,
      status: 200,
      response,
      ...SAP,
    },
    {
      method: 'DELETE',
      path: `${path}/{name}`,
      summary: 'SAP Event Mesh: unsubscribe a webhook',
      params: NAME,
      status: 204,
      ...SAP,
    },
    {
      method: 'POST',
      path: `${path}/{name}/handshake`,
      summary: 'SAP Event Mesh: ask the endpoint for its consent again',
      params: NAME,
      status: 202,
      ...SAP,
    },
    {
      method: 'PUT',
      path: `${path}/{name}/state`,
      summary: 'SAP Event Mesh: pause, or resume',
      params: NAME,
      body: stateShape,
      status: 204,
      ...SAP,
    },
  ];
}

const MANAGED: readonly RouteDoc[] = [
  {
    method: 'GET',
    path: `${MANAGEMENT}/queues`,
    summary: 'SAP Event Mesh: the queues; also at /sap-event-mesh/rest/api/v1, like all that is here',
    status: 200,
    response: z.array(managedQueueViewShape),
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/queues/{name}`,
    summary: 'SAP Event Mesh: one queue',
    params: NAME,
    status: 200,
    response: managedQueueViewShape,
    ...SAP,
  },
  {
    method: 'PUT',
    path: `${MANAGEMENT}/queues/{name}`,
    summary: 'SAP Event Mesh: make a queue, or change what is named of it',
    params: NAME,
    body: managedQueueShape,
    status: 201,
    also: { 200: 'same' },
    response: managedQueueViewShape,
    ...SAP,
  },
  {
    method: 'DELETE',
    path: `${MANAGEMENT}/queues/{name}`,
    summary: 'SAP Event Mesh: delete a queue, with all it holds',
    params: NAME,
    status: 204,
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/queues/{name}/subscriptions`,
    summary: 'SAP Event Mesh: the topics that a queue subscribes to',
    params: NAME,
    status: 200,
    response: z.array(queueSubscriptionShape),
    ...SAP,
  },
  {
    method: 'PUT',
    path: `${MANAGEMENT}/queues/{name}/subscriptions/{pattern}`,
    summary: 'SAP Event Mesh: subscribe a queue to topics, + for one segment, * for the rest',
    params: { ...NAME, pattern },
    status: 201,
    also: { 200: 'same' },
    response: queueSubscriptionShape,
    ...SAP,
  },
  {
    method: 'DELETE',
    path: `${MANAGEMENT}/queues/{name}/subscriptions/{pattern}`,
    summary: 'SAP Event Mesh: unsubscribe a queue',
    params: { ...NAME, pattern },
    status: 204,
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/queuesStatistics`,
    summary: 'SAP Event Mesh: how much is in each queue',
    status: 200,
    response: z.array(queueCountsShape),
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/queues/{name}/statistics`,
    summary: 'SAP Event Mesh: how much is in one queue',
    params: NAME,
    status: 200,
    response: queueCountsShape,
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/statistics`,
    summary: 'SAP Event Mesh: how much is in all queues together',
    status: 200,
    response: instanceCountsShape,
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/resourceusage`,
    summary: 'SAP Event Mesh: what the tenant has, and may have',
    status: 200,
    response: resourceUsageShape,
    ...SAP,
  },
  {
    method: 'GET',
    path: `${MANAGEMENT}/readinessCheck`,
    summary: 'SAP Event Mesh: whether this is ready; 503 with Retry-After until it is',
    status: 200,
    response: z.object({ ready: z.literal(true) }),
    ...SAP,
  },
];

/** Every operation at the doors of SAP Event Mesh, as the OpenAPI document shows it. */
export const eventMeshRoutes: readonly RouteDoc[] = [
  ...MESSAGES,
  ...subscriptionRoutes(`${MESSAGING}/subscriptions`, messagingSubscriptionShape, messagingViewShape),
  ...subscriptionRoutes(`${EVENTS}/events/subscriptions`, eventsSubscriptionShape, eventsViewShape),
  {
    method: 'PATCH',
    path: `${EVENTS}/events/subscriptions/{name}`,
    summary: 'SAP Event Mesh: change the credentials of a webhook subscription, and nothing else',
    params: NAME,
    body: patchShape,
    status: 200,
    response: eventsViewShape,
    ...SAP,
  },
  ...MANAGED,
];
