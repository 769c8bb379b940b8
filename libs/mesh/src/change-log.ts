import type { Log } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';

/** Writes one line for each request that may have changed something: what, which object, its version, how long it took. */
export function logChanges(server: Pick<FastifyInstance, 'addHook'>, log: Log): void {
  server.addHook('onResponse', (request, reply, done) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const { key } = (request.params ?? {}) as { key?: string };
      const location = reply.getHeader('location');
      const etag = reply.getHeader('etag');
      log.info(
        {
          event: 'request',
          method: request.method,
          route: request.routeOptions.url,
          key: key ?? (typeof location === 'string' ? location.split('/').at(-1) : undefined),
          version: typeof etag === 'string' ? Number(etag.replaceAll('"', '')) : undefined,
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime * 100) / 100,
        },
        'request answered',
      );
    }
    done();
  });
}
