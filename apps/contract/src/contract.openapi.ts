import { ETAG, PROBLEMS, REQUEST_HEADERS, listRoute } from '@heddle/mesh';
import { type RouteDoc, openApiDocument } from '@heddle/runtime';
import { z } from 'zod';
import {
  contractPatchShape,
  contractShape,
  documentQueryShape,
  newContractShape,
  signingShape,
  terminationShape,
} from './contract.shape.js';

const DIGEST = 'The SHA-256 of the document, as sha-256=:base64: (RFC 9530)';

/** Every operation; a test holds them to the routes that really answer. */
const routes: readonly RouteDoc[] = [
  {
    method: 'POST',
    path: '/contracts',
    summary: 'Drafts a contract, under the number given or the next one',
    headers: REQUEST_HEADERS.create,
    body: newContractShape,
    status: 201,
    response: contractShape,
    responseHeaders: { ...ETAG, location: 'The path of the contract' },
    errors: ['reference-unknown', ...PROBLEMS.create],
  },
  listRoute('/contracts', 'contracts', contractShape),
  {
    method: 'GET',
    path: '/contracts/{key}',
    summary: 'Reads a contract; 304 when If-None-Match names its version',
    headers: REQUEST_HEADERS.read,
    status: 200,
    response: contractShape,
    responseHeaders: ETAG,
    errors: PROBLEMS.read,
  },
  {
    method: 'PATCH',
    path: '/contracts/{key}',
    summary: 'Changes the fields of a draft that are named; when none of them differs, nothing is raised',
    headers: REQUEST_HEADERS.mustMatch,
    body: contractPatchShape,
    status: 200,
    response: contractShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', 'reference-unknown', ...PROBLEMS.body, ...PROBLEMS.change],
  },
  {
    method: 'PUT',
    path: '/contracts/{key}/document',
    summary: 'Attaches the document of a draft, of any media type, in the place of the one before',
    headers: { 'content-digest': `${DIGEST}; what comes is held to it`, ...REQUEST_HEADERS.mayMatch },
    body: { '*/*': z.unknown().describe('the document') },
    status: 200,
    response: contractShape,
    responseHeaders: ETAG,
    errors: ['conflict', 'busy', ...PROBLEMS.body, ...PROBLEMS.change],
  },
  {
    method: 'GET',
    path: '/contracts/{key}/document',
    summary:
      'Reads the document or a part; 304 when If-None-Match names its hash, 409 when it is not the one with `sha256`',
    query: documentQueryShape,
    headers: {
      'if-none-match': 'The ETag of the document already known',
      range: 'The bytes that are wanted, as bytes=100-199; all when several ranges are asked for',
      'if-range': 'The ETag of the document that a part of is known: of another one all of it is sent',
    },
    status: 200,
    also: { 206: 'same', 304: 'empty' },
    response: z.unknown(),
    responseType: '*/*',
    responseHeaders: {
      etag: 'The SHA-256 of the document, in quotes',
      'repr-digest': DIGEST,
      'content-digest': 'The same, where all of it is sent',
      'content-range': 'Which bytes of how many these are, as bytes 100-199/5000, with 206 and 416',
      'accept-ranges': 'bytes',
    },
    errors: ['conflict', 'range-unsatisfiable', ...PROBLEMS.read],
  },
  {
    method: 'POST',
    path: '/contracts/{key}/signature',
    summary: 'Signs a contract that has a document; from then on neither changes',
    headers: REQUEST_HEADERS.mustMatch,
    body: signingShape,
    status: 200,
    response: contractShape,
    responseHeaders: ETAG,
    errors: ['precondition-required', 'conflict', ...PROBLEMS.body, ...PROBLEMS.change],
  },
  {
    method: 'POST',
    path: '/contracts/{key}/termination',
    summary: 'Terminates a signed contract',
    headers: REQUEST_HEADERS.mayMatch,
    body: terminationShape,
    status: 200,
    response: contractShape,
    responseHeaders: ETAG,
    errors: ['conflict', ...PROBLEMS.body, ...PROBLEMS.change],
  },
];

export const contractOpenApi = openApiDocument(
  'Heddle contracts',
  'Contracts that are drafted, signed with a document, and terminated. Every change raises events through the outbox.',
  routes,
);
