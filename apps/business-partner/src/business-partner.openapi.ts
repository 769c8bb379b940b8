import type { ErrorCode } from '@heddle/event';
import { type RouteDoc, openApiDocument } from '@heddle/runtime';
import {
  listQueryShape,
  listShape,
  newPartnerShape,
  partnerPatchShape,
  partnerShape,
} from './business-partner.shape.js';

const COMMON = ['data-invalid', 'store-unavailable'] as const satisfies readonly ErrorCode[];
const BODY = ['body-invalid', 'content-type-unsupported', 'too-large'] as const satisfies readonly ErrorCode[];
const ETAG = { etag: 'The version of the partner after the change, in quotes' };
const TRACING = {
  'x-correlation-id': 'Carried on by the events of the change',
  'x-causation-id': 'Carried on by the events of the change',
  traceparent: 'W3C Trace Context, carried on by the events of the change',
};

/** Every operation of this service; a test holds it to the routes that really answer. */
export const routes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/business-partners',
    summary: 'Creates a person (category 1) or an organisation (2), under the number given or the next one',
    headers: TRACING,
    body: newPartnerShape,
    status: 201,
    response: partnerShape,
    responseHeaders: { ...ETAG, location: 'The path of the partner' },
    errors: ['conflict', ...BODY, ...COMMON],
  },
  {
    method: 'GET',
    path: '/business-partners',
    summary: 'Lists the partners by number; `next` is the path of the following page',
    query: listQueryShape,
    status: 200,
    response: listShape,
    responseHeaders: { link: 'The following page, as rel="next"' },
    errors: COMMON,
  },
  {
    method: 'GET',
    path: '/business-partners/{key}',
    summary: 'Reads a partner; 304 when If-None-Match names its version',
    headers: { 'if-none-match': 'The ETag of the version already known' },
    status: 200,
    response: partnerShape,
    responseHeaders: { etag: 'The version of the partner, in quotes' },
    errors: ['not-found', ...COMMON],
  },
  {
    method: 'PATCH',
    path: '/business-partners/{key}',
    summary:
      'Changes the fields named, blocks (BusinessPartnerIsBlocked) and marks for archiving (IsMarkedForArchiving); when none of them differs, nothing changes and nothing is raised',
    headers: { 'if-match': 'The ETag of the version to change, or * for any; required', ...TRACING },
    body: partnerPatchShape,
    status: 200,
    response: partnerShape,
    responseHeaders: ETAG,
    errors: ['not-found', 'precondition-required', 'precondition-failed', 'conflict', ...BODY, ...COMMON],
  },
];

export const businessPartnerOpenApi = openApiDocument(
  'Heddle business partners',
  'Persons and organisations with addresses and e-mails, in the fields of S/4HANA. Every change raises events through the outbox.',
  routes,
);
