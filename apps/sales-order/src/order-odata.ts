import type { ServiceParts } from '@heddle/mesh';
import { openOData } from '@heddle/odata';
import type { FastifyInstance } from 'fastify';
import { KnownContracts } from './known-contracts.js';
import { orderEntities } from './order-entities.js';
import { SALES_ORDER_TYPES } from './sales-order-events.js';
import { SalesOrderRepository, type SalesOrderTables } from './sales-order.repository.js';
import { SalesOrderService } from './sales-order.service.js';

/** API_SALES_ORDER_SRV, as S/4HANA has it. */
export function openOrderOData(
  server: FastifyInstance,
  { db, relay, outbox }: Pick<ServiceParts<SalesOrderTables>, 'db' | 'relay' | 'outbox'>,
): void {
  openOData<SalesOrderTables, SalesOrderService>(
    server,
    { db, relay },
    {
      model: orderEntities,
      types: SALES_ORDER_TYPES,
      within: (tx, later) => new SalesOrderService(new SalesOrderRepository(tx), new KnownContracts(), outbox, later),
    },
  );
}
