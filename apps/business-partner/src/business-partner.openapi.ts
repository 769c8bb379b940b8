import { ETAG, PROBLEMS, REQUEST_HEADERS, listRoute } from '@heddle/mesh';
import { odataRoute } from '@heddle/odata';
import { type RouteDoc, openApiDocument } from '@heddle/runtime';
import { newPartnerShape, partnerPatchShape, partnerShape } from './business-partner.shape.js';
import { partnerEntities } from './partner-entities.js';

/** Every operation; a test holds them to the routes that really answer. */
const routes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/business-partners',
    summary: 'Creates a person (category 1) or an organisation (2), under the number given or the next one',
    headers: REQUEST_HEADERS.create,
    body: newPartnerShape,
    status: 201,
    response: partnerShape,
    responseHeaders: { ...ETAG, location: 'The path of the partner' },
    errors: PROBLEMS.create,
  },
  listRoute('/business-partners', 'partners', partnerShape),
  {
    method: 'GET',
    path: '/business-partners/{key}',
    summary: 'Reads a partner; 304 when If-None-Match names its version',
    headers: REQUEST_HEADERS.read,
    status: 200,
    response: partnerShape,
    responseHeaders: ETAG,
    errors: PROBLEMS.read,
  },
  {
    method: 'PATCH',
    path: '/business-partners/{key}',
    summary:
      'Changes the fields named, blocks (BusinessPartnerIsBlocked) and marks for archiving who has no active contract (IsMarkedForArchiving); when none of them differs, nothing changes and nothing is raised',
    headers: REQUEST_HEADERS.mustMatch,
    body: partnerPatchShape,
    status: 200,
    response: partnerShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...PROBLEMS.body, ...PROBLEMS.change],
  },
  odataRoute(partnerEntities.name),
];

export const businessPartnerOpenApi = openApiDocument(
  'Heddle business partners',
  'Persons and organisations with addresses, roles, tax numbers, bank accounts and what they are as customers and suppliers, in the fields of S/4HANA. Every change raises events through the outbox.',
  routes,
);
