import { type Caller, requirePermission } from '@heddle/auth';
import type { ServiceParts } from '@heddle/mesh';
import { ODataService, serveOData } from '@heddle/odata';
import { HTTP_LIMITS } from '@heddle/runtime';
import type { OnModuleInit } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { KnownContracts } from './known-contracts.js';
import { orderEntities } from './order-entities.js';
import { SALES_ORDER_TYPES } from './sales-order-events.js';
import { SalesOrderRepository, type SalesOrderTables } from './sales-order.repository.js';
import { SalesOrderService } from './sales-order.service.js';

type Parts = Pick<ServiceParts<SalesOrderTables>, 'db' | 'outbox' | 'relay'>;

/** API_SALES_ORDER_SRV under its path on S/4HANA: routes outside of Nest's controllers, for batches are no JSON. */
export class OrderOData implements OnModuleInit {
  readonly #service: ODataService<SalesOrderService>;

  constructor(
    private readonly host: HttpAdapterHost,
    { db, outbox, relay }: Parts,
  ) {
    // Woken once, when all of the transaction is there to be carried over.
    const later = { wake: () => undefined };
    this.#service = new ODataService({
      model: orderEntities,
      db,
      change: async (work) => {
        const result = await db
          .transaction()
          .execute((tx) =>
            work(new SalesOrderService(new SalesOrderRepository(tx), new KnownContracts(), outbox, later), tx),
          );
        relay.wake();
        return result;
      },
    });
  }

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    serveOData(server, this.#service, { limits: HTTP_LIMITS, mustBeAllowedToChange });
  }
}

/** Changes raise any of the types: whoever makes them in a batch may publish all, as at every other route. */
function mustBeAllowedToChange(caller: Caller): void {
  for (const type of SALES_ORDER_TYPES) requirePermission(caller, 'publish', 'type', type);
}
