import type { Outbox, Relay } from '@heddle/outbox';
import type { DynamicModule } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { SalesOrderController } from './sales-order.controller.js';
import { SalesOrderReactions } from './sales-order.reactions.js';
import { SalesOrderRepository, type SalesOrderTables } from './sales-order.repository.js';
import { SalesOrderService } from './sales-order.service.js';

export class SalesOrderModule {
  static of(db: Kysely<SalesOrderTables>, outbox: Outbox, relay: Pick<Relay, 'wake'>): DynamicModule {
    const service = new SalesOrderService(new SalesOrderRepository(db), outbox, relay);
    return {
      module: SalesOrderModule,
      controllers: [SalesOrderController, SalesOrderReactions],
      providers: [{ provide: SalesOrderService, useValue: service }],
    };
  }
}
