import { ETAG, PROBLEMS, REQUEST_HEADERS, listRoute } from '@heddle/mesh';
import { type RouteDoc, openApiDocument } from '@heddle/runtime';
import {
  approvalShape,
  deliveryShape,
  itemPatchShape,
  newItemShape,
  newOrderShape,
  orderPatchShape,
  orderShape,
} from './sales-order.shape.js';

const OF_ONE = ['object-gone', ...PROBLEMS.change] as const;

/** Every operation; a test holds them to the routes that really answer. */
const routes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/sales-orders',
    summary: 'Creates an order, under the number given or the next one',
    headers: REQUEST_HEADERS.create,
    body: newOrderShape,
    status: 201,
    response: orderShape,
    responseHeaders: { ...ETAG, location: 'The path of the order' },
    errors: ['reference-unknown', ...PROBLEMS.create],
  },
  listRoute('/sales-orders', 'orders', orderShape),
  {
    method: 'GET',
    path: '/sales-orders/{key}',
    summary: 'Reads an order; 304 when If-None-Match names its version; 410 with the last version as ETag once deleted',
    headers: REQUEST_HEADERS.read,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['object-gone', ...PROBLEMS.read],
  },
  {
    method: 'PATCH',
    path: '/sales-orders/{key}',
    summary: 'Changes the fields named; when none of them differs, nothing changes and nothing is raised',
    headers: REQUEST_HEADERS.mustMatch,
    body: orderPatchShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', 'reference-unknown', ...PROBLEMS.body, ...OF_ONE],
  },
  {
    method: 'DELETE',
    path: '/sales-orders/{key}',
    summary: 'Deletes an order that is not delivered; its version goes on rising',
    headers: REQUEST_HEADERS.mustMatch,
    status: 204,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/items',
    summary: 'Adds an item, under the number given or the next ten',
    headers: REQUEST_HEADERS.mayMatch,
    body: newItemShape,
    status: 201,
    response: orderShape,
    responseHeaders: { ...ETAG, location: 'The path of the item' },
    errors: ['conflict', ...PROBLEMS.body, ...OF_ONE],
  },
  {
    method: 'PATCH',
    path: '/sales-orders/{key}/items/{item}',
    summary: 'Changes the fields of an item that are named',
    headers: REQUEST_HEADERS.mustMatch,
    body: itemPatchShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...PROBLEMS.body, ...OF_ONE],
  },
  {
    method: 'DELETE',
    path: '/sales-orders/{key}/items/{item}',
    summary: 'Deletes an item',
    headers: REQUEST_HEADERS.mustMatch,
    status: 204,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/approval',
    summary: 'Sets the approval status: A in approval, B approved, C rejected, empty when none is needed',
    headers: REQUEST_HEADERS.mayMatch,
    body: approvalShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: [...PROBLEMS.body, ...OF_ONE],
  },
  {
    method: 'POST',
    path: '/sales-orders/{key}/delivery-status',
    summary:
      'Sets the delivery status: A not, B partly, C completely delivered, empty when there is nothing to deliver',
    headers: REQUEST_HEADERS.mayMatch,
    body: deliveryShape,
    status: 200,
    response: orderShape,
    responseHeaders: ETAG,
    errors: ['conflict', ...PROBLEMS.body, ...OF_ONE],
  },
];

export const salesOrderOpenApi = openApiDocument(
  'Heddle sales orders',
  'Sales orders with items, in the fields of S/4HANA. Every change raises events through the outbox.',
  routes,
);
