import type { ErrorCode } from '@heddle/event';
import { type RouteDoc, openApiDocument } from '@heddle/runtime';
import {
  approvalShape,
  deliveryShape,
  itemPatchShape,
  listQueryShape,
  listShape,
  newItemShape,
  newOrderShape,
  orderPatchShape,
  orderShape,
} from './sales-order.shape.js';

const COMMON = ['data-invalid', 'store-unavailable'] as const satisfies readonly ErrorCode[];
const BODY = ['body-invalid', 'content-type-unsupported', 'too-large'] as const satisfies readonly ErrorCode[];
const OF_ONE = ['not-found', 'object-gone', 'precondition-failed', ...COMMON] as const satisfies readonly ErrorCode[];
const ETAG = { etag: 'The version of the order after the change, in quotes' };
const TRACING = {
  'x-correlation-id': 'Carried on by the events of the change',
  'x-causation-id': 'Carried on by the events of the change',
  traceparent: 'W3C Trace Context, carried on by the events of the change',
};
const IF_MATCH = { 'if-match': 'The ETag of the version to change, or * for any; required', ...TRACING };
const MAY_MATCH = { 'if-match': 'The ETag of the version to change; any when not sent', ...TRACING };

/** Every operation of this service; a test holds it to the routes that really answer. */
export const routes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/sales-orders',
    summary: 'Creates an order, under the number given or the next one',
    headers: TRACING,
    body: newOrderShape,
    status: 201,
    response: orderShape,
    responseHeaders: { ...ETAG, location: 'The path of the order' },
    errors: ['conflict', 'reference-unknown', ...BODY, ...COMMON],
  },
  {
    method: 'GET',
    path: '/sales-orders',
    summary: 'Lists the orders by number; `next` is the path of the following page',
    query: listQueryShape,
    status: 200,
    response: listShape,
    responseHeaders: { link: 'The following page, as rel="next"' },
    errors: COMMON,
  },
  {
    method: 'GET',
    path: '/sales-orders/{key}',
    summary: 'Reads an order; 304 when If-None-Match names its version; 410 with the last version as ETag once deleted',
    headers: { 'if-none-match': 'The ETag of the version already known' },
    status: 200,
    response: orderShape,
    responseHeaders: { etag: 'The version of the order, in quotes' },
    errors: ['not-found', 'object-gone', ...COMMON],
  },
  {
    method: 'PATCH',
    path: '/sales-orders/{key}',
    summary: 'Changes the fields named; when none of them differs, nothing changes and nothing is raised',
    headers: IF_MATCH,
    body: orderPatchShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', 'reference-unknown', ...BODY, ...OF_ONE],
  },
  {
    method: 'DELETE',
    path: '/sales-orders/{key}',
    summary: 'Deletes an order that is not delivered; its version goes on rising',
    headers: IF_MATCH,
    status: 204,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/items',
    summary: 'Adds an item, under the number given or the next ten',
    headers: MAY_MATCH,
    body: newItemShape,
    status: 201,
    response: orderShape,
    responseHeaders: { ...ETAG, location: 'The path of the item' },
    errors: ['conflict', ...BODY, ...OF_ONE],
  },
  {
    method: 'PATCH',
    path: '/sales-orders/{key}/items/{item}',
    summary: 'Changes the fields of an item that are named',
    headers: IF_MATCH,
    body: itemPatchShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...BODY, ...OF_ONE],
  },
  {
    method: 'DELETE',
    path: '/sales-orders/{key}/items/{item}',
    summary: 'Deletes an item',
    headers: IF_MATCH,
    status: 204,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/approval',
    summary: 'Sets the approval status: A in approval, B approved, C rejected, empty when none is needed',
    headers: MAY_MATCH,
    body: approvalShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: [...BODY, ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/delivery-status',
    summary:
      'Sets the delivery status: A not, B partly, C completely delivered, empty when there is nothing to deliver',
    headers: MAY_MATCH,
    body: deliveryShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['conflict', ...BODY, ...OF_ONE],
  },
];

export const salesOrderOpenApi = openApiDocument(
  'Heddle sales orders',
  'Sales orders with items, in the fields of S/4HANA. Every change raises events through the outbox.',
  routes,
);
