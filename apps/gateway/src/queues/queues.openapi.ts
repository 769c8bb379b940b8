import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { IF_MATCH, IF_NONE_MATCH, PARAMS } from '../parameters.openapi.js';
import { namePage } from '../management/name-page.js';
import { receiveShape, receivedShape, settleShape, settledShape } from '../protocols/pull/pull.shape.js';
import { lentAnswerShape, lentShape } from '../protocols/pull/lent.shape.js';
import { groupShape } from '../protocols/mqtt/share.shape.js';
import { lettersShape } from './place-letters.js';
import { queueViewShape } from './queue-view.js';
import { purgeShape, queueShape } from './queue.shape.js';
import { testEventsAnswer, testEventsShape } from './test-events.js';

const ETAG = { ETag: 'the version of the definition; statistics do not change it' };
const CHANGE = ['parameter-invalid', 'not-found', 'queue-elsewhere', 'log-unavailable'] as const;

/** Every operation on queues, as the OpenAPI document shows it. */
export const queueRoutes: readonly RouteDoc[] = [
  {
    method: 'GET',
    path: '/v1/queues',
    summary: 'All queues by name; statistics of those at work at the instance that answers',
    query: namePage,
    status: 200,
    response: z.object({
      queues: z.array(queueViewShape),
      next: z.string().optional().describe('where the next page goes on'),
    }),
    errors: ['data-invalid'],
  },
  {
    method: 'GET',
    path: '/v1/queues/{name}',
    summary: 'One queue, with its statistics',
    params: PARAMS.name,
    status: 200,
    response: queueViewShape,
    responseHeaders: ETAG,
    errors: ['parameter-invalid', 'not-found', 'queue-elsewhere'],
  },
  {
    method: 'PUT',
    path: '/v1/queues/{name}',
    summary: 'Make a queue, or change one; changing keeps its position, and what cannot be changed is refused',
    params: PARAMS.name,
    headers: { ...IF_MATCH, ...IF_NONE_MATCH },
    body: queueShape,
    status: 201,
    also: { 200: 'same' },
    response: queueViewShape,
    responseHeaders: ETAG,
    errors: [
      'parameter-invalid',
      'data-invalid',
      'filter-invalid',
      'conflict',
      'quota-exceeded',
      'queue-unchangeable',
      'precondition-failed',
      'queue-elsewhere',
      'log-unavailable',
    ],
  },
  {
    method: 'DELETE',
    path: '/v1/queues/{name}',
    summary: 'Delete a queue, its position and what it holds; its dead letters stay',
    params: PARAMS.name,
    headers: IF_MATCH,
    status: 204,
    errors: [...CHANGE, 'conflict', 'precondition-failed'],
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/pause',
    summary: 'Lease nothing until resumed; events are kept, leases that are out may be settled',
    params: PARAMS.name,
    status: 200,
    response: queueViewShape,
    responseHeaders: ETAG,
    errors: CHANGE,
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/resume',
    summary: 'Go on after a pause',
    params: PARAMS.name,
    status: 200,
    response: queueViewShape,
    responseHeaders: ETAG,
    errors: CHANGE,
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/purge',
    summary: 'Drop what was appended before a time, in whatever state it is',
    params: PARAMS.name,
    body: purgeShape,
    status: 200,
    response: queueViewShape,
    responseHeaders: ETAG,
    errors: [...CHANGE, 'data-invalid'],
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/test-events',
    summary: 'Put samples of event types into this queue alone, schema-valid and marked `heddletest: true`',
    params: PARAMS.name,
    body: testEventsShape,
    status: 202,
    response: testEventsAnswer,
    errors: [...CHANGE, 'data-invalid', 'type-unknown', 'conflict'],
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/receive',
    summary: 'Lease deliveries; waits for the first one as long as asked for',
    params: PARAMS.name,
    body: receiveShape.prefault({}),
    status: 200,
    response: receivedShape,
    errors: ['parameter-invalid', 'body-invalid', 'data-invalid', 'not-found', 'queue-elsewhere'],
  },
  {
    method: 'POST',
    path: '/v1/queues/{name}/settle',
    summary: 'Accept, release, reject or renew leases, each answered; the answer comes when all of it is durable',
    params: PARAMS.name,
    body: settleShape,
    status: 200,
    response: settledShape,
    errors: ['parameter-invalid', 'body-invalid', 'data-invalid', 'not-found', 'queue-elsewhere', 'log-unavailable'],
  },
  {
    method: 'POST',
    path: '/v1/tenants/{tenant}/queues/{name}/letters',
    summary: 'Between instances: give dead letters back to the queue, as a redrive says; durable when answered',
    params: { ...PARAMS.tenant, ...PARAMS.name },
    body: lettersShape,
    status: 204,
    errors: [
      'permission-missing',
      'parameter-invalid',
      'data-invalid',
      'not-found',
      'queue-elsewhere',
      'log-unavailable',
    ],
  },
  {
    method: 'POST',
    path: '/v1/tenants/{tenant}/queues/{name}/leases',
    summary: 'Between instances: leases for a connection there; settlements are durable when answered',
    params: { ...PARAMS.tenant, ...PARAMS.name },
    body: lentShape,
    status: 200,
    response: lentAnswerShape,
    errors: [
      'permission-missing',
      'parameter-invalid',
      'body-invalid',
      'data-invalid',
      'not-found',
      'queue-elsewhere',
      'log-unavailable',
    ],
  },
  {
    method: 'POST',
    path: '/v1/tenants/{tenant}/queues/{name}/group',
    summary: 'Between instances: make or delete the queue of a group of MQTT sessions; durable when answered',
    params: { ...PARAMS.tenant, ...PARAMS.name },
    body: groupShape,
    status: 204,
    errors: ['permission-missing', 'data-invalid', 'quota-exceeded', 'queue-elsewhere', 'log-unavailable'],
  },
];
