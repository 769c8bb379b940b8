import fc from 'fast-check';
import { HeddleError } from '@heddle/event';
import { SalesOrderEvent as EventNames } from '@heddle/schemas';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  addItem,
  changeItem,
  changeOrder,
  createOrder,
  deleteItem,
  rejectItem,
  setApprovalStatus,
  setCreditStatus,
  setDeliveryStatus,
  setItemDeliveryStatus,
} from './sales-order.js';
import { SALES_ORDER_TYPES } from './sales-order-events.js';
import { type SalesOrderItem, itemPatchShape, newItemShape } from './sales-order-item.shape.js';
import { type SalesOrder, newOrderShape, orderPatchShape } from './sales-order.shape.js';

const now = new Date('2026-01-31T12:00:00.000Z');

/** How events call what they tell of an order: the field of the order, that of the event, that of the value before. */
const OF_ORDER: Record<string, [keyof SalesOrder, string]> = {
  ApprovalStsChanged: ['SalesDocApprovalStatus', 'PreviousSalesDocApprovalStatus'],
  OvrlBlgBlkStsChgd: ['OverallBillingBlockStatus', 'PreviousOvrlBillgBlkSts'],
  OvrlDelivStsChgd: ['OverallDeliveryStatus', 'PreviousOverallDeliveryStatus'],
  OvrlDlvBlkStsChgd: ['OverallDeliveryBlockStatus', 'PreviousOvrlDelivBlkSts'],
  OvrlDlvConfStsChgd: ['OverallDelivConfStatus', 'PreviousOverallDelivConfStatus'],
  OvrlRjcnStsChgd: ['OverallSDDocumentRejectionSts', 'PreviousOvrlSDDocRejectionSts'],
  OvrlSDProcStsChgd: ['OverallSDProcessStatus', 'PreviousOverallSDProcessStatus'],
  TotCrdtChkStsChgd: ['TotalCreditCheckStatus', 'PreviousTotalCreditCheckStatus'],
};

const OF_ITEM: Record<string, [keyof SalesOrderItem, string, string]> = {
  ItmBillgBlkStsChgd: ['BillingBlockStatus', 'BillingBlockStatus', 'PreviousBillingBlockStatus'],
  ItmDelivBlkStsChgd: ['DeliveryBlockStatus', 'DeliveryBlockStatus', 'PreviousDeliveryBlockStatus'],
  ItmDelivStsChgd: ['DeliveryStatus', 'DeliveryStatus', 'PreviousDeliveryStatus'],
  ItmDlvConfStsChgd: ['DeliveryConfirmationStatus', 'DeliveryConfirmationStatus', 'PreviousDeliveryConfStatus'],
  ItmGenIncplStsChgd: ['ItemGeneralIncompletionStatus', 'ItemGeneralIncompletionStatus', 'PreviousItmGenIncompltnSts'],
  ItmPrftCtrChanged: ['ProfitCenter', 'ProfitCenter', 'PreviousProfitCenter'],
  ItmRjcnStsChgd: ['SDDocumentRejectionStatus', 'SDDocumentRejectionStatus', 'PreviousSDDocRejectionStatus'],
  ItmSDProcStsChgd: ['SDProcessStatus', 'SDProcessStatus', 'PreviousSDProcessStatus'],
  ItmWBSElmntChanged: ['WBSElement', 'WBSElementInternalID', 'PreviousWBSElementInternalID'],
};

/** What somebody who only ever hears the events knows of an order. */
class Listener {
  readonly order: Record<string, unknown>;
  readonly items = new Map<string, Record<string, unknown>>();

  /** A new order is read once; everything after that is told. */
  constructor(created: SalesOrder) {
    this.order = pick(
      created,
      Object.values(OF_ORDER).map(([field]) => field),
    );
    for (const item of created.to_Item) this.items.set(item.SalesOrderItem, watchedOf(item));
  }

  /** Takes an event; what it says of before must be what is known. */
  hear({ type, data }: Change['events'][number], after: SalesOrder): void {
    const action = type.split('.').at(-2)!;
    const told: Record<string, unknown> = { ...data };
    const [order, item] = [OF_ORDER[action], OF_ITEM[action]];
    const number = String(told['SalesOrderItem']);
    if (order !== undefined) this.#move(this.order, order[0], told[order[0]], told[order[1]]);
    if (item !== undefined) this.#move(this.items.get(number)!, item[0], told[item[1]], told[item[2]]);
    if (action === 'ItemDeleted') expect(this.items.delete(number)).toBe(true);
    if (action === 'ItemCreated') {
      expect(this.items.has(number)).toBe(false);
      this.items.set(number, watchedOf(after.to_Item.find((one) => one.SalesOrderItem === number)!));
    }
  }

  #move(known: Record<string, unknown>, field: string, value: unknown, previous: unknown): void {
    expect(previous).toBe(known[field]);
    expect(value).not.toBe(previous);
    known[field] = value;
  }
}

describe('the events of a change', () => {
  it('are of every type that there is a schema for, and of no other', () => {
    expect(SALES_ORDER_TYPES.toSorted()).toEqual(Object.values<string>(EventNames).toSorted());
    expect(new Set(SALES_ORDER_TYPES).size).toBe(23);
  });

  it('are exactly the differences, whatever is done in whatever order, and their values before chain', () => {
    const raised = new Set<string>();
    fc.assert(
      fc.property(orderArbitrary, fc.array(stepArbitrary, { maxLength: 25 }), (input, steps) => {
        let { order } = createOrder(newOrderShape.parse(input), '4711', now);
        const listener = new Listener(order);
        for (const [index, step] of steps.entries()) {
          const later = new Date(now.getTime() + (index + 1) * 1000);
          const change = taken(step, order, later);
          if (change === undefined) continue;
          for (const event of change.events) {
            raised.add(event.type);
            listener.hear(event, change.order);
          }
          tellWhatWasWritten(order, change);
          expect(change.order === order).toBe(change.events.length === 0);
          if (change.events.length > 0) expect(change.order.LastChangeDateTime).toBe(later.toISOString());
          order = change.order;
          expect(listener.order).toEqual(
            pick(
              order,
              Object.values(OF_ORDER).map(([field]) => field),
            ),
          );
          expect(Object.fromEntries(listener.items)).toEqual(
            Object.fromEntries(order.to_Item.map((item) => [item.SalesOrderItem, watchedOf(item)])),
          );
        }
      }),
      { numRuns: 400 },
    );
    // All that a change of an order can raise has come up: only the whole of it is created and deleted.
    expect(SALES_ORDER_TYPES.filter((type) => !raised.has(type)).map((type) => type.split('.').at(-2))).toEqual([
      'Created',
      'Deleted',
    ]);
  });

  it('do not come when the same is done again', () => {
    fc.assert(
      fc.property(orderArbitrary, stepArbitrary, (input, step) => {
        const { order } = createOrder(newOrderShape.parse(input), '4711', now);
        const once = taken(step, order, now);
        if (once === undefined || step.kind === 'add' || step.kind === 'remove') return;
        expect(taken(step, once.order, now)?.events ?? []).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** Changed and ItemChanged are there for what was written, and only then. */
function tellWhatWasWritten(before: SalesOrder, { order, events }: Change): void {
  const told = (action: string): unknown[] =>
    events
      .filter(({ type }) => type.endsWith(`.SalesOrder.${action}.v1`))
      .map(({ data }) => (data as { SalesOrderItem?: string }).SalesOrderItem);
  const watched = Object.values(OF_ORDER).map(([field]) => field);
  const kept = new Set<string>([...watched, 'TotalNetAmount', 'LastChangeDateTime', 'to_Item']);
  const written = (one: SalesOrder): string => JSON.stringify(Object.entries(one).filter(([name]) => !kept.has(name)));
  expect(told('Changed')).toHaveLength(written(before) === written(order) ? 0 : 1);
  const itemsOf = (one: SalesOrder): Map<string, string> =>
    new Map(one.to_Item.map((item) => [item.SalesOrderItem, JSON.stringify(writtenOf(item))]));
  const [old, young] = [itemsOf(before), itemsOf(order)];
  const changed = [...young].filter(([number, text]) => old.has(number) && old.get(number) !== text);
  expect(told('ItemChanged')).toEqual(changed.map(([number]) => number).toSorted((a, b) => Number(a) - Number(b)));
}

function writtenOf(item: SalesOrderItem): object {
  const statuses = Object.values(OF_ITEM).map(([field]) => field as string);
  const own = new Set(['ProfitCenter', 'WBSElement']);
  return Object.fromEntries(Object.entries(item).filter(([name]) => own.has(name) || !statuses.includes(name)));
}

function watchedOf(item: SalesOrderItem): Record<string, unknown> {
  return pick(
    item,
    Object.values(OF_ITEM).map(([field]) => field),
  );
}

function pick<T extends object>(object: T, names: readonly (keyof T)[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}

const reason = fc.constantFrom('', '01', '02');
const status = fc.constantFrom('', 'A', 'B', 'C');
const material = fc.constantFrom('', 'TG11', 'TG12');
/** Schedule lines of ten pieces. */
const lines = fc.constantFrom(
  [{ ScheduleLineOrderQuantity: '10' }],
  [{ ScheduleLineOrderQuantity: '10', ConfdOrderQtyByMatlAvailCheck: '10' }],
  [{ ScheduleLineOrderQuantity: '4', ConfdOrderQtyByMatlAvailCheck: '4' }, { ScheduleLineOrderQuantity: '6' }],
  [{ ScheduleLineOrderQuantity: '4', DelivBlockReasonForSchedLine: '01' }, { ScheduleLineOrderQuantity: '6' }],
);
const itemArbitrary = fc.record({
  Material: material,
  RequestedQuantity: fc.constantFrom('0', '10'),
  SalesDocumentRjcnReason: reason,
  ItemBillingBlockReason: reason,
});
const orderArbitrary = fc.record({
  SalesOrganization: fc.constant('1710'),
  DistributionChannel: fc.constant('10'),
  OrganizationDivision: fc.constant('00'),
  SoldToParty: fc.constant('17100002'),
  DeliveryBlockReason: reason,
  HeaderBillingBlockReason: reason,
  to_Item: fc.array(itemArbitrary, { maxLength: 3 }),
});
const stepArbitrary = fc.oneof(
  fc.record({
    kind: fc.constant('header' as const),
    patch: fc.record(
      {
        DeliveryBlockReason: reason,
        HeaderBillingBlockReason: reason,
        SoldToParty: fc.constantFrom('17100002', '17100003'),
        PurchaseOrderByCustomer: fc.constantFrom('', 'PO-1'),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({
    kind: fc.constant('item' as const),
    item: fc.nat(3),
    patch: fc.oneof(
      fc.record(
        {
          Material: material,
          SalesDocumentRjcnReason: reason,
          ItemBillingBlockReason: reason,
          ProfitCenter: fc.constantFrom('', 'YB110'),
          WBSElement: fc.constantFrom('', 'PR-1'),
          SalesOrderItemText: fc.constantFrom('', 'soon'),
        },
        { requiredKeys: [] },
      ),
      fc.record({ RequestedQuantity: fc.constantFrom('0', '10', '12') }),
      fc.record({ RequestedQuantity: fc.constant('10'), to_ScheduleLine: lines }),
    ),
  }),
  fc.record({ kind: fc.constant('add' as const), input: itemArbitrary }),
  fc.record({ kind: fc.constant('remove' as const), item: fc.nat(3) }),
  fc.record({ kind: fc.constant('reject' as const), item: fc.nat(3), reason }),
  fc.record({ kind: fc.constant('deliverItem' as const), item: fc.nat(3), status }),
  fc.record({ kind: fc.constant('deliver' as const), status }),
  fc.record({ kind: fc.constant('approve' as const), status }),
  fc.record({ kind: fc.constant('credit' as const), status: fc.constantFrom('', 'A', 'B', 'C', 'D') }),
);
type Step = typeof stepArbitrary extends fc.Arbitrary<infer S> ? S : never;

/** The change, or nothing where the rules stand against it. */
function taken(step: Step, order: SalesOrder, at: Date): Change | undefined {
  try {
    return ruleOf(step, order, at);
  } catch (error) {
    if (error instanceof HeddleError && ['conflict', 'not-found', 'data-invalid'].includes(error.code))
      return undefined;
    throw error;
  }
}

function ruleOf(step: Step, order: SalesOrder, at: Date): Change {
  const number = 'item' in step ? (order.to_Item[step.item]?.SalesOrderItem ?? '999') : '';
  switch (step.kind) {
    case 'header':
      return changeOrder(order, orderPatchShape.parse(step.patch), at);
    case 'item':
      return changeItem(order, number, itemPatchShape.parse(step.patch), at);
    case 'add':
      return addItem(order, newItemShape.parse(step.input), at);
    case 'remove':
      return deleteItem(order, number, at);
    case 'reject':
      return rejectItem(order, number, step.reason, at);
    case 'deliverItem':
      return setItemDeliveryStatus(order, number, step.status as 'A', at);
    case 'deliver':
      return setDeliveryStatus(order, step.status as 'A', at);
    case 'approve':
      return setApprovalStatus(order, step.status as 'A', at);
    case 'credit':
      return setCreditStatus(order, step.status as 'A', at);
  }
}
