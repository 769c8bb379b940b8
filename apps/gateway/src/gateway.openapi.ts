import { odataRoute } from '@heddle/odata';
import { openApiDocument, type RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { channelRoutes } from './channels/channels.openapi.js';
import { documentQuery } from './fetch/documents.controller.js';
import { catalogueEntryShape, catalogueShape, readersShape } from './catalogue.controller.js';
import { objectQuery } from './fetch/objects.controller.js';
import { ODATA_SERVICE_NAMES } from './fetch/odata-services.js';
import { trialResultShape, trialShape } from './filters/filters.controller.js';
import { eventShape } from './event.openapi.js';
import { eventMeshRoutes } from './event-mesh/event-mesh.openapi.js';
import { identityRoutes } from './identity/identity.openapi.js';
import { ledgerRoutes } from './ledger/ledger.openapi.js';
import { namePage } from './management/name-page.js';
import { streamQuery } from './protocols/stream-request.js';
import { PARAMS } from './parameters.openapi.js';
import { webhookRoutes } from './protocols/webhook/webhooks.openapi.js';
import { queueRoutes } from './queues/queues.openapi.js';
import { replayRoutes } from './queues/replays.openapi.js';

const acceptedShape = z.object({
  id: z.string().optional(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  duplicate: z.boolean().describe('true when it was published before, within the window'),
});

const batchShape = z
  .object({
    accepted: z.int(),
    refused: z.int(),
    results: z
      .array(
        z.union([
          acceptedShape.extend({ status: z.literal(202) }),
          z.object({ id: z.string().optional(), status: z.int(), problem: z.looseObject({ code: z.string() }) }),
        ]),
      )
      .describe('one for each event, in their order'),
  })
  .describe('of a batch; 207 when at least one event was refused');

/** Every operation of the gateway; a test holds it to the routes that are really there. */
const gatewayRoutes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/v1/events',
    summary: 'Publish an event, or a batch; answered when all in-sync replicas have it',
    headers: { 'ce-specversion': 'binary mode: this and the other attributes, with ce- in front' },
    body: {
      'application/cloudevents+json': eventShape,
      'application/cloudevents-batch+json': z.array(eventShape),
      'application/json': z.unknown().describe('binary mode: the data; the attributes are ce- headers'),
      'application/avro': z.unknown().describe('binary mode: the data as Avro in Confluent wire format'),
    },
    status: 202,
    also: { 207: 'same' },
    response: z.union([acceptedShape, batchShape]),
    errors: [
      'attribute-invalid',
      'body-invalid',
      'type-owned',
      'type-unknown',
      'schema-unknown',
      'schema-incompatible',
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
    params: PARAMS.name,
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
    params: PARAMS.object,
    headers: { 'If-None-Match': 'ETags the reader has already' },
    status: 200,
    also: { 304: 'empty' },
    response: z.unknown(),
    responseHeaders: { ETag: 'the version of the object' },
    errors: ['attribute-invalid', 'data-invalid', 'not-found', 'object-gone', 'object-behind', 'owner-unavailable'],
  },
  {
    method: 'GET',
    path: '/v1/objects/{object}/{key}/document',
    summary: 'The document that belongs to a business object, of any media type; with `sha256`, that one or none',
    query: documentQuery,
    params: PARAMS.object,
    headers: {
      'If-None-Match': 'ETags the reader has already',
      Range: 'the bytes that are wanted, as bytes=100-199; all when several ranges are asked for',
      'If-Range': 'the ETag of the document that a part of is known: of another one all of it is sent',
    },
    status: 200,
    also: { 206: 'same', 304: 'empty' },
    response: z.unknown(),
    responseType: '*/*',
    responseHeaders: {
      ETag: 'the SHA-256 of the document',
      'Repr-Digest': 'the same, as RFC 9530 writes it',
      'Content-Digest': 'the same, where all of it is sent',
      'Content-Range': 'which bytes of how many these are, with 206 and 416',
    },
    errors: [
      'range-unsatisfiable',
      'attribute-invalid',
      'data-invalid',
      'not-found',
      'conflict',
      'object-behind',
      'owner-unavailable',
      'busy',
    ],
  },
  odataRoute(...ODATA_SERVICE_NAMES),
  {
    method: 'GET',
    path: '/v1/catalogue',
    summary: 'All event types by name, with schema and example',
    query: namePage,
    status: 200,
    response: catalogueShape,
    errors: ['data-invalid'],
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
    path: '/v1/catalogue/{type}/readers',
    summary: 'Who reads an event type: queues that want it, and consumer groups on its topic',
    status: 200,
    response: readersShape,
    errors: ['type-unknown', 'registry-unavailable', 'log-unavailable'],
  },
  {
    method: 'GET',
    path: '/v1/schemas/{id}',
    params: PARAMS.schema,
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
  ...channelRoutes,
  ...webhookRoutes,
  ...ledgerRoutes,
  ...identityRoutes,
  ...eventMeshRoutes,
];

export const gatewayOpenApi = openApiDocument(
  'Heddle gateway',
  'Events of business objects in and out, and the objects they speak of.',
  gatewayRoutes.map((route) => ({ ...route, errors: [...route.errors, 'rate-limited'] })),
);
