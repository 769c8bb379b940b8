import { Access, type Caller, type Guard, type Verifier, bearerToken, callerOf, permissionMissing } from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type Log, answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** States that a route reads objects: for whoever may `fetch` one of the types that they are about. */
export const Reads = () => Access({ verb: 'fetch', kind: 'type' });

/** States that a route changes objects: for whoever may `publish` all types of events that this raises. */
export const Changes = () => Access({ verb: 'publish', kind: 'type' });

/** Lets in whoever may do to the objects of one service, which are all of one tenant, what the route states. */
export class ServiceGuard implements Guard {
  constructor(
    private readonly verifier: Verifier,
    private readonly service: { tenant: string; types: readonly string[] },
    private readonly log: Log,
  ) {}

  identify({ headers }: FastifyRequest): Caller | Promise<Caller> {
    return this.verifier.verify(bearerToken(headers.authorization));
  }

  /** Instances of the gateway come as clients. */
  isInstance(): boolean {
    return false;
  }

  /** The route has asked for the verb; this asks for the types of this service. */
  admit(request: FastifyRequest): void {
    const caller = callerOf(request);
    const { tenant, types } = this.service;
    // What another tenant has does not exist.
    if (caller.tenant !== tenant) throw new HeddleError('not-found', `The tenant ${caller.tenant} has nothing here.`);
    const access = request.routeOptions.config.access;
    if (typeof access !== 'object') return;
    const { verb } = access;
    const isAllowed = (type: string): boolean => caller.permissions.allows(verb, 'type', type);
    if (verb === 'fetch' && types.some(isAllowed)) return;
    const missing = types.find((type) => !isAllowed(type));
    if (missing !== undefined) throw permissionMissing(caller, `${verb}:type:${missing}`);
  }

  refuse(reply: FastifyReply, error: unknown): FastifyReply {
    return answerProblem(reply, error, this.log);
  }
}
