import { type StoredEvent, canonicalKey } from '@heddle/event';
import { Controller } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { SalesOrderService } from './sales-order.service.js';

/** What sales orders learn from others: which business partners there are. */
@Controller()
export class SalesOrderReactions {
  constructor(private readonly orders: SalesOrderService) {}

  @EventPattern<string>('sap.s4.beh.businesspartner.v1.*')
  async onBusinessPartner(event: StoredEvent): Promise<void> {
    await this.orders.knowPartner(canonicalKey(event.key), Number(event.attributes['sequence'] ?? 0));
  }
}
