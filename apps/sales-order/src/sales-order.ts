import { HeddleError } from '@heddle/event';
import { numberedItem, patchedItem } from './order-item.js';
import { partnersAfter, partnersOf } from './order-partners.js';
import {
  type SalesOrderEvent,
  eventsBetween,
  eventsOfCreation,
  eventsOfDeletion,
  isHeaderWritten,
  isItemWritten,
} from './sales-order-events.js';
import type { ItemPatch, NewItem, SalesOrderItem, Status } from './sales-order-item.shape.js';
import { isRejected, settled } from './sales-order-status.js';
import type { CreditStatus, NewOrder, OrderPatch, SalesOrder } from './sales-order.shape.js';

/** What a rule decides: the state after it and the events it raises. No events means that nothing changed. */
export interface Change {
  order: SalesOrder;
  events: readonly SalesOrderEvent[];
}

/** A new order raises its own event and one for each of its items. */
export function createOrder(input: NewOrder, number: string, now: Date): Change {
  const items: SalesOrderItem[] = [];
  for (const item of input.to_Item) items.push(numberedItem(item, items));
  const SalesOrderDate = input.SalesOrderDate ?? dateOf(now);
  const order = settled({
    ...input,
    SalesOrder: number,
    SalesOrderDate,
    PricingDate: input.PricingDate ?? SalesOrderDate,
    SalesDocApprovalStatus: '',
    TotalCreditCheckStatus: '',
    OverallSDProcessStatus: 'A',
    OverallSDDocumentRejectionSts: 'A',
    OverallDeliveryStatus: 'A',
    OverallDelivConfStatus: 'A',
    OverallDeliveryBlockStatus: 'A',
    OverallBillingBlockStatus: 'A',
    TotalNetAmount: '0',
    CreationDate: dateOf(now),
    LastChangeDateTime: now.toISOString(),
    to_Partner: partnersOf(input.SoldToParty, input.to_Partner),
    to_Item: items,
  });
  return { order, events: eventsOfCreation(order, now) };
}

export function changeOrder(order: SalesOrder, patch: OrderPatch, now: Date): Change {
  const changed = { ...order, ...defined(patch), to_Partner: partnersAfter(order, patch) };
  if (!isHeaderWritten(order, changed)) return unchanged(order);
  mustNotBeDelivered(order);
  return changedTo(order, changed, now);
}

export function deleteOrder(order: SalesOrder, now: Date): Change {
  if (order.OverallDeliveryStatus === 'B' || order.OverallDeliveryStatus === 'C') {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} has been delivered, if in part: it stays.`);
  }
  return { order, events: eventsOfDeletion(order, now) };
}

export function addItem(order: SalesOrder, input: NewItem, now: Date): Change & { item: SalesOrderItem } {
  mustNotBeDelivered(order);
  const item = numberedItem(input, order.to_Item);
  return { ...changedTo(order, { ...order, to_Item: [...order.to_Item, item] }, now), item };
}

/** Fields, blocks, schedule lines of an item, and whether it is rejected. */
export function changeItem(order: SalesOrder, number: string, patch: ItemPatch, now: Date): Change {
  const item = itemOf(order, number);
  const changed = patchedItem(item, patch);
  if (!isItemWritten(item, changed)) return unchanged(order);
  mustNotBeDelivered(order);
  if (isRejected(changed) && !isRejected(item) && item.DeliveryStatus === 'C') {
    const detail = `Item ${number} of sales order ${order.SalesOrder} is completely delivered: it can no longer be rejected.`;
    throw new HeddleError('conflict', detail, { field: 'SalesDocumentRjcnReason' });
  }
  return changedTo(order, withItem(order, item, changed), now);
}

/** With an empty reason, what was rejected no longer is. */
export function rejectItem(order: SalesOrder, number: string, reason: string, now: Date): Change {
  return changeItem(order, number, { SalesDocumentRjcnReason: reason }, now);
}

export function deleteItem(order: SalesOrder, number: string, now: Date): Change {
  const item = itemOf(order, number);
  mustNotBeDelivered(order);
  if (item.DeliveryStatus === 'B' || item.DeliveryStatus === 'C') {
    const detail = `Item ${number} of sales order ${order.SalesOrder} has been delivered, if in part: it stays.`;
    throw new HeddleError('conflict', detail);
  }
  return changedTo(order, { ...order, to_Item: order.to_Item.filter((other) => other !== item) }, now);
}

export function setApprovalStatus(order: SalesOrder, status: Status, now: Date): Change {
  return changedTo(order, { ...order, SalesDocApprovalStatus: status }, now);
}

export function setCreditStatus(order: SalesOrder, status: CreditStatus, now: Date): Change {
  return changedTo(order, { ...order, TotalCreditCheckStatus: status }, now);
}

/** Of every item that is not rejected. Goods leave only for what is approved, has credit and is not blocked. */
export function setDeliveryStatus(order: SalesOrder, status: Status, now: Date): Change {
  const items = order.to_Item.filter((item) => !isRejected(item));
  const moved = items.filter((item) => item.DeliveryStatus !== status);
  if (isDelivery(status) && items.length === 0) {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} has no items to deliver.`);
  }
  for (const item of moved) mustBeDeliverable(order, item, status);
  const to_Item = order.to_Item.map((item) => (moved.includes(item) ? { ...item, DeliveryStatus: status } : item));
  return changedTo(order, { ...order, to_Item }, now);
}

/** As {@link setDeliveryStatus}, of one item. */
export function setItemDeliveryStatus(order: SalesOrder, number: string, status: Status, now: Date): Change {
  const item = itemOf(order, number);
  if (item.DeliveryStatus === status) return unchanged(order);
  mustBeDeliverable(order, item, status);
  return changedTo(order, withItem(order, item, { ...item, DeliveryStatus: status }), now);
}

/** The one way of changing: every status is brought in line, and what is other than before is told. */
function changedTo(before: SalesOrder, changed: SalesOrder, now: Date): Change {
  const order = settled({ ...changed, LastChangeDateTime: now.toISOString() });
  const events = eventsBetween(before, order, now);
  return events.length === 0 ? unchanged(before) : { order, events };
}

const unchanged = (order: SalesOrder): Change => ({ order, events: [] });

/** An item of an order. @throws HeddleError `not-found` */
export function itemOf(order: SalesOrder, number: string): SalesOrderItem {
  const item = order.to_Item.find(({ SalesOrderItem }) => SalesOrderItem === number);
  if (item === undefined) throw new HeddleError('not-found', `Sales order ${order.SalesOrder} has no item ${number}.`);
  return item;
}

function withItem(order: SalesOrder, item: SalesOrderItem, changed: SalesOrderItem): SalesOrder {
  return { ...order, to_Item: order.to_Item.map((other) => (other === item ? changed : other)) };
}

function mustNotBeDelivered(order: SalesOrder): void {
  if (order.OverallDeliveryStatus === 'C') {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} is completely delivered: it no longer changes.`);
  }
}

const isDelivery = (status: Status): boolean => status === 'B' || status === 'C';

/** @throws HeddleError `conflict`, saying what stands against it */
function mustBeDeliverable(order: SalesOrder, item: SalesOrderItem, status: Status): void {
  const reason = isDelivery(status) ? obstacleOf(order, item, status) : undefined;
  if (reason === undefined) return;
  const what = `Item ${item.SalesOrderItem} of sales order ${order.SalesOrder} cannot be delivered`;
  throw new HeddleError('conflict', `${what}: ${reason}.`);
}

function obstacleOf(order: SalesOrder, item: SalesOrderItem, status: Status): string | undefined {
  if (order.SalesDocApprovalStatus === 'A' || order.SalesDocApprovalStatus === 'C') return 'the order is not approved';
  if (order.TotalCreditCheckStatus === 'B') return 'the order has not passed its credit check';
  if (order.TotalCreditCheckStatus === 'C' && status === 'C') return 'the order has credit for a part only';
  if (isRejected(item)) return 'it is rejected';
  if (item.DeliveryBlockStatus === 'C') return 'it is blocked for delivery';
  if (item.DeliveryBlockStatus === 'B' && status === 'C') return 'some of its schedule lines are blocked for delivery';
  return undefined;
}

/** The fields that are really given. */
function defined<T extends object>(patch: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as never;
}

const dateOf = (now: Date): string => now.toISOString().slice(0, 10);
