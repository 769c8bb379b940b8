import { fittingLines, lineOf } from './order-item.js';
import { partnersOf } from './order-partners.js';
import type { SalesOrderItem } from './sales-order-item.shape.js';
import { settled } from './sales-order-status.js';
import type { SalesOrder } from './sales-order.shape.js';

/** An order as it was stored when it was changed last: what came into orders later may be missing. */
export type StoredOrder = Omit<Partial<SalesOrder>, 'to_Item'> &
  Pick<SalesOrder, 'SalesOrder' | 'SoldToParty' | 'OverallDeliveryStatus'> & { to_Item: Partial<SalesOrderItem>[] };

/**
 * An order of any time in the form of today. What is complete comes back as it is. The delivery status was one of the
 * whole order before items had theirs: it is theirs then, and stays what was notified.
 */
export function completedOrder(stored: StoredOrder): SalesOrder {
  if (stored.OverallSDProcessStatus !== undefined && stored.Contract !== undefined) return stored as SalesOrder;
  const { OverallDeliveryStatus } = stored;
  const order = settled({
    SalesGroup: '',
    SalesOffice: '',
    Contract: '',
    PricingDate: stored.SalesOrderDate ?? null,
    TotalCreditCheckStatus: '',
    to_PricingElement: [],
    to_Text: [],
    to_Partner: partnersOf(stored.SoldToParty, []),
    ...stored,
    to_Item: stored.to_Item.map((item) => completedItem(item, OverallDeliveryStatus)),
  } as unknown as SalesOrder);
  return { ...order, OverallDeliveryStatus };
}

function completedItem(item: Partial<SalesOrderItem>, status: SalesOrder['OverallDeliveryStatus']): SalesOrderItem {
  const quantity = item.RequestedQuantity ?? '1';
  return {
    MaterialGroup: '',
    StorageLocation: '',
    ShippingPoint: '',
    DeliveryPriority: '',
    ItemBillingBlockReason: '',
    ProfitCenter: '',
    WBSElement: '',
    DeliveryStatus: status,
    to_ScheduleLine: fittingLines(quantity, [lineOf(quantity)]),
    to_Partner: [],
    to_PricingElement: [],
    ...item,
  } as SalesOrderItem;
}
