import { Mesh, type Service, type ServiceParts } from '@heddle/mesh';
import type { DynamicModule } from '@nestjs/common';
import { KnownContracts } from './known-contracts.js';
import { migrations } from './migrations/migrations.js';
import { openOrderOData } from './order-odata.js';
import { SALES_ORDER_TYPES } from './sales-order-events.js';
import { SalesOrderController } from './sales-order.controller.js';
import { salesOrderOpenApi } from './sales-order.openapi.js';
import { SalesOrderReactions } from './sales-order.reactions.js';
import { SalesOrderRepository, type SalesOrderTables } from './sales-order.repository.js';
import { SalesOrderService } from './sales-order.service.js';

class SalesOrderModule {
  static of({ db, outbox, relay, mesh }: ServiceParts<SalesOrderTables>): DynamicModule {
    const service = new SalesOrderService(new SalesOrderRepository(db), new KnownContracts(), outbox, relay);
    return {
      module: SalesOrderModule,
      controllers: [SalesOrderController, SalesOrderReactions],
      providers: [
        { provide: SalesOrderService, useValue: service },
        { provide: Mesh, useValue: mesh },
      ],
    };
  }
}

/** The microservice of sales orders. */
export const salesOrder: Service<SalesOrderTables> = {
  name: 'sales-order',
  types: SALES_ORDER_TYPES,
  reactsTo: ['business-partner', 'contract'],
  migrations,
  openApi: salesOrderOpenApi,
  module: (parts) => SalesOrderModule.of(parts),
  routes: openOrderOData,
};
