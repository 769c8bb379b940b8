import { HeddleError } from '@heddle/event';
import type { SalesOrderEvents } from '@heddle/schemas';
import type {
  ItemPatch,
  NewItem,
  NewOrder,
  OrderPatch,
  SalesOrder,
  SalesOrderItem,
  Status,
} from './sales-order.shape.js';

type EventName = keyof SalesOrderEvents;

/** An event that a change raises. */
export type SalesOrderEvent = { [T in EventName]: { type: T; data: SalesOrderEvents[T] } }[EventName];

/** What a rule decides: the state after it and the events it raises. No events means that nothing changed. */
export interface Change {
  order: SalesOrder;
  events: readonly SalesOrderEvent[];
}

const PREFIX = 'sap.s4.beh.salesorder.v1.SalesOrder';

/** Every event type that this service raises. */
export const SALES_ORDER_TYPES: readonly EventName[] = [
  `${PREFIX}.Created.v1`,
  `${PREFIX}.Changed.v1`,
  `${PREFIX}.Deleted.v1`,
  `${PREFIX}.ItemCreated.v1`,
  `${PREFIX}.ItemChanged.v1`,
  `${PREFIX}.ItemDeleted.v1`,
  `${PREFIX}.ApprovalStsChanged.v1`,
  `${PREFIX}.OvrlDelivStsChgd.v1`,
];

/** A new order raises its own event and one for each of its items. */
export function createOrder(input: NewOrder, number: string, now: Date): Change {
  const items: SalesOrderItem[] = [];
  for (const item of input.to_Item) items.push(numbered(item, items));
  const order: SalesOrder = {
    ...input,
    SalesOrder: number,
    SalesOrderDate: input.SalesOrderDate ?? dateOf(now),
    SalesDocApprovalStatus: '',
    OverallDeliveryStatus: 'A',
    TotalNetAmount: total(items),
    CreationDate: dateOf(now),
    LastChangeDateTime: now.toISOString(),
    to_Item: items,
  };
  const created = { type: `${PREFIX}.Created.v1`, data: header(order, now) } as const;
  const itemsCreated = items.map(
    (item) => ({ type: `${PREFIX}.ItemCreated.v1`, data: itemData(order, item, now) }) as const,
  );
  return { order, events: [created, ...itemsCreated] };
}

export function changeOrder(order: SalesOrder, patch: OrderPatch, now: Date): Change {
  if (!differs(order, patch)) return unchanged(order);
  mustNotBeDelivered(order);
  const changed = { ...order, ...defined(patch), LastChangeDateTime: now.toISOString() };
  return { order: changed, events: [{ type: `${PREFIX}.Changed.v1`, data: header(changed, now) }] };
}

export function deleteOrder(order: SalesOrder, now: Date): Change {
  if (order.OverallDeliveryStatus === 'B' || order.OverallDeliveryStatus === 'C') {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} has been delivered, if in part: it stays.`);
  }
  return { order, events: [{ type: `${PREFIX}.Deleted.v1`, data: header(order, now) }] };
}

export function addItem(order: SalesOrder, input: NewItem, now: Date): Change & { item: SalesOrderItem } {
  mustNotBeDelivered(order);
  const item = numbered(input, order.to_Item);
  const changed = withItems(order, [...order.to_Item, item], now);
  return { order: changed, item, events: [{ type: `${PREFIX}.ItemCreated.v1`, data: itemData(changed, item, now) }] };
}

export function changeItem(order: SalesOrder, number: string, patch: ItemPatch, now: Date): Change {
  const item = itemOf(order, number);
  if (!differs(item, patch)) return unchanged(order);
  mustNotBeDelivered(order);
  const changedItem = { ...item, ...defined(patch) };
  const items = order.to_Item.map((other) => (other === item ? changedItem : other));
  const changed = withItems(order, items, now);
  return { order: changed, events: [{ type: `${PREFIX}.ItemChanged.v1`, data: itemData(changed, changedItem, now) }] };
}

export function deleteItem(order: SalesOrder, number: string, now: Date): Change {
  const item = itemOf(order, number);
  mustNotBeDelivered(order);
  const items = order.to_Item.filter((other) => other !== item);
  const changed = withItems(order, items, now);
  return { order: changed, events: [{ type: `${PREFIX}.ItemDeleted.v1`, data: itemData(changed, item, now) }] };
}

export function setApprovalStatus(order: SalesOrder, status: Status, now: Date): Change {
  const before = order.SalesDocApprovalStatus;
  if (before === status) return unchanged(order);
  const changed = { ...order, SalesDocApprovalStatus: status, LastChangeDateTime: now.toISOString() };
  const data = {
    ...header(changed, now),
    SalesDocApprovalStatus: status,
    PreviousSalesDocApprovalStatus: before,
  };
  return { order: changed, events: [{ type: `${PREFIX}.ApprovalStsChanged.v1`, data }] };
}

/** Goods leave only for an order that is neither rejected nor still to be approved. */
export function setDeliveryStatus(order: SalesOrder, status: Status, now: Date): Change {
  const before = order.OverallDeliveryStatus;
  if (before === status) return unchanged(order);
  const isDelivering = status === 'B' || status === 'C';
  if (isDelivering && (order.SalesDocApprovalStatus === 'A' || order.SalesDocApprovalStatus === 'C')) {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} is not approved: it cannot be delivered.`);
  }
  const changed = { ...order, OverallDeliveryStatus: status, LastChangeDateTime: now.toISOString() };
  const data = { ...header(changed, now), OverallDeliveryStatus: status, PreviousOverallDeliveryStatus: before };
  return { order: changed, events: [{ type: `${PREFIX}.OvrlDelivStsChgd.v1`, data }] };
}

/** @throws HeddleError `not-found` */
function itemOf(order: SalesOrder, number: string): SalesOrderItem {
  const item = order.to_Item.find(({ SalesOrderItem }) => SalesOrderItem === number);
  if (item === undefined) throw new HeddleError('not-found', `Sales order ${order.SalesOrder} has no item ${number}.`);
  return item;
}

const unchanged = (order: SalesOrder): Change => ({ order, events: [] });

function mustNotBeDelivered(order: SalesOrder): void {
  if (order.OverallDeliveryStatus === 'C') {
    throw new HeddleError('conflict', `Sales order ${order.SalesOrder} is completely delivered: it no longer changes.`);
  }
}

function withItems(order: SalesOrder, items: SalesOrderItem[], now: Date): SalesOrder {
  return { ...order, to_Item: items, TotalNetAmount: total(items), LastChangeDateTime: now.toISOString() };
}

/** Items without a number get the next ten, as S/4 gives them. */
function numbered(input: NewItem, others: readonly SalesOrderItem[]): SalesOrderItem {
  const highest = others.reduce((most, { SalesOrderItem }) => Math.max(most, Number(SalesOrderItem)), 0);
  const number = input.SalesOrderItem ?? String((Math.floor(highest / 10) + 1) * 10);
  if (number.length > 6) throw new HeddleError('conflict', 'The order has no item numbers left.');
  if (others.some(({ SalesOrderItem }) => SalesOrderItem === number)) {
    throw new HeddleError('conflict', `Item ${number} is there already.`, { field: 'SalesOrderItem' });
  }
  return { ...input, SalesOrderItem: number };
}

function header(order: SalesOrder, now: Date): SalesOrderEvents['sap.s4.beh.salesorder.v1.SalesOrder.Created.v1'] {
  return {
    SalesOrder: order.SalesOrder,
    SalesOrderType: order.SalesOrderType,
    SalesOrganization: order.SalesOrganization,
    DistributionChannel: order.DistributionChannel,
    OrganizationDivision: order.OrganizationDivision,
    SoldToParty: order.SoldToParty,
    EventRaisedDateTime: now.toISOString(),
  };
}

function itemData(
  order: SalesOrder,
  item: SalesOrderItem,
  now: Date,
): SalesOrderEvents['sap.s4.beh.salesorder.v1.SalesOrder.ItemCreated.v1'] {
  return {
    ...header(order, now),
    SalesOrderItem: item.SalesOrderItem,
    SalesOrderItemCategory: item.SalesOrderItemCategory,
    Product: item.Material,
  };
}

const SCALE = 3;

/** The sum of the net amounts, in whole thousandths: decimals are never numbers here. */
function total(items: readonly SalesOrderItem[]): string {
  let thousandths = 0n;
  for (const { NetAmount } of items) {
    const [whole = '0', fraction = ''] = NetAmount.split('.');
    thousandths += BigInt(whole + fraction.padEnd(SCALE, '0'));
  }
  const digits = thousandths.toString().padStart(SCALE + 1, '0');
  const fraction = digits.slice(-SCALE).replace(/0+$/, '');
  return fraction === '' ? digits.slice(0, -SCALE) : `${digits.slice(0, -SCALE)}.${fraction}`;
}

function differs<T extends object>(current: T, patch: { [K in keyof T]?: T[K] | undefined }): boolean {
  return Object.entries(patch).some(([name, value]) => value !== undefined && value !== current[name as keyof T]);
}

/** The fields that are really given. */
function defined<T extends object>(patch: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as never;
}

const dateOf = (now: Date): string => now.toISOString().slice(0, 10);
