import type { IncomingMessage } from 'node:http';
import { type Caller, Permissions, bearerToken } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT } from '@heddle/event';
import { answerProblem, createLog } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DoorGuard, RevokedClient } from './door-guard.js';

const HOUR_MS = 3_600_000;
/** What its tokens begin with. */
const PREFIX = 'trial.';

/** Somebody with these permissions; whoever may do everything in the local tenant, when nothing is said. */
export function callerFor(
  tenant: string = LOCAL_TENANT,
  permissions: readonly string[] = ['*'],
  client = 'tester',
): Caller {
  return {
    tenant,
    namespace: `${tenant}/mesh/test`,
    client,
    permissions: Permissions.of(permissions),
    expiresAt: Date.now() + HOUR_MS,
    grantedAt: Date.now(),
  };
}

/** A guard whose tokens are names: `tokenFor` gives one to a caller, and whoever brings it is that caller. */
export class TrialGuard implements DoorGuard {
  /** Who is asked about tokens that are not its own, and tickets. */
  next: DoorGuard | undefined;
  readonly #callers = new Map<string, Caller>();
  readonly #known = new WeakSet<Caller>();
  readonly #revoked = new Set<string>();
  readonly #instances = new Set<Caller>();
  readonly #listeners = new Set<(revoked: RevokedClient) => void>();

  /** The value of an authorization header. */
  bearerFor(caller: Caller): string {
    return `Bearer ${this.tokenFor(caller)}`;
  }

  /** The secret is the token of a caller, as of a client that has proven who it is. */
  async identifyCredentials(clientId: string, secret: string): Promise<Caller> {
    if (this.#callers.has(secret)) return this.identifyToken(secret);
    if (this.next !== undefined) return this.next.identifyCredentials(clientId, secret);
    throw new HeddleError('token-invalid', 'There is no such client, or its secret is another.');
  }

  tokenFor(caller: Caller): string {
    const token = `${PREFIX}${this.#callers.size + 1}.token`;
    this.#callers.set(token, caller);
    this.#known.add(caller);
    return token;
  }

  /** The client's tokens so far are good no more. */
  revoke({ tenant, client }: RevokedClient): void {
    this.#revoked.add(`${tenant}/${client}`);
    for (const listener of this.#listeners) listener({ tenant, client });
  }

  identify(request: FastifyRequest): Caller | Promise<Caller> {
    if (this.next !== undefined && !isOwn(request.raw)) return this.next.identify(request);
    return this.identifyUpgrade(request.raw);
  }

  identifyUpgrade(request: IncomingMessage): Caller | Promise<Caller> {
    const { headers } = request;
    if (this.next !== undefined && !isOwn(request)) return this.next.identifyUpgrade(request);
    const hop = headers['heddle-hop'];
    return this.identifyToken(typeof hop === 'string' ? hop : bearerToken(headers.authorization));
  }

  identifyToken(token: string): Caller | Promise<Caller> {
    if (this.next !== undefined && !token.startsWith(PREFIX)) return this.next.identifyToken(token);
    const caller = this.#callers.get(token);
    if (caller === undefined) throw new HeddleError('token-invalid', 'This token is not known.');
    if (!this.isCurrent(caller)) throw new HeddleError('token-invalid', 'The client was changed since.');
    return caller;
  }

  isInstance(caller: Caller): boolean {
    return this.#instances.has(caller);
  }

  isCurrent(caller: Caller): boolean {
    const { tenant, client, expiresAt } = caller;
    if (this.next !== undefined && !this.#known.has(caller)) return this.next.isCurrent(caller);
    return expiresAt > Date.now() && !this.#revoked.has(`${tenant}/${client}`);
  }

  onRevoked(listener: (revoked: RevokedClient) => void): () => void {
    this.#listeners.add(listener);
    const forget = this.next?.onRevoked(listener);
    return () => {
      this.#listeners.delete(listener);
      forget?.();
    };
  }

  hopToken(caller?: Caller): string {
    if (caller !== undefined) return this.tokenFor(caller);
    const instance = callerFor(LOCAL_TENANT, [], 'gateway');
    this.#instances.add(instance);
    return this.tokenFor(instance);
  }

  refuse(reply: FastifyReply, error: unknown): FastifyReply {
    return answerProblem(reply, error, createLog('test', 'silent'));
  }
}

/** Without a token, too, unless there may be a ticket. */
function isOwn({ headers, url = '/' }: IncomingMessage): boolean {
  const token = headers['heddle-hop'] ?? headers.authorization?.replace(/^Bearer /, '');
  return token === undefined ? !url.includes('ticket=') : token.includes(PREFIX);
}
