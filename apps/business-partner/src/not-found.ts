import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/**
 * `createHttpApp` has said already what answers where no route does, and Fastify takes that once only: Nest's own
 * handler is left out where it is refused.
 */
export function keepNotFoundHandler(app: NestFastifyApplication): void {
  const adapter = app.getHttpAdapter();
  const set = adapter.setNotFoundHandler?.bind(adapter);
  if (set === undefined) return;
  adapter.setNotFoundHandler = (...handler) => {
    try {
      set(...handler);
    } catch {
      // Fastify's error for a second handler has neither code nor class of its own.
    }
  };
}
