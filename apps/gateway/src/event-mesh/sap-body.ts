import { bytesParser, parseJson } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';
import type { Limits } from '../limits/limits.js';

/** Has bodies at the routes of a scope read as JSON, whatever they say they are; an empty one is none. */
export function readJsonBodies(scope: FastifyInstance, limits: Limits): void {
  const bytesOf = bytesParser(limits.values);
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, given, done) =>
    bytesOf(request, given as Buffer, (refusal, bytes) => {
      if (refusal !== null) return done(refusal);
      try {
        done(null, bytes === undefined || bytes.length === 0 ? undefined : parseJson(bytes, limits.json));
      } catch (error) {
        done(error as Error);
      }
    }),
  );
}
