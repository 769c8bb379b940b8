import { HeddleError } from '@heddle/event';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Caller, permissionMissing } from './caller.js';
import type { Kind, Verb } from './permissions.js';

/**
 * Who may use a route. Every route states it; one that does not stops the start.
 *
 * - `public`: everybody
 * - `client`: whoever has a token; what it sees and may do there is decided behind the door, name by name
 * - `instance`: other instances of the gateway
 * - otherwise a permission: on what the path parameter `param` names, or, without one, on anything of its kind
 */
export type Access = 'public' | 'client' | 'instance' | { verb: Verb; kind: Kind; param?: string };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; nothing at a public route. */
    caller: Caller | undefined;
  }
}

/** States who may use the routes of a controller, or one of them. */
export const Access = (access: Access) => RouteConfig({ access });

/** The one who asks, as a parameter of a controller's method; its route is not public. */
export const By = createParamDecorator((_data: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

/** @throws HeddleError `token-missing` */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new HeddleError('token-missing', 'This needs an access token.');
  return request.caller;
}

/** Who says whom a request comes from. */
export interface Guard {
  /**
   * Who a request comes from.
   *
   * @throws HeddleError `token-missing`, `token-invalid`
   */
  identify(request: FastifyRequest): Caller | Promise<Caller>;
  /** Whether this one is another instance of the gateway. */
  isInstance(caller: Caller): boolean;
  /** What every request that was let in passes next, such as the limit of its rate. */
  admit?(request: FastifyRequest, reply: FastifyReply): void;
  /** Answers a refusal. */
  refuse(reply: FastifyReply, error: unknown): FastifyReply;
}

/** Lets a request in only as its route states; added before any route is. */
export function guardRoutes(server: FastifyInstance, guard: Guard): void {
  server.decorateRequest('caller', undefined);
  server.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access !== undefined) return;
    throw new HeddleError('internal', `The route ${String(method)} ${url} does not state who may use it.`);
  });
  server.addHook('onRequest', (request, reply, done) => {
    const access = request.routeOptions.config.access;
    // Without a route there is nothing behind this but an answer that there is none.
    if (access === undefined || access === 'public') return done();
    const enter = (caller: Caller): void => {
      request.caller = caller;
      requireAccess(request, access, caller, guard);
      guard.admit?.(request, reply);
      done();
    };
    try {
      const caller = guard.identify(request);
      // Tokens that were seen before are known at once: no promise stands in the way of a request.
      if (!(caller instanceof Promise)) return enter(caller);
      caller.then(enter).catch((error: unknown) => void guard.refuse(reply, error));
    } catch (error) {
      void guard.refuse(reply, error);
    }
    return undefined;
  });
}

/** @throws HeddleError `permission-missing` */
function requireAccess(request: FastifyRequest, access: Access, caller: Caller, guard: Guard): void {
  if (access === 'client' || access === 'public') return;
  if (access === 'instance') {
    if (guard.isInstance(caller)) return;
    throw new HeddleError('permission-missing', 'This is between instances of the gateway.');
  }
  const { verb, kind, param } = access;
  if (param === undefined) {
    if (caller.permissions.allowsSome(verb, kind)) return;
    throw permissionMissing(caller, `${verb}:${kind}:…`);
  }
  const name = (request.params as Record<string, string>)[param] ?? '';
  if (!caller.permissions.allows(verb, kind, name)) throw permissionMissing(caller, `${verb}:${kind}:${name}`);
}
