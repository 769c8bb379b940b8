import { gunzip } from 'node:zlib';
import { HeddleError } from '@heddle/event';
import type { FastifyRequest } from 'fastify';
import type { HttpLimits } from './http-limits.js';
import { jsonLimitsOf } from './http-limits.js';
import { parseJson } from './json-limits.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether bodies may come packed as gzip. */
    unpacks?: boolean;
  }
}

type Done<T> = (error: Error | null, body?: T) => void;

/** A parser for Fastify that hands on the bytes of a body, unpacked where the route does that (RFC 9110 §8.4). */
export function bytesParser({ limitBodyBytes, limitGzipRatio }: HttpLimits) {
  return (request: FastifyRequest, body: Buffer, done: Done<Buffer>): void => {
    const coding = request.headers['content-encoding'];
    if (coding === undefined) return done(null, body);
    const name = coding.trim().toLowerCase();
    if (name === 'identity') return done(null, body);
    if (request.routeOptions.config.unpacks !== true || (name !== 'gzip' && name !== 'x-gzip')) {
      return done(unsupported(coding, acceptedCodings(request)));
    }
    // zlib stops as soon as there is one byte more: what is refused was never held.
    const byRatio = body.length * limitGzipRatio;
    gunzip(body, { maxOutputLength: Math.min(byRatio, limitBodyBytes) }, (error, plain) => {
      if (error === null) return done(null, plain);
      done(
        unpackError(error, byRatio < limitBodyBytes ? `${limitGzipRatio} times its size` : `${limitBodyBytes} bytes`),
      );
    });
    return undefined;
  };
}

/** A parser for Fastify that reads JSON within limits. */
export function jsonParser(limits: HttpLimits) {
  const bytesOf = bytesParser(limits);
  const json = jsonLimitsOf(limits);
  return (request: FastifyRequest, body: Buffer, done: Done<unknown>): void =>
    bytesOf(request, body, (error, bytes) => {
      if (error !== null || bytes === undefined) return done(error);
      let parsed: unknown;
      try {
        parsed = parseJson(bytes, json);
      } catch (refusal) {
        return done(refusal as Error);
      }
      return done(null, parsed);
    });
}

/** The codings that a route takes, as `Accept-Encoding` says them in an answer (RFC 9110 §12.5.3). */
export function acceptedCodings(request: FastifyRequest): string {
  return request.routeOptions.config.unpacks === true ? 'gzip, identity' : 'identity';
}

function unsupported(coding: string, accepted: string): HeddleError {
  return new HeddleError(
    'encoding-unsupported',
    `Bodies in ${JSON.stringify(coding.slice(0, 40))} are not unpacked here; allowed: ${accepted}.`,
    { field: 'content-encoding' },
  );
}

function unpackError(error: NodeJS.ErrnoException, most: string): HeddleError {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') {
    return new HeddleError('too-large', `Unpacked, the body is larger than ${most}.`, { field: 'content-encoding' });
  }
  return new HeddleError('body-invalid', `The body is no gzip: ${error.message}.`, { field: 'content-encoding' });
}
