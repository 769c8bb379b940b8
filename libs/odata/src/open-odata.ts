import { requirePermission } from '@heddle/auth';
import { HTTP_LIMITS } from '@heddle/runtime';
import type { FastifyInstance } from 'fastify';
import type { Kysely, Transaction } from 'kysely';
import { serveOData } from './door.js';
import type { ServiceModel } from './model.js';
import { ODataService } from './odata-service.js';

interface Relay {
  wake(): void;
}

/** What a microservice has of OData. */
export interface ServedEntities<T, S> {
  model: ServiceModel<S>;
  /** Every event type that changes raise: whoever makes some in a batch may publish all, as at every other route. */
  types: readonly string[];
  /** What makes the changes of one transaction; the relay that it wakes is woken once all of them are there. */
  within(tx: Transaction<T>, relay: Relay): S;
}

/** Serves entities under their path on S/4HANA, read from a database and changed in it, all or none of a set. */
export function openOData<T, S>(
  server: FastifyInstance,
  { db, relay }: { db: Kysely<T>; relay: Relay },
  { model, types, within }: ServedEntities<T, S>,
): void {
  const later: Relay = { wake: () => undefined };
  const service = new ODataService<S>({
    model,
    db,
    change: async (work) => {
      const result = await db.transaction().execute((tx) => work(within(tx, later), tx));
      relay.wake();
      return result;
    },
  });
  serveOData(server, service, {
    limits: HTTP_LIMITS,
    mustBeAllowedToChange: (caller) => {
      for (const type of types) requirePermission(caller, 'publish', 'type', type);
    },
  });
}
