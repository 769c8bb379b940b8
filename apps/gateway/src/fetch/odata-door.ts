import { callerOf } from '@heddle/auth';
import { CSRF_HEADER, ODATA_PATH, csrfTokenOf, isCsrfFetch, odataRoutes, originOf } from '@heddle/odata';
import type { HttpLimits } from '@heddle/runtime';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ODataOwners } from './odata.js';

const PATH = `${ODATA_PATH}/:service`;
/** What stands behind the name of the service. */
const BELOW = /(?<=^\/sap\/opu\/odata\/sap\/[^/?]+)[/?].*$/s;

/**
 * `/sap/opu/odata/sap/{service}/…` at the gateway: for receivers of a notification that fetch as they do from S/4HANA.
 * Routes outside of Nest's controllers, for batches are no JSON.
 */
export class ODataDoor implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly owners: ODataOwners,
    private readonly limits: HttpLimits,
    /** As receivers reach the gateway, where they do not say. */
    private readonly baseUrl: string,
  ) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    const handOn = (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => this.#handOn(request, reply);
    odataRoutes(server, PATH, this.limits, handOn);
  }

  async #handOn(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { method, url, headers, body } = request;
    const { service } = request.params as { service: string };
    const token = csrfTokenOf(headers.authorization);
    const answer = await this.owners.handOn(
      callerOf(request),
      {
        service,
        method,
        below: BELOW.exec(url)?.[0] ?? '',
        headers: headers as Record<string, string | undefined>,
        body: body as Buffer | undefined,
        origin: this.#originFor(request),
      },
      token,
    );
    void reply.status(answer.status).headers(answer.headers);
    const isRead = method === 'GET' || method === 'HEAD';
    if (isRead && isCsrfFetch(headers[CSRF_HEADER] as string | undefined)) void reply.header(CSRF_HEADER, token);
    return reply.send(answer.body);
  }

  /** By the name that the client used; whether encrypted, this process may not see: something before it may do that. */
  #originFor(request: FastifyRequest): string {
    const { host } = new URL(originOf({ headers: {}, protocol: 'http', host: request.host }));
    return `${new URL(this.baseUrl).protocol}//${host}`;
  }
}
