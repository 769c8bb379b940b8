import type { RouteDoc } from '@heddle/runtime';
import { z } from 'zod';
import { IF_MATCH, IF_NONE_MATCH, PARAMS } from '../parameters.openapi.js';
import {
  clientShape,
  clientViewShape,
  madeTenantShape,
  newSecretShape,
  rotateSecretShape,
  serviceKeyShape,
  tenantShape,
  tenantViewShape,
  ticketRequestShape,
  ticketShape,
} from './clients.shape.js';

const ETAG = { ETag: 'the version of the client' };
const LISTED = ['token-missing', 'token-invalid', 'permission-missing'] as const;
const ONE = [...LISTED, 'parameter-invalid', 'not-found'] as const;
const CHANGE = [...ONE, 'precondition-failed', 'log-unavailable'] as const;

const tokenShape = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string(),
});

const tokenFormShape = z.object({
  grant_type: z.literal('client_credentials'),
  scope: z.string().optional().describe('fewer permissions than the client has'),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  client_assertion_type: z.string().optional(),
  client_assertion: z.string().optional().describe('a JWT signed with a registered key (RFC 7523)'),
});

/** As RFC 6749 §5.2 has it. */
const REFUSALS = {
  statuses: [400, 401, 500, 503],
  shape: z.object({ error: z.string(), error_description: z.string() }),
};

const metadataShape = z.looseObject({ issuer: z.string(), token_endpoint: z.string(), jwks_uri: z.string() });

/** Every operation on clients, tenants and tokens, as the OpenAPI document shows it. */
export const identityRoutes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/oauth/token',
    summary: 'An access token for client credentials (RFC 6749); refusals are as its section 5.2 says',
    isPublic: true,
    headers: { Authorization: 'Basic, with client id and secret; or they stand in the body' },
    body: { 'application/x-www-form-urlencoded': tokenFormShape },
    status: 200,
    response: tokenShape,
    errors: [],
    refusals: REFUSALS,
  },
  {
    method: 'GET',
    path: '/oauth/token',
    summary: 'The same for older clients, with Basic; a secret in a URL is refused',
    isPublic: true,
    query: z.object({ grant_type: z.literal('client_credentials'), scope: z.string().optional() }),
    headers: { Authorization: 'Basic, with client id and secret' },
    status: 200,
    response: tokenShape,
    errors: [],
    refusals: REFUSALS,
  },
  {
    method: 'GET',
    path: '/.well-known/jwks.json',
    summary: 'The public keys of access tokens (RFC 7517)',
    isPublic: true,
    status: 200,
    response: z.object({ keys: z.array(z.looseObject({})) }),
    responseType: 'application/jwk-set+json',
    errors: [],
  },
  {
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    summary: 'Where tokens come from (RFC 8414)',
    isPublic: true,
    status: 200,
    response: metadataShape,
    errors: [],
  },
  {
    method: 'GET',
    path: '/.well-known/openid-configuration',
    summary: 'The same, for those who look here',
    isPublic: true,
    status: 200,
    response: metadataShape,
    errors: [],
  },
  {
    method: 'GET',
    path: '/v1/clients',
    summary: 'The clients of the tenant that the caller manages',
    status: 200,
    response: z.object({ clients: z.array(clientViewShape) }),
    errors: LISTED,
  },
  {
    method: 'GET',
    path: '/v1/clients/{client}',
    summary: 'One client',
    params: PARAMS.client,
    status: 200,
    response: clientViewShape,
    responseHeaders: ETAG,
    errors: ONE,
  },
  {
    method: 'PUT',
    path: '/v1/clients/{client}',
    summary: 'Make a client, whose secret is shown once, or change one; a change of its rights ends its tokens',
    params: PARAMS.client,
    headers: { ...IF_MATCH, ...IF_NONE_MATCH },
    body: clientShape,
    status: 201,
    also: { 200: 'same' },
    response: clientViewShape,
    responseHeaders: ETAG,
    errors: [
      ...LISTED,
      'parameter-invalid',
      'permission-invalid',
      'data-invalid',
      'conflict',
      'precondition-failed',
      'busy',
      'log-unavailable',
    ],
  },
  {
    method: 'DELETE',
    path: '/v1/clients/{client}',
    summary: 'Delete a client; its tokens are refused from then on',
    params: PARAMS.client,
    headers: IF_MATCH,
    status: 204,
    errors: [...CHANGE, 'conflict'],
  },
  {
    method: 'POST',
    path: '/v1/clients/{client}/secrets',
    summary: 'A new secret, shown once; the one so far ends after the overlap',
    params: PARAMS.client,
    headers: IF_MATCH,
    body: rotateSecretShape,
    status: 201,
    response: newSecretShape,
    errors: [...CHANGE, 'data-invalid', 'busy'],
  },
  {
    method: 'DELETE',
    path: '/v1/clients/{client}/secrets/{id}',
    summary: 'Take a secret, and the tokens the client has',
    params: PARAMS.client,
    headers: IF_MATCH,
    status: 204,
    errors: CHANGE,
  },
  {
    method: 'GET',
    path: '/v1/clients/{client}/service-key',
    summary: 'All the client needs, in one document, without a secret',
    params: PARAMS.client,
    status: 200,
    response: serviceKeyShape,
    errors: ONE,
  },
  {
    method: 'POST',
    path: '/v1/clients/{client}/service-key',
    summary: 'The same with a new secret, shown once',
    params: PARAMS.client,
    headers: IF_MATCH,
    body: rotateSecretShape,
    status: 201,
    response: serviceKeyShape,
    errors: [...CHANGE, 'data-invalid', 'busy'],
  },
  {
    method: 'GET',
    path: '/v1/tenants',
    summary: 'The tenants that the caller manages',
    status: 200,
    response: z.object({ tenants: z.array(tenantViewShape) }),
    errors: LISTED,
  },
  {
    method: 'PUT',
    path: '/v1/tenants/{tenant}',
    summary: 'Make a tenant, with an administrator whose service key is shown once',
    params: PARAMS.tenant,
    body: tenantShape,
    status: 201,
    response: madeTenantShape,
    errors: [...LISTED, 'parameter-invalid', 'data-invalid', 'conflict', 'busy', 'log-unavailable'],
  },
  {
    method: 'DELETE',
    path: '/v1/tenants/{tenant}',
    summary: 'Delete a tenant that has nothing any more; its name is not given again',
    params: PARAMS.tenant,
    status: 204,
    errors: [...ONE, 'conflict', 'log-unavailable'],
  },
  {
    method: 'POST',
    path: '/v1/tickets',
    summary: 'A ticket that opens one WebSocket or event stream, once, for a page that can send no header',
    body: ticketRequestShape,
    status: 201,
    response: ticketShape,
    errors: ['token-missing', 'token-invalid', 'data-invalid', 'log-unavailable'],
  },
];
