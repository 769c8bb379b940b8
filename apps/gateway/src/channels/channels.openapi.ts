import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { monitorQuery, queueEventsQuery, queueEventsShape, redriveShape } from '../ledger/ledger.shape.js';
import { namePage } from '../management/name-page.js';
import { IF_MATCH, IF_NONE_MATCH, PARAMS } from '../parameters.openapi.js';
import { testEventsAnswer, testEventsShape } from '../queues/test-events.js';
import { channelCheckShape, channelMonitorShape, channelShape, channelViewShape, retryShape } from './channel.shape.js';

const ETAG = { ETag: 'the version of the definition; statistics do not change it' };
const READ = ['parameter-invalid', 'not-found', 'queue-elsewhere'] as const;
const CHANGE = [...READ, 'log-unavailable'] as const;
const one = { params: PARAMS.name, status: 200 } as const;

/** Every operation on channels, as the OpenAPI document shows it. */
export const channelRoutes: readonly RouteDoc[] = [
  {
    method: 'GET',
    path: '/v1/channels',
    summary: 'All channels by name; statistics of those at work at the instance that answers',
    query: namePage,
    status: 200,
    response: z.object({
      channels: z.array(channelViewShape),
      next: z.string().optional().describe('where the next page goes on'),
    }),
    errors: ['data-invalid'],
  },
  {
    method: 'GET',
    path: '/v1/channels/{name}',
    summary: 'One channel, with the statistics of its queue',
    ...one,
    response: channelViewShape,
    responseHeaders: ETAG,
    errors: READ,
  },
  {
    method: 'GET',
    path: '/v1/channels/{name}/asyncapi',
    summary: 'The AsyncAPI 3.0 document of a channel: where its events are received, and those types that are bound',
    ...one,
    response: z.looseObject({ asyncapi: z.string() }),
    errors: READ,
  },
  {
    method: 'PUT',
    path: '/v1/channels/{name}',
    summary: 'Make a channel, which is a queue of its name, or change one; changing keeps its position',
    params: PARAMS.name,
    headers: { ...IF_MATCH, ...IF_NONE_MATCH },
    body: channelShape,
    status: 201,
    also: { 200: 'same' },
    response: channelViewShape,
    responseHeaders: ETAG,
    errors: [
      ...(['parameter-invalid', 'data-invalid', 'type-unknown', 'conflict', 'quota-exceeded'] as const),
      ...(['queue-unchangeable', 'precondition-failed', 'queue-elsewhere'] as const),
      ...(['log-unavailable', 'registry-unavailable'] as const),
    ],
  },
  {
    method: 'DELETE',
    path: '/v1/channels/{name}',
    summary: 'Delete a channel, its position and what it holds; its dead letters stay',
    params: PARAMS.name,
    headers: IF_MATCH,
    status: 204,
    errors: [...CHANGE, 'conflict', 'precondition-failed'],
  },
  {
    method: 'POST',
    path: '/v1/channels/{name}/activate',
    summary: 'Let events leave again after it was deactivated',
    ...one,
    response: channelViewShape,
    responseHeaders: ETAG,
    errors: CHANGE,
  },
  {
    method: 'POST',
    path: '/v1/channels/{name}/deactivate',
    summary: 'Let nothing leave until it is activated; events are kept, leases that are out may be settled',
    ...one,
    response: channelViewShape,
    responseHeaders: ETAG,
    errors: CHANGE,
  },
  {
    method: 'GET',
    path: '/v1/channels/{name}/check',
    summary: 'Whether events leave it: activation, consent of the receivers of its webhooks, last success and failure',
    ...one,
    response: channelCheckShape,
    errors: READ,
  },
  {
    method: 'POST',
    path: '/v1/channels/{name}/test-events',
    summary: 'Put samples of its event types into this channel alone, schema-valid and marked `heddletest: true`',
    params: PARAMS.name,
    body: testEventsShape,
    status: 202,
    response: testEventsAnswer,
    errors: [...CHANGE, 'data-invalid', 'type-unknown', 'conflict'],
  },
  {
    method: 'GET',
    path: '/v1/channels/{name}/monitor',
    summary: 'What became of its events, counted by binding',
    ...one,
    query: monitorQuery,
    response: channelMonitorShape,
    errors: [...READ, 'data-invalid'],
  },
  {
    method: 'GET',
    path: '/v1/channels/{name}/events',
    summary: 'Its events one by one, of all or of one status, the newest first',
    ...one,
    query: queueEventsQuery,
    response: queueEventsShape,
    errors: [...READ, 'data-invalid'],
  },
  {
    method: 'POST',
    path: '/v1/channels/{name}/retry',
    summary: 'Put its dead letters back into it: all open ones, those of a type, or by their ids',
    params: PARAMS.name,
    body: retryShape,
    status: 202,
    also: { 200: 'same' },
    response: redriveShape,
    responseHeaders: { Location: 'the redrive, where one was begun' },
    errors: [...CHANGE, 'data-invalid', 'index-behind'],
  },
];
