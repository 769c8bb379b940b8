import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { IF_MATCH, IF_NONE_MATCH, PARAMS } from '../../parameters.openapi.js';
import { namePage } from '../../management/name-page.js';
import { CONSENT_TOKEN } from './handshake.js';
import { testViewShape, webhookViewShape } from './webhook-view.js';
import { rotateShape, testShape, webhookShape } from './webhook.shape.js';

const ETAG = { ETag: 'the version of the webhook; consent and deliveries do not change it' };
const CHANGE_ERRORS = [
  'parameter-invalid',
  'not-found',
  'precondition-failed',
  'queue-elsewhere',
  'log-unavailable',
] as const;
const consentShape = z.object({ webhook: z.string(), state: z.string() });
const CONSENT = {
  path: '/v1/webhooks/handshake/{token}',
  params: { token: z.string().regex(CONSENT_TOKEN) },
  isPublic: true,
  summary: 'A receiver gives its consent late (CloudEvents HTTP WebHook §4.1.2)',
  headers: { 'WebHook-Allowed-Rate': 'requests a minute, or * for any' },
  status: 200,
  response: consentShape,
  errors: ['parameter-invalid', 'not-found', 'queue-elsewhere', 'log-unavailable'],
} as const;

/** The management of webhooks, as the OpenAPI document shows it. */
export const webhookRoutes: readonly RouteDoc[] = [
  {
    method: 'GET',
    path: '/v1/webhooks',
    summary: 'All webhooks by name, with the state of their delivery',
    query: namePage,
    status: 200,
    response: z.object({
      webhooks: z.array(webhookViewShape),
      next: z.string().optional().describe('where the next page goes on'),
    }),
    errors: ['data-invalid'],
  },
  {
    method: 'GET',
    path: '/v1/webhooks/{name}',
    summary: 'One webhook; secrets and credentials are masked',
    params: PARAMS.webhook,
    status: 200,
    response: webhookViewShape,
    responseHeaders: ETAG,
    errors: ['parameter-invalid', 'not-found', 'queue-elsewhere'],
  },
  {
    method: 'PUT',
    path: '/v1/webhooks/{name}',
    summary: 'Create a webhook, or change one; changing keeps its position, and masked values keep what is stored',
    params: PARAMS.webhook,
    headers: { ...IF_MATCH, ...IF_NONE_MATCH },
    body: webhookShape,
    status: 201,
    also: { 200: 'same' },
    response: webhookViewShape,
    responseHeaders: ETAG,
    errors: [
      'body-invalid',
      'data-invalid',
      'receiver-forbidden',
      'filter-invalid',
      'conflict',
      'quota-exceeded',
      'queue-unchangeable',
      ...CHANGE_ERRORS,
    ],
  },
  {
    method: 'DELETE',
    path: '/v1/webhooks/{name}',
    summary: 'Delete a webhook, and the queue it brought with its position; a queue that it named stays',
    params: PARAMS.webhook,
    headers: IF_MATCH,
    status: 204,
    errors: CHANGE_ERRORS,
  },
  {
    method: 'POST',
    path: '/v1/webhooks/{name}/pause',
    summary: 'Deliver nothing until resumed; every event is kept',
    params: PARAMS.webhook,
    headers: IF_MATCH,
    status: 200,
    response: webhookViewShape,
    responseHeaders: ETAG,
    errors: CHANGE_ERRORS,
  },
  {
    method: 'POST',
    path: '/v1/webhooks/{name}/resume',
    summary: 'Go on after a pause or after it was disabled; asks again for consent that was refused or did not come',
    params: PARAMS.webhook,
    headers: IF_MATCH,
    status: 200,
    response: webhookViewShape,
    responseHeaders: ETAG,
    errors: CHANGE_ERRORS,
  },
  {
    method: 'POST',
    path: '/v1/webhooks/{name}/secrets/rotate',
    summary: 'Add a secret, shown once as `secret`; those of its kind go on signing for the overlap',
    params: PARAMS.webhook,
    headers: IF_MATCH,
    body: rotateShape,
    status: 200,
    response: webhookViewShape,
    responseHeaders: ETAG,
    errors: ['body-invalid', 'data-invalid', 'conflict', ...CHANGE_ERRORS],
  },
  {
    method: 'POST',
    path: '/v1/webhooks/{name}/test',
    summary: 'Send an example of the catalogue or a stored event now, marked `heddle-test: true`; nothing is settled',
    params: PARAMS.webhook,
    body: testShape,
    status: 200,
    response: testViewShape,
    errors: [
      'body-invalid',
      'data-invalid',
      'parameter-invalid',
      'not-found',
      'type-unknown',
      'conflict',
      'queue-elsewhere',
      'credentials-unavailable',
      'registry-unavailable',
    ],
  },
  { method: 'GET', ...CONSENT },
  { method: 'POST', ...CONSENT },
];
