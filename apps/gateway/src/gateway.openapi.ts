import { openApiDocument, type RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { catalogueEntryShape, catalogueShape } from './catalogue.controller.js';
import { objectQuery } from './fetch/objects.controller.js';
import { trialResultShape, trialShape } from './filters/filters.controller.js';
import { identityRoutes } from './identity/identity.openapi.js';
import { ledgerRoutes } from './ledger/ledger.openapi.js';
import { streamQuery } from './protocols/stream-request.js';
import { webhookRoutes } from './protocols/webhook/webhooks.openapi.js';
import { queueRoutes } from './queues/queues.openapi.js';
import { replayRoutes } from './queues/replays.openapi.js';

const eventShape = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string(),
    type: z.string(),
    subject: z.string().optional(),
    time: z.string().optional(),
    datacontenttype: z.string().optional(),
    data: z.unknown(),
  })
  .catchall(z.unknown())
  .describe('a CloudEvent; extension attributes stand beside the named ones');

const acceptedShape = z.object({
  id: z.string().optional(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  duplicate: z.boolean().describe('true when it was published before, within the window'),
});

/** Every operation of the gateway; a test holds it to the routes that are really there. */
const gatewayRoutes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/v1/events',
    summary: 'Publish an event, or a batch; answered when all in-sync replicas have it',
    body: {
      'application/cloudevents+json': eventShape,
      'application/cloudevents-batch+json': z.array(eventShape),
      'application/json': z.unknown().describe('binary mode: the data; the attributes are ce- headers'),
      'application/avro': z.unknown().describe('binary mode: the data as Avro in Confluent wire format'),
    },
    status: 202,
    response: acceptedShape,
    errors: [
      'attribute-invalid',
      'body-invalid',
      'type-owned',
      'type-unknown',
      'schema-unknown',
      'too-large',
      'content-type-unsupported',
      'data-invalid',
      'log-unavailable',
      'registry-unavailable',
    ],
  },
  {
    method: 'GET',
    path: '/v1/stream',
    summary: 'A live stream of events, as server-sent events or, by upgrade, as WebSocket (cloudevents.json)',
    query: streamQuery,
    headers: { 'Last-Event-ID': 'the token of the last event received; stands before `resume`' },
    status: 200,
    response: z.string(),
    responseType: 'text/event-stream',
    errors: ['parameter-invalid', 'origin-refused', 'too-many-connections'],
  },
  {
    method: 'GET',
    path: '/v1/queues/{name}/connect',
    summary: 'Deliveries of a queue over WebSocket, by upgrade (heddle.v1); its frames are in /asyncapi.json',
    status: 101,
    errors: [
      'parameter-invalid',
      'origin-refused',
      'not-found',
      'upgrade-required',
      'too-many-connections',
      'stopping',
    ],
  },
  {
    method: 'GET',
    path: '/v1/objects/{object}/{key}',
    summary: 'The business object a notification speaks of, never older than the version asked for',
    query: objectQuery,
    headers: { 'If-None-Match': 'ETags the reader has already' },
    status: 200,
    response: z.unknown(),
    responseHeaders: { ETag: 'the version of the object' },
    errors: ['data-invalid', 'not-found', 'object-gone', 'object-behind', 'owner-unavailable'],
  },
  {
    method: 'GET',
    path: '/v1/catalogue',
    summary: 'All event types, with schema and example',
    status: 200,
    response: catalogueShape,
    errors: [],
  },
  {
    method: 'GET',
    path: '/v1/catalogue/{type}',
    summary: 'One event type',
    status: 200,
    response: catalogueEntryShape,
    errors: ['type-unknown', 'registry-unavailable'],
  },
  {
    method: 'GET',
    path: '/v1/schemas/{id}',
    summary: 'A schema by the id that events carry',
    status: 200,
    response: z.unknown(),
    errors: ['parameter-invalid', 'schema-unknown', 'registry-unavailable'],
  },
  {
    method: 'POST',
    path: '/v1/filters/test',
    summary: 'Try a filter on the last stored events: which match, and why the others do not',
    body: trialShape,
    status: 200,
    response: trialResultShape,
    errors: ['parameter-invalid', 'data-invalid', 'filter-invalid', 'log-unavailable'],
  },
  ...queueRoutes,
  ...replayRoutes,
  ...webhookRoutes,
  ...ledgerRoutes,
  ...identityRoutes,
];

export const gatewayOpenApi = openApiDocument(
  'Heddle gateway',
  'Events of business objects in and out, and the objects they speak of.',
  gatewayRoutes.map((route) => ({ ...route, errors: [...route.errors, 'rate-limited'] })),
);
