import type { IncomingMessage } from 'node:http';
import { type Caller, type TokenVerifier, bearerToken, tokenInvalid } from '@heddle/auth';
import { type Log, answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuseTokenInUrl } from '../protocols/url-token.js';
import type { ClientDirectory } from './client-directory.js';
import type { DoorGuard, RevokedClient } from './door-guard.js';
import type { Origins } from './origins.js';
import type { SignedCallers } from './signed-callers.js';
import type { Tickets } from './tickets.js';

export interface GatewayGuardParts {
  verifier: TokenVerifier;
  hops: SignedCallers;
  tickets: Tickets;
  origins: Origins;
  directory: Pick<ClientDirectory, 'onRevoked'>;
  isCurrent(caller: Caller): boolean;
  /** Who a client is, by its id and secret. */
  byCredentials(clientId: string, secret: string): Promise<Caller>;
  log: Log;
  /** What every request that was let in passes next, such as the limit of its rate. */
  admit?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** On a request that another instance hands on: who asks, as that one has found out. */
const HOP_HEADER = 'heddle-hop';
/** Where pages open event streams, and are tempted to put a token. */
const STREAM_QUERY = '/v1/stream?';
const TICKET = /[?&]ticket=([^&]*)/;

/** The guard of the gateway's doors: access tokens, tickets of pages, and callers that other instances hand on. */
export class GatewayGuard implements DoorGuard {
  constructor(private readonly parts: GatewayGuardParts) {}

  admit(request: FastifyRequest, reply: FastifyReply): void {
    const { caller } = request;
    // What instances ask of each other is done for clients, and bounded where these are.
    if (caller !== undefined && this.isInstance(caller)) return;
    this.parts.admit?.(request, reply);
  }

  identify(request: FastifyRequest): Caller | Promise<Caller> {
    const { headers } = request;
    const hop = headers[HOP_HEADER];
    if (hop !== undefined) return this.#handedOn(hop);
    if (headers.authorization === undefined && request.method === 'GET' && request.url.includes('ticket=')) {
      return this.#byTicket(request.url, headers.origin);
    }
    if (headers.authorization === undefined && request.url.startsWith(STREAM_QUERY)) {
      refuseTokenInUrl(new URLSearchParams(request.url.slice(STREAM_QUERY.length)));
    }
    return this.parts.verifier.verify(bearerToken(headers.authorization));
  }

  identifyUpgrade({ headers, url = '/' }: IncomingMessage): Caller | Promise<Caller> {
    const hop = headers[HOP_HEADER];
    if (hop !== undefined) return this.#handedOn(hop);
    this.parts.origins.check(headers.origin);
    if (headers.authorization === undefined && url.includes('ticket=')) {
      // Whatever is no page can send a header, and has no use for a ticket but somebody else's.
      if (headers.origin === undefined) throw tokenInvalid('a ticket is for a page, which has an origin');
      return this.#byTicket(url, headers.origin);
    }
    return this.parts.verifier.verify(bearerToken(headers.authorization));
  }

  identifyToken(token: string): Caller | Promise<Caller> {
    return this.parts.verifier.verify(bearerToken(`Bearer ${token}`));
  }

  identifyCredentials(clientId: string, secret: string): Promise<Caller> {
    return this.parts.byCredentials(clientId, secret);
  }

  isInstance(caller: Caller): boolean {
    return this.parts.hops.isInstance(caller);
  }

  isCurrent(caller: Caller): boolean {
    return Date.now() < caller.expiresAt && this.parts.isCurrent(caller);
  }

  onRevoked(listener: (revoked: RevokedClient) => void): () => void {
    return this.parts.directory.onRevoked(listener);
  }

  hopToken(caller?: Caller): string | Promise<string> {
    return this.parts.hops.token(caller);
  }

  refuse(reply: FastifyReply, error: unknown): FastifyReply {
    return answerProblem(reply, error, this.parts.log);
  }

  #handedOn(hop: string | string[]): Caller | Promise<Caller> {
    if (typeof hop !== 'string') throw tokenInvalid('there are two of it');
    return this.parts.hops.verify(hop);
  }

  #byTicket(url: string, origin: string | undefined): Promise<Caller> {
    this.parts.origins.check(origin);
    const ticket = TICKET.exec(url)?.[1] ?? '';
    return this.parts.tickets.redeem(ticket, url.split('?', 1)[0]!);
  }
}
