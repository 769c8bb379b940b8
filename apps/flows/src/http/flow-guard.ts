import {
  type Caller,
  type GatewayIssuer,
  type Guard,
  type Verifier,
  bearerToken,
  callerOf,
  gatewayTokens,
} from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type Log, answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Believes the tokens of the gateway. All flows of a process are of one tenant. */
export class FlowGuard implements Guard {
  readonly #verifier: Verifier;

  constructor(
    issuer: GatewayIssuer,
    private readonly tenant: string,
    private readonly log: Log,
  ) {
    this.#verifier = gatewayTokens(issuer);
  }

  identify({ headers }: FastifyRequest): Caller | Promise<Caller> {
    return this.#verifier.verify(bearerToken(headers.authorization));
  }

  isInstance(): boolean {
    return false;
  }

  admit(request: FastifyRequest): void {
    const { tenant } = callerOf(request);
    // What another tenant has does not exist.
    if (tenant !== this.tenant) throw new HeddleError('not-found', `The tenant ${tenant} has nothing here.`);
  }

  refuse(reply: FastifyReply, error: unknown): FastifyReply {
    return answerProblem(reply, error, this.log);
  }
}
