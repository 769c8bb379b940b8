import type { FastifyInstance } from 'fastify';

/** The methods that the paths of a server are answered for, so that others can be told so (RFC 9110 §15.5.6). */
export class KnownMethods {
  readonly #routes: { path: RegExp; isNamed: boolean; methods: readonly string[] }[] = [];

  /** Takes note of every route that is added from now on. */
  constructor(server: FastifyInstance) {
    server.addHook('onRoute', ({ method, url }) => {
      // Fastify answers HEAD for each GET by itself, and says so here, too.
      this.#routes.push({ path: patternOf(url), isNamed: !url.includes(':'), methods: [method].flat() });
    });
  }

  /** The methods of a path, sorted; none where no route has it. */
  of(url: string): string[] {
    const path = url.split('?', 1)[0]!;
    const found = this.#routes.filter((route) => route.path.test(path));
    // What has a name of its own is that, and not one of the things that a parameter may name beside it.
    const named = found.filter(({ isNamed }) => isNamed);
    return [...new Set((named.length > 0 ? named : found).flatMap(({ methods }) => methods))].sort();
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    // The rest of a path, slashes included.
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('/')}/?$`);
}
