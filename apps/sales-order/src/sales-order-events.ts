import { isDeepStrictEqual } from 'node:util';
import type { SalesOrderEvents } from '@heddle/schemas';
import type { SalesOrderItem } from './sales-order-item.shape.js';
import type { SalesOrder } from './sales-order.shape.js';

type EventName = keyof SalesOrderEvents;

/** An event that a change raises. */
export type SalesOrderEvent = { [T in EventName]: { type: T; data: SalesOrderEvents[T] } }[EventName];

type HeaderData = SalesOrderEvents['sap.s4.beh.salesorder.v1.SalesOrder.Created.v1'];
type ItemData = SalesOrderEvents['sap.s4.beh.salesorder.v1.SalesOrder.ItemCreated.v1'];

const PREFIX = 'sap.s4.beh.salesorder.v1.SalesOrder';

/** A field that has an event of its own, which tells its value and the one before. */
interface Watched<S> {
  type: EventName;
  field: keyof S & string;
  /** How the event calls the value, and the value before. */
  as: string;
  previous: string;
  /** What the event tells besides. */
  also: readonly (keyof S & string)[];
}

const WATCHED_OF_ITEM = [
  ofItem(`${PREFIX}.ItmBillgBlkStsChgd.v1`, 'BillingBlockStatus', 'BillingBlockStatus', 'PreviousBillingBlockStatus'),
  ofItem(
    `${PREFIX}.ItmDelivBlkStsChgd.v1`,
    'DeliveryBlockStatus',
    'DeliveryBlockStatus',
    'PreviousDeliveryBlockStatus',
  ),
  ofItem(`${PREFIX}.ItmDelivStsChgd.v1`, 'DeliveryStatus', 'DeliveryStatus', 'PreviousDeliveryStatus'),
  ofItem(
    `${PREFIX}.ItmDlvConfStsChgd.v1`,
    'DeliveryConfirmationStatus',
    'DeliveryConfirmationStatus',
    'PreviousDeliveryConfStatus',
  ),
  ofItem(
    `${PREFIX}.ItmGenIncplStsChgd.v1`,
    'ItemGeneralIncompletionStatus',
    'ItemGeneralIncompletionStatus',
    'PreviousItmGenIncompltnSts',
  ),
  ofItem(`${PREFIX}.ItmPrftCtrChanged.v1`, 'ProfitCenter', 'ProfitCenter', 'PreviousProfitCenter'),
  ofItem(
    `${PREFIX}.ItmRjcnStsChgd.v1`,
    'SDDocumentRejectionStatus',
    'SDDocumentRejectionStatus',
    'PreviousSDDocRejectionStatus',
    ['SalesDocumentRjcnReason'],
  ),
  ofItem(`${PREFIX}.ItmSDProcStsChgd.v1`, 'SDProcessStatus', 'SDProcessStatus', 'PreviousSDProcessStatus'),
  ofItem(`${PREFIX}.ItmWBSElmntChanged.v1`, 'WBSElement', 'WBSElementInternalID', 'PreviousWBSElementInternalID'),
];

const WATCHED_OF_ORDER = [
  ofOrder(`${PREFIX}.ApprovalStsChanged.v1`, 'SalesDocApprovalStatus', 'PreviousSalesDocApprovalStatus'),
  ofOrder(`${PREFIX}.OvrlBlgBlkStsChgd.v1`, 'OverallBillingBlockStatus', 'PreviousOvrlBillgBlkSts'),
  ofOrder(`${PREFIX}.OvrlDelivStsChgd.v1`, 'OverallDeliveryStatus', 'PreviousOverallDeliveryStatus'),
  ofOrder(`${PREFIX}.OvrlDlvBlkStsChgd.v1`, 'OverallDeliveryBlockStatus', 'PreviousOvrlDelivBlkSts'),
  ofOrder(`${PREFIX}.OvrlDlvConfStsChgd.v1`, 'OverallDelivConfStatus', 'PreviousOverallDelivConfStatus'),
  ofOrder(`${PREFIX}.OvrlRjcnStsChgd.v1`, 'OverallSDDocumentRejectionSts', 'PreviousOvrlSDDocRejectionSts'),
  ofOrder(`${PREFIX}.OvrlSDProcStsChgd.v1`, 'OverallSDProcessStatus', 'PreviousOverallSDProcessStatus'),
  ofOrder(`${PREFIX}.TotCrdtChkStsChgd.v1`, 'TotalCreditCheckStatus', 'PreviousTotalCreditCheckStatus'),
];

/** Every event type that this service raises. */
export const SALES_ORDER_TYPES: readonly EventName[] = [
  `${PREFIX}.Created.v1`,
  `${PREFIX}.Changed.v1`,
  `${PREFIX}.Deleted.v1`,
  `${PREFIX}.ItemCreated.v1`,
  `${PREFIX}.ItemChanged.v1`,
  `${PREFIX}.ItemDeleted.v1`,
  ...WATCHED_OF_ITEM.map(({ type }) => type),
  ...WATCHED_OF_ORDER.map(({ type }) => type),
];

/** What is told of an item by events of its own, or follows from the rest: it makes no ItemChanged. */
const KEPT_OF_ITEM = new Set<string>([
  'SDProcessStatus',
  'SDDocumentRejectionStatus',
  'DeliveryStatus',
  'DeliveryConfirmationStatus',
  'DeliveryBlockStatus',
  'BillingBlockStatus',
  'ItemGeneralIncompletionStatus',
]);

/** As above of an order: it makes no Changed. */
const KEPT_OF_ORDER = new Set<string>([
  ...WATCHED_OF_ORDER.map(({ field }) => field),
  'TotalNetAmount',
  'CreationDate',
  'LastChangeDateTime',
  'to_Item',
]);

/** A new order tells of itself and of each of its items. */
export function eventsOfCreation(order: SalesOrder, now: Date): SalesOrderEvent[] {
  return [
    { type: `${PREFIX}.Created.v1`, data: headerData(order, now) },
    ...order.to_Item.map((item) => itemCreated(order, item, now)),
  ];
}

export function eventsOfDeletion(order: SalesOrder, now: Date): SalesOrderEvent[] {
  return [{ type: `${PREFIX}.Deleted.v1`, data: headerData(order, now) }];
}

/**
 * What is other than before, and nothing else: what somebody wrote into the header (Changed) or an item (ItemChanged),
 * and each status that has moved, whether it was set or follows, with the value before. Items come by number, the
 * statuses of the whole order last.
 */
export function eventsBetween(before: SalesOrder, after: SalesOrder, now: Date): SalesOrderEvent[] {
  const header = headerData(after, now);
  return [
    ...(isWritten(before, after, KEPT_OF_ORDER) ? [{ type: `${PREFIX}.Changed.v1`, data: header } as const] : []),
    ...(before.to_Item === after.to_Item ? [] : itemEvents(before, after, now)),
    ...movedBetween(WATCHED_OF_ORDER, before, after, header),
  ];
}

/** Whether somebody wrote something other into the header. */
export function isHeaderWritten(before: SalesOrder, after: SalesOrder): boolean {
  return isWritten(before, after, KEPT_OF_ORDER);
}

/** Whether somebody wrote something other into the item. */
export function isItemWritten(before: SalesOrderItem, after: SalesOrderItem): boolean {
  return isWritten(before, after, KEPT_OF_ITEM);
}

function itemEvents(before: SalesOrder, after: SalesOrder, now: Date): SalesOrderEvent[] {
  const earlier = new Map(before.to_Item.map((item) => [item.SalesOrderItem, item]));
  const later = new Map(after.to_Item.map((item) => [item.SalesOrderItem, item]));
  const numbers = [...new Set([...earlier.keys(), ...later.keys()])].toSorted((a, b) => Number(a) - Number(b));
  return numbers.flatMap((number): SalesOrderEvent[] => {
    const [old, item] = [earlier.get(number), later.get(number)];
    if (old === undefined) return item === undefined ? [] : [itemCreated(after, item, now)];
    if (item === undefined) return [{ type: `${PREFIX}.ItemDeleted.v1`, data: itemData(after, old, now) }];
    if (item === old) return [];
    const data = itemData(after, item, now);
    const changed = isItemWritten(old, item) ? [{ type: `${PREFIX}.ItemChanged.v1`, data } as const] : [];
    return [...changed, ...movedBetween(WATCHED_OF_ITEM, old, item, data)];
  });
}

function movedBetween<S extends object>(
  watched: readonly Watched<S>[],
  before: S,
  after: S,
  data: HeaderData | ItemData,
): SalesOrderEvent[] {
  return watched
    .filter(({ field }) => before[field] !== after[field])
    .map(({ type, field, as, previous, also }) => {
      const besides = Object.fromEntries(also.map((name) => [name, after[name]]));
      const values = { [as]: after[field], [previous]: before[field], ...besides };
      // The tables above hold the names to the types; the schema holds the data once more when it is raised.
      return { type, data: { ...data, ...values } } as SalesOrderEvent;
    });
}

function isWritten<S extends object>(before: S, after: S, kept: ReadonlySet<string>): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof S & string>;
  return [...names].some((name) => !kept.has(name) && !isDeepStrictEqual(before[name], after[name]));
}

function itemCreated(order: SalesOrder, item: SalesOrderItem, now: Date): SalesOrderEvent {
  return { type: `${PREFIX}.ItemCreated.v1`, data: itemData(order, item, now) };
}

function headerData(order: SalesOrder, now: Date): HeaderData {
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

function itemData(order: SalesOrder, item: SalesOrderItem, now: Date): ItemData {
  return {
    ...headerData(order, now),
    SalesOrderItem: item.SalesOrderItem,
    SalesOrderItemCategory: item.SalesOrderItemCategory,
    Product: item.Material,
  };
}

function ofItem<T extends EventName>(
  type: T,
  field: keyof SalesOrderItem,
  as: keyof SalesOrderEvents[T] & string,
  previous: keyof SalesOrderEvents[T] & string,
  also: readonly (keyof SalesOrderItem & keyof SalesOrderEvents[T])[] = [],
): Watched<SalesOrderItem> {
  return { type, field, as, previous, also };
}

function ofOrder<T extends EventName>(
  type: T,
  field: keyof SalesOrder & keyof SalesOrderEvents[T],
  previous: keyof SalesOrderEvents[T] & string,
): Watched<SalesOrder> {
  return { type, field, as: field, previous, also: [] };
}
