import {
  ACCESS_TOKEN,
  type Caller,
  type Guard,
  TokenVerifier,
  bearerToken,
  callerOf,
  callerOfClaims,
  remoteKeys,
} from '@heddle/auth';
import { HeddleError } from '@heddle/event';
import { type Log, answerProblem } from '@heddle/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Believes the tokens of the gateway. All flows of a process are of one tenant. */
export class FlowGuard implements Guard {
  readonly #verifier: TokenVerifier;

  constructor(
    { url, issuer, audience }: { url: string; issuer: string; audience: string },
    private readonly tenant: string,
    private readonly log: Log,
  ) {
    const key = remoteKeys(`${url}/.well-known/jwks.json`);
    this.#verifier = new TokenVerifier([{ issuer, audience, types: [ACCESS_TOKEN], key, callerOf: callerOfClaims }]);
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
