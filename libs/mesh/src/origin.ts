import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Where a change comes from; its events carry it on. */
export interface OriginOfChange {
  correlationId?: string;
  causationId?: string;
  traceparent?: string;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The headers `x-correlation-id`, `x-causation-id` and `traceparent` (W3C Trace Context) of a request. */
export const Origin = createParamDecorator((_: unknown, context: ExecutionContext) =>
  originOf(context.switchToHttp().getRequest<FastifyRequest>().headers),
);

/** A `traceparent` that is none counts as not sent, as W3C Trace Context wants it. */
export function originOf(headers: IncomingHttpHeaders): OriginOfChange {
  const correlationId = headers['x-correlation-id'];
  const causationId = headers['x-causation-id'];
  const traceparent = headers['traceparent'];
  return {
    ...(typeof correlationId === 'string' && correlationId !== '' ? { correlationId } : {}),
    ...(typeof causationId === 'string' && causationId !== '' ? { causationId } : {}),
    ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
  };
}
