import { type Access, type Caller, callerOf } from '@heddle/auth';
import type { Problem } from '@heddle/event';
import { type HttpLimits, bytesParser } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerBatch } from './batch.js';
import { CSRF_HEADER, csrfTokenOf } from './csrf.js';
import { errorAnswer, formatOf } from './error-answer.js';
import { ODATA_PATH } from './model.js';
import type { ODataRequest } from './odata-request.js';
import type { ODataService } from './odata-service.js';

/** Whatever changes something is answered with what it has become; the right to change is asked for behind the door. */
const ACCESS: Access = { verb: 'fetch', kind: 'type' };
const READS = ['GET', 'OPTIONS'];
const CHANGES = ['POST', 'PUT', 'PATCH', 'MERGE', 'DELETE'];

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Routes of OData services below a path, such as `/sap/opu/odata/sap/:service`. Bodies come as bytes, for batches are no
 * JSON; whatever is refused on the way to the handler is answered in V2's shape.
 */
export function odataRoutes(server: FastifyInstance, path: string, limits: HttpLimits, handler: Handler): void {
  server.addHttpMethod('MERGE', { hasBody: true, overrideExisting: true });
  void server.register((scope, _options, ready) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, bytesParser(limits));
    scope.addHook('onSend', async (request, reply, payload) => inShapeOfV2(request, reply, payload));
    const config = { access: ACCESS };
    scope.route({ method: READS, url: path, config, handler });
    scope.route({ method: READS, url: `${path}/*`, config, handler });
    scope.route({ method: CHANGES, url: `${path}/*`, config, handler });
    ready();
  });
}

/**
 * Serves an OData service under its path on S/4HANA.
 *
 * @param mustBeAllowedToChange throws `permission-missing` for whom may not publish what changes raise
 */
export function serveOData<S>(
  server: FastifyInstance,
  service: ODataService<S>,
  { limits, mustBeAllowedToChange }: { limits: HttpLimits; mustBeAllowedToChange: (caller: Caller) => void },
): void {
  const path = `${ODATA_PATH}/${service.name}`;
  const callerFor = (request: FastifyRequest) => ({
    csrfToken: csrfTokenOf(request.headers.authorization),
    mustBeAllowedToChange: () => mustBeAllowedToChange(callerOf(request)),
  });
  odataRoutes(server, path, limits, async (request, reply) => {
    const wish = requestOf(request, path);
    const caller = callerFor(request);
    const isBatch = wish.method === 'POST' && isBatchUrl(wish.url);
    const { status, headers, body } = await (isBatch
      ? answerBatch(service, wish, caller)
      : service.answer(wish, caller));
    return reply.status(status).headers(headers).send(body);
  });
}

/** Whether a URL below a service is that of its batches. */
export function isBatchUrl(below: string): boolean {
  return /^\/(?:\$|%24)batch\/?(?:\?|$)/i.test(below);
}

function requestOf(request: FastifyRequest, path: string): ODataRequest {
  const { method, url, headers, body } = request;
  return {
    method,
    url: url.slice(path.length),
    headers: headers as Record<string, string | undefined>,
    body: body as Buffer | undefined,
    root: `${originOf(request)}${path}`,
  };
}

const HOST = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](?::\d{1,5})?$/;

/** As the client has reached this, or a gateway before it; links in answers begin with it. */
export function originOf({ headers, protocol, host }: Pick<FastifyRequest, 'headers' | 'protocol' | 'host'>): string {
  const [forwardedHost, forwardedProtocol] = [headers['x-forwarded-host'], headers['x-forwarded-proto']];
  const name = typeof forwardedHost === 'string' && HOST.test(forwardedHost) ? forwardedHost : host;
  const scheme = forwardedProtocol === 'https' || forwardedProtocol === 'http' ? forwardedProtocol : protocol;
  return `${scheme}://${HOST.test(name) ? name : 'localhost'}`;
}

/** A problem (RFC 9457), as whoever refuses a request on its way writes it, is an error of V2 to its clients. */
function inShapeOfV2(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  const type = reply.getHeader('content-type');
  if (typeof payload !== 'string' || typeof type !== 'string' || !type.startsWith('application/problem+json')) {
    return payload;
  }
  const problem = JSON.parse(payload) as Problem;
  const { contentType, body } = errorAnswer(problem, formatOf(request.url, request.headers.accept));
  if (problem.field === CSRF_HEADER) void reply.header(CSRF_HEADER, 'Required');
  void reply.header('content-type', contentType).header('content-length', Buffer.byteLength(body));
  return body;
}
