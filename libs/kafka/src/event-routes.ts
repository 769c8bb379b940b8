import { HeddleError, typeMatcher } from '@heddle/event';
import type { TypeMatcher } from '@heddle/event';
import type { MessageHandler } from '@nestjs/microservices';
import type { BatchExtras } from './handles.js';

/** A handler of Nest, and which events it is for. */
export interface EventRoute {
  pattern: string;
  isWanted: TypeMatcher;
  handler: MessageHandler;
  batch: BatchExtras['batch'] | undefined;
}

/** Types come in from outside with each record: what is remembered of them is bounded. */
const MAX_KNOWN_TYPES = 1000;

/** Which handlers an event goes to, by its type. */
export class EventRoutes {
  readonly batches: readonly EventRoute[];
  readonly #singles: readonly EventRoute[];
  readonly #known = new Map<string, readonly EventRoute[]>();

  /**
   * @throws HeddleError `setting-invalid` for a handler that waits for a reply, and for one of batches that is not alone
   * with its types: which of two comes first could not be said.
   */
  constructor(handlers: ReadonlyMap<string, MessageHandler>) {
    const routes = Array.from(handlers, ([pattern, handler]) => routeOf(pattern, handler));
    this.batches = routes.filter(({ batch }) => batch !== undefined);
    this.#singles = routes.filter(({ batch }) => batch === undefined);
    for (const route of this.batches) {
      const other = routes.find((each) => each !== route && doOverlap(each.pattern, route.pattern));
      if (other === undefined) continue;
      const rule = `${route.pattern} is handled in batches; ${other.pattern} must not be for the same types.`;
      throw new HeddleError('setting-invalid', rule);
    }
  }

  /** The handlers of single events, in the order they were declared. */
  of(type: string): readonly EventRoute[] {
    let routes = this.#known.get(type);
    if (routes === undefined) {
      routes = this.#singles.filter((route) => route.isWanted(type));
      if (this.#known.size < MAX_KNOWN_TYPES) this.#known.set(type, routes);
    }
    return routes;
  }
}

function routeOf(pattern: string, handler: MessageHandler): EventRoute {
  if (handler.isEventHandler !== true) {
    throw new HeddleError('setting-invalid', `${pattern} waits for a reply; the event log has events only.`);
  }
  const { batch } = (handler.extras ?? {}) as Partial<BatchExtras>;
  return { pattern, isWanted: typeMatcher([pattern]), handler, batch };
}

/** Of two patterns that match a type in common, one matches the other, or is the same. */
function doOverlap(one: string, other: string): boolean {
  const covers = (wide: string, narrow: string): boolean =>
    wide.endsWith('*') ? narrow.startsWith(wide.slice(0, -1)) : wide === narrow;
  return covers(one, other) || covers(other, one);
}
