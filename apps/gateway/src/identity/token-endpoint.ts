import { type Caller, Permissions, type SigningKey, issueAccessToken } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import type { Log } from '@heddle/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClientAuthentication } from './client-authentication.js';
import { shownCertificate } from './client-certificate.js';
import { type ClientRecord, clientIdOf } from './client.js';
import { TokenRefusal } from './token-refusal.js';

export interface TokenEndpointParts {
  authentication: ClientAuthentication;
  keys: { current(): SigningKey };
  issuer: string;
  audience: string;
  lifeSeconds: number;
  /** Throws when somebody asks too often. */
  admit?: (request: FastifyRequest, reply: FastifyReply) => void;
  log: Log;
}

const MAX_BODY = 16 * 1024;
const FORM = 'application/x-www-form-urlencoded';
/** What must never stand in a URL, which logs and proxies keep. */
const NOT_IN_URLS = ['client_secret', 'client_assertion', 'password', 'access_token'];

/**
 * `/oauth/token`: access tokens for client credentials (RFC 6749 §4.4), by POST, and by GET with Basic as clients of
 * older services do.
 */
export class TokenEndpoint {
  constructor(private readonly parts: TokenEndpointParts) {}

  /** Adds its routes. */
  open(server: FastifyInstance): void {
    void server.register((scope, _options, ready) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_BODY }, (_request, body, done) =>
        done(null, body),
      );
      // Everything else that may come is answered in the way of OAuth.
      scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_BODY }, (_request, _body, done) =>
        done(null, undefined),
      );
      scope.setErrorHandler((_error, _request, reply) =>
        this.#refuse(reply, new TokenRefusal('invalid_request', `the body is ${FORM}, up to ${MAX_BODY} bytes`)),
      );
      const config = { access: 'public' } as const;
      scope.post('/oauth/token', { config, bodyLimit: MAX_BODY }, (request, reply) => this.#answer(request, reply));
      scope.get('/oauth/token', { config, exposeHeadRoute: false }, (request, reply) => this.#answer(request, reply));
      ready();
    });
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    try {
      this.parts.admit?.(request, reply);
      const query = parametersOf(request.url.split('?').slice(1).join('?'));
      for (const name of NOT_IN_URLS) {
        if (!query.has(name)) continue;
        throw new TokenRefusal('invalid_request', `${name} must not stand in a URL: send it in the body or as Basic`);
      }
      const body = typeof request.body === 'string' ? request.body : '';
      const form = request.method === 'GET' ? query : parametersOf(body);
      const grantType = form.get('grant_type');
      if (grantType === undefined)
        throw new TokenRefusal(
          'invalid_request',
          'grant_type is missing in the form (application/x-www-form-urlencoded)',
        );
      if (grantType !== 'client_credentials') {
        throw new TokenRefusal('unsupported_grant_type', 'grant_type is client_credentials');
      }
      const { authorization } = request.headers;
      if (request.method === 'GET' && authorization === undefined) {
        throw new TokenRefusal('invalid_client', 'by GET, authenticate with Basic');
      }
      const claim = { authorization, form, certificate: shownCertificate(request) };
      const client = await this.parts.authentication.authenticate(claim);
      return await noStore(reply).send(await this.#issue(client, form.get('scope')));
    } catch (error) {
      return this.#refuse(reply, error);
    }
  }

  async #issue(client: ClientRecord, scope: string | undefined): Promise<object> {
    const { issuer, audience, lifeSeconds, keys } = this.parts;
    const permissions = narrowed(Permissions.of(client.permissions), scope);
    const caller: Omit<Caller, 'expiresAt'> = {
      tenant: client.tenant,
      namespace: client.namespace,
      client: client.client,
      permissions,
      grantedAt: client.validFrom,
    };
    const grant = { issuer, audience, clientId: clientIdOf(client), caller, lifeSeconds };
    return {
      access_token: await issueAccessToken(grant, keys.current()),
      token_type: 'Bearer',
      expires_in: lifeSeconds,
      scope: permissions.scope,
    };
  }

  #refuse(reply: FastifyReply, error: unknown): FastifyReply {
    const refusal = refusalOf(error);
    if (refusal === undefined) this.parts.log.error({ event: 'token-failed', err: error }, 'no token could be issued');
    const { code, status, message } = refusal ?? { code: 'server_error', status: 500, message: 'see the log' };
    // RFC 6749 §5.2 asks for the scheme that was tried; Basic is the one that has a header.
    if (status === 401) void reply.header('www-authenticate', 'Basic realm="heddle", charset="UTF-8"');
    if (error instanceof HeddleError && error.retryAfterSeconds !== undefined) {
      void reply.header('retry-after', String(error.retryAfterSeconds));
    }
    return noStore(reply).status(status).send({ error: code, error_description: message });
  }
}

/** The permissions of a scope, which must be among those the client has; all of them when none is asked for. */
function narrowed(all: Permissions, scope: string | undefined): Permissions {
  if (scope === undefined || scope.trim() === '') return all;
  let wanted: Permissions;
  try {
    wanted = Permissions.ofScope(scope);
  } catch (error) {
    throw new TokenRefusal('invalid_scope', plain((error as Error).message));
  }
  if (all.covers(wanted)) return wanted;
  const lacks = wanted.scope.split(' ').find((permission) => !all.covers(Permissions.of([permission])));
  throw new TokenRefusal('invalid_scope', plain(`the client has not all of these permissions, such as ${lacks}`));
}

/** Each may be there once (RFC 6749 §3.2); an empty one counts as not there (§3.1). */
function parametersOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name)) throw new TokenRefusal('invalid_request', 'a parameter is there twice');
    seen.add(name);
    if (value !== '') found.set(name, value);
  }
  return found;
}

function refusalOf(error: unknown): { code: string; status: number; message: string } | undefined {
  if (error instanceof TokenRefusal) return { code: error.code, status: error.status, message: error.message };
  if (!(error instanceof HeddleError) || error.code === 'internal') return undefined;
  const code = error.status === 429 || error.retryable ? 'temporarily_unavailable' : 'invalid_request';
  return { code, status: error.status, message: plain(error.message) };
}

/** What may stand in an error_description (RFC 6749 §5.2). */
function plain(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, "'");
}

function noStore(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store').header('pragma', 'no-cache').type('application/json');
}
