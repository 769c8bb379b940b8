import { sumOf, thousandthsOf } from './amounts.js';
import type { SalesOrderItem, Status } from './sales-order-item.shape.js';
import type { SalesOrder } from './sales-order.shape.js';

/*
 * The statuses that nobody sets: those of items follow from what is said of them, those of the order from its items.
 */

/** The order with every status as it follows from the rest. What is in line already stays the very same object. */
export function settled(order: SalesOrder): SalesOrder {
  const items = order.to_Item.map((item) => withFields(item, itemStatuses(order, item)));
  const isSame = items.every((item, index) => item === order.to_Item[index]);
  const to_Item = isSame ? order.to_Item : items;
  return withFields(order, { ...overallStatuses(order, to_Item), TotalNetAmount: totalOf(to_Item), to_Item });
}

/** Whether nothing of an item is to be delivered any more, for it was rejected. */
export function isRejected(item: Pick<SalesOrderItem, 'SalesDocumentRjcnReason'>): boolean {
  return item.SalesDocumentRjcnReason !== '';
}

function itemStatuses(order: SalesOrder, item: SalesOrderItem): Partial<SalesOrderItem> {
  const isBillingBlocked = item.ItemBillingBlockReason !== '' || order.HeaderBillingBlockReason !== '';
  return {
    SDDocumentRejectionStatus: isRejected(item) ? 'C' : 'A',
    SDProcessStatus: isRejected(item) ? 'C' : processed(item.DeliveryStatus),
    DeliveryConfirmationStatus: confirmationOf(item),
    DeliveryBlockStatus: deliveryBlockOf(order, item),
    BillingBlockStatus: isBillingBlocked ? 'C' : 'A',
    ItemGeneralIncompletionStatus: overallOf([
      item.Material === '' ? 'A' : 'C',
      thousandthsOf(item.RequestedQuantity) === 0n ? 'A' : 'C',
    ]),
  };
}

function overallStatuses(order: SalesOrder, items: readonly SalesOrderItem[]): Partial<SalesOrder> {
  if (items.length === 0) return withoutItems(order);
  const all = (statusOf: (item: SalesOrderItem) => Status): Status => overallOf(items.map(statusOf));
  return {
    OverallSDDocumentRejectionSts: all((item) => item.SDDocumentRejectionStatus),
    OverallSDProcessStatus: all((item) => item.SDProcessStatus),
    // What is rejected counts only as far as it has been delivered: no more of it will be.
    OverallDeliveryStatus: all((item) => (isRejected(item) ? deliveredBefore(item) : item.DeliveryStatus)),
    OverallDelivConfStatus: all((item) => (isRejected(item) ? '' : item.DeliveryConfirmationStatus)),
    OverallDeliveryBlockStatus: all((item) => item.DeliveryBlockStatus),
    OverallBillingBlockStatus: all((item) => item.BillingBlockStatus),
  };
}

/** Nothing has happened to what is not there. */
function withoutItems({ DeliveryBlockReason, HeaderBillingBlockReason }: SalesOrder): Partial<SalesOrder> {
  return {
    OverallSDDocumentRejectionSts: 'A',
    OverallSDProcessStatus: 'A',
    OverallDeliveryStatus: 'A',
    OverallDelivConfStatus: 'A',
    OverallDeliveryBlockStatus: DeliveryBlockReason === '' ? 'A' : 'C',
    OverallBillingBlockStatus: HeaderBillingBlockReason === '' ? 'A' : 'C',
  };
}

/** Of all that it applies to: A when all are at A, C when all are at C, B in between; empty when it applies to none. */
function overallOf(statuses: readonly Status[]): Status {
  const [first = '', ...others] = new Set(statuses.filter((status) => status !== ''));
  return others.length === 0 ? first : 'B';
}

/** What there is nothing to deliver of is still to be processed. */
function processed(delivery: Status): Status {
  return delivery === '' ? 'A' : delivery;
}

function deliveredBefore({ DeliveryStatus }: SalesOrderItem): Status {
  return DeliveryStatus === 'B' || DeliveryStatus === 'C' ? 'C' : '';
}

function confirmationOf({ RequestedQuantity, to_ScheduleLine }: SalesOrderItem): Status {
  const confirmed = thousandthsOf(sumOf(to_ScheduleLine.map((line) => line.ConfdOrderQtyByMatlAvailCheck)));
  if (confirmed === 0n) return 'A';
  return confirmed < thousandthsOf(RequestedQuantity) ? 'B' : 'C';
}

function deliveryBlockOf({ DeliveryBlockReason }: SalesOrder, { to_ScheduleLine }: SalesOrderItem): Status {
  if (DeliveryBlockReason !== '') return 'C';
  return overallOf(to_ScheduleLine.map((line) => (line.DelivBlockReasonForSchedLine === '' ? 'A' : 'C')));
}

function totalOf(items: readonly SalesOrderItem[]): string {
  return sumOf(items.map(({ NetAmount }) => NetAmount));
}

function withFields<T extends object>(object: T, fields: Partial<T>): T {
  const names = Object.keys(fields) as (keyof T)[];
  return names.every((name) => fields[name] === object[name]) ? object : { ...object, ...fields };
}
