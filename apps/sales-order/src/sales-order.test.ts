import { HeddleError } from '@heddle/event';
import { describe, expect, it } from 'vitest';
import {
  type Change,
  addItem,
  changeItem,
  changeOrder,
  createOrder,
  deleteItem,
  deleteOrder,
  rejectItem,
  setApprovalStatus,
  setCreditStatus,
  setDeliveryStatus,
  setItemDeliveryStatus,
} from './sales-order.js';
import { itemPatchShape, newItemShape } from './sales-order-item.shape.js';
import { type NewOrder, newOrderShape, orderPatchShape } from './sales-order.shape.js';

const now = new Date('2026-01-31T12:00:00.000Z');
const later = new Date('2026-02-01T08:30:00.000Z');

const input = (more: object = {}): NewOrder =>
  newOrderShape.parse({
    SalesOrganization: '1710',
    DistributionChannel: '10',
    OrganizationDivision: '00',
    SoldToParty: '0017100002',
    to_Item: [
      { Material: 'TG11', RequestedQuantity: '10', NetAmount: '99.90' },
      { Material: 'TG12', NetAmount: '0.105' },
    ],
    ...more,
  });

const order = createOrder(input(), '4711', now).order;
const header = {
  SalesOrder: '4711',
  SalesOrderType: 'OR',
  SalesOrganization: '1710',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: '17100002',
};

const typesOf = ({ events }: Change): string[] =>
  events.map(({ type }) => type.replace('sap.s4.beh.salesorder.v1.SalesOrder.', ''));

const codeOf = (rule: () => unknown): string => {
  try {
    rule();
    return 'no error';
  } catch (error) {
    return error instanceof HeddleError ? error.code : String(error);
  }
};

describe('a new sales order', () => {
  it('raises Created with the fields of S/4, then ItemCreated for each of its items', () => {
    const change = createOrder(input(), '4711', now);
    expect(typesOf(change)).toEqual(['Created.v1', 'ItemCreated.v1', 'ItemCreated.v1']);
    expect(change.events[0]?.data).toEqual({ ...header, EventRaisedDateTime: '2026-01-31T12:00:00.000Z' });
    expect(change.events[2]?.data).toEqual({
      ...header,
      SalesOrderItem: '20',
      SalesOrderItemCategory: 'TAN',
      Product: 'TG12',
      EventRaisedDateTime: '2026-01-31T12:00:00.000Z',
    });
  });

  it('adds its net amounts exactly', () => {
    expect(order.TotalNetAmount).toBe('100.005');
    expect(createOrder(input({ to_Item: [] }), '1', now).order.TotalNetAmount).toBe('0');
    const large = { NetAmount: '9999999999999.999' };
    expect(createOrder(input({ to_Item: [large, large] }), '1', now).order.TotalNetAmount).toBe('19999999999999.998');
  });

  it('numbers its items in tens after the highest, and refuses a number twice', () => {
    const numbers = (items: object[]) =>
      createOrder(input({ to_Item: items }), '1', now).order.to_Item.map(({ SalesOrderItem }) => SalesOrderItem);
    expect(numbers([{}, {}])).toEqual(['10', '20']);
    expect(numbers([{ SalesOrderItem: '000015' }, {}])).toEqual(['15', '20']);
    expect(codeOf(() => numbers([{ SalesOrderItem: '10' }, { SalesOrderItem: '0010' }]))).toBe('conflict');
  });
});

describe('a change of the header', () => {
  it('raises Changed with the fields as they are after it', () => {
    const change = changeOrder(
      order,
      orderPatchShape.parse({ SoldToParty: '5', PurchaseOrderByCustomer: 'PO-1' }),
      later,
    );
    expect(typesOf(change)).toEqual(['Changed.v1']);
    expect(change.events[0]?.data).toEqual({ ...header, SoldToParty: '5', EventRaisedDateTime: later.toISOString() });
    expect(change.order).toMatchObject({ PurchaseOrderByCustomer: 'PO-1', LastChangeDateTime: later.toISOString() });
  });

  it('raises nothing and keeps the state when no field differs', () => {
    for (const patch of [
      {},
      { SoldToParty: '0017100002' },
      { PurchaseOrderByCustomer: '' },
      { SalesOrderType: 'OR' },
    ]) {
      expect(changeOrder(order, orderPatchShape.parse(patch), later)).toEqual({ order, events: [] });
    }
  });

  it('is refused once the order is completely delivered', () => {
    const delivered = setDeliveryStatus(order, 'C', now).order;
    expect(codeOf(() => changeOrder(delivered, { IncotermsLocation1: 'Hull' }, later))).toBe('conflict');
    expect(codeOf(() => addItem(delivered, newItemShape.parse({}), later))).toBe('conflict');
    expect(codeOf(() => deleteItem(delivered, '10', later))).toBe('conflict');
    expect(codeOf(() => changeItem(delivered, '10', { Material: 'X' }, later))).toBe('conflict');
  });
});

describe('items', () => {
  it('raise ItemCreated when added, and count into the total', () => {
    const change = addItem(order, newItemShape.parse({ Material: 'TG13', NetAmount: '1' }), later);
    expect(typesOf(change)).toEqual(['ItemCreated.v1']);
    expect(change.item.SalesOrderItem).toBe('30');
    expect(change.order.TotalNetAmount).toBe('101.005');
    expect(change.events[0]?.data).toMatchObject({ SalesOrderItem: '30', Product: 'TG13' });
  });

  it('raise ItemChanged only when a field differs', () => {
    const change = changeItem(order, '10', itemPatchShape.parse({ RequestedQuantity: '11', Material: 'TG14' }), later);
    expect(typesOf(change)).toEqual(['ItemChanged.v1']);
    expect(change.events[0]?.data).toMatchObject({ SalesOrderItem: '10', Product: 'TG14' });
    expect(change.order.to_Item[0]).toMatchObject({ RequestedQuantity: '11', Material: 'TG14' });
    expect(change.order.to_Item[1]).toBe(order.to_Item[1]);
    // The same amount in another spelling is the same amount.
    expect(changeItem(order, '10', itemPatchShape.parse({ RequestedQuantity: '010.000' }), later).events).toEqual([]);
  });

  it('raise ItemDeleted with what the item was', () => {
    const change = deleteItem(order, '20', later);
    expect(typesOf(change)).toEqual(['ItemDeleted.v1']);
    expect(change.events[0]?.data).toMatchObject({ SalesOrderItem: '20', Product: 'TG12' });
    expect(change.order.TotalNetAmount).toBe('99.9');
    expect(change.order.to_Item).toHaveLength(1);
  });

  it('that are not there are not found', () => {
    expect(codeOf(() => changeItem(order, '99', {}, later))).toBe('not-found');
    expect(codeOf(() => deleteItem(order, '99', later))).toBe('not-found');
  });
});

describe('the statuses', () => {
  it('raise ApprovalStsChanged and TotCrdtChkStsChgd with the value before', () => {
    const approved = setApprovalStatus(order, 'B', later);
    expect(typesOf(approved)).toEqual(['ApprovalStsChanged.v1']);
    expect(approved.events[0]?.data).toEqual({
      ...header,
      SalesDocApprovalStatus: 'B',
      PreviousSalesDocApprovalStatus: '',
      EventRaisedDateTime: later.toISOString(),
    });
    const released = setCreditStatus(setCreditStatus(order, 'B', later).order, 'D', later);
    expect(released.events.map(({ data }) => data)).toEqual([
      {
        ...header,
        TotalCreditCheckStatus: 'D',
        PreviousTotalCreditCheckStatus: 'B',
        EventRaisedDateTime: later.toISOString(),
      },
    ]);
  });

  it('of an item move those of the order', () => {
    const part = setItemDeliveryStatus(order, '10', 'C', later);
    expect(typesOf(part)).toEqual([
      'ItmDelivStsChgd.v1',
      'ItmSDProcStsChgd.v1',
      'OvrlDelivStsChgd.v1',
      'OvrlSDProcStsChgd.v1',
    ]);
    expect(part.events[0]?.data).toEqual({
      ...header,
      SalesOrderItem: '10',
      SalesOrderItemCategory: 'TAN',
      Product: 'TG11',
      DeliveryStatus: 'C',
      PreviousDeliveryStatus: 'A',
      EventRaisedDateTime: later.toISOString(),
    });
    expect(part.events[2]?.data).toMatchObject({ OverallDeliveryStatus: 'B', PreviousOverallDeliveryStatus: 'A' });
    const whole = setDeliveryStatus(part.order, 'C', later);
    expect(whole.events[0]?.data).toMatchObject({ SalesOrderItem: '20' });
    expect(whole.events[2]?.data).toMatchObject({ OverallDeliveryStatus: 'C', PreviousOverallDeliveryStatus: 'B' });
  });

  it('raise nothing when they stay', () => {
    expect(setApprovalStatus(order, '', later)).toEqual({ order, events: [] });
    expect(setCreditStatus(order, '', later)).toEqual({ order, events: [] });
    expect(setDeliveryStatus(order, 'A', later)).toEqual({ order, events: [] });
    expect(setItemDeliveryStatus(order, '10', 'A', later)).toEqual({ order, events: [] });
  });

  it('let no goods leave without an approval that is asked for, without credit, or past a block', () => {
    const blocked = (patch: object) => changeOrder(order, orderPatchShape.parse(patch), now).order;
    const line = { ScheduleLineOrderQuantity: '5' };
    const lines = [line, { ...line, DelivBlockReasonForSchedLine: '01' }];
    const partly = changeItem(order, '10', itemPatchShape.parse({ to_ScheduleLine: lines }), now).order;
    for (const held of [
      setApprovalStatus(order, 'A', now).order,
      setApprovalStatus(order, 'C', now).order,
      setCreditStatus(order, 'B', now).order,
      blocked({ DeliveryBlockReason: '01' }),
    ]) {
      expect(codeOf(() => setDeliveryStatus(held, 'B', later))).toBe('conflict');
      expect(codeOf(() => setItemDeliveryStatus(held, '20', 'B', later))).toBe('conflict');
      expect(codeOf(() => setDeliveryStatus(held, '', later))).toBe('no error');
    }
    for (const held of [setCreditStatus(order, 'C', now).order, partly]) {
      expect(codeOf(() => setItemDeliveryStatus(held, '10', 'C', later))).toBe('conflict');
      expect(codeOf(() => setItemDeliveryStatus(held, '10', 'B', later))).toBe('no error');
    }
    const empty = createOrder(input({ to_Item: [] }), '1', now).order;
    expect(codeOf(() => setDeliveryStatus(empty, 'B', later))).toBe('conflict');
  });
});

describe('a rejection', () => {
  it('ends an item and tells why; taken back, it is as before', () => {
    const rejected = rejectItem(order, '10', '61', later);
    expect(typesOf(rejected)).toEqual([
      'ItemChanged.v1',
      'ItmRjcnStsChgd.v1',
      'ItmSDProcStsChgd.v1',
      'OvrlRjcnStsChgd.v1',
      'OvrlSDProcStsChgd.v1',
    ]);
    expect(rejected.events[1]?.data).toEqual({
      ...header,
      SalesOrderItem: '10',
      SalesOrderItemCategory: 'TAN',
      Product: 'TG11',
      SDDocumentRejectionStatus: 'C',
      PreviousSDDocRejectionStatus: 'A',
      SalesDocumentRjcnReason: '61',
      EventRaisedDateTime: later.toISOString(),
    });
    // Another reason is a change of the item, not of its status.
    expect(typesOf(rejectItem(rejected.order, '10', '62', later))).toEqual(['ItemChanged.v1']);
    const back = rejectItem(rejected.order, '10', '', later);
    expect(typesOf(back)).toEqual(typesOf(rejected));
    expect(back.order).toEqual({ ...order, LastChangeDateTime: later.toISOString() });
  });

  it('leaves the rest to be delivered, and is refused for what was delivered whole', () => {
    const rejected = rejectItem(order, '10', '61', later).order;
    expect(codeOf(() => setItemDeliveryStatus(rejected, '10', 'B', later))).toBe('conflict');
    const delivered = setDeliveryStatus(rejected, 'C', later).order;
    expect(delivered).toMatchObject({ OverallDeliveryStatus: 'C', OverallSDProcessStatus: 'C' });
    expect(delivered.to_Item.map(({ DeliveryStatus }) => DeliveryStatus)).toEqual(['A', 'C']);
    const part = setItemDeliveryStatus(order, '10', 'C', later).order;
    expect(codeOf(() => rejectItem(part, '10', '61', later))).toBe('conflict');
    expect(codeOf(() => deleteItem(part, '10', later))).toBe('conflict');
    expect(codeOf(() => deleteItem(part, '20', later))).toBe('no error');
  });
});

describe('schedule lines', () => {
  const patched = (patch: object) => changeItem(order, '10', itemPatchShape.parse(patch), later);
  const line = (quantity: string, confirmed = '0') => ({
    ScheduleLineOrderQuantity: quantity,
    ConfdOrderQtyByMatlAvailCheck: confirmed,
  });

  it('are one of the whole quantity, which follows it, as long as nobody says otherwise', () => {
    expect(order.to_Item[0]?.to_ScheduleLine).toEqual([
      {
        ScheduleLine: '1',
        RequestedDeliveryDate: null,
        ConfirmedDeliveryDate: null,
        ScheduleLineOrderQuantity: '10',
        ConfdOrderQtyByMatlAvailCheck: '0',
        DelivBlockReasonForSchedLine: '',
      },
    ]);
    const confirmed = patched({ to_ScheduleLine: [line('10', '10')] }).order;
    const less = changeItem(confirmed, '10', itemPatchShape.parse({ RequestedQuantity: '4' }), later).order;
    expect(less.to_Item[0]?.to_ScheduleLine).toMatchObject([{ ...line('4', '4'), ScheduleLine: '1' }]);
    const several = patched({ to_ScheduleLine: [line('4'), line('6')] }).order;
    expect(codeOf(() => changeItem(several, '10', { RequestedQuantity: '11' }, later))).toBe('conflict');
  });

  it('confirm an item in part and whole, and with it the order', () => {
    const part = patched({ to_ScheduleLine: [line('10', '2.5')] });
    expect(typesOf(part)).toEqual(['ItemChanged.v1', 'ItmDlvConfStsChgd.v1', 'OvrlDlvConfStsChgd.v1']);
    expect(part.events[1]?.data).toMatchObject({ DeliveryConfirmationStatus: 'B', PreviousDeliveryConfStatus: 'A' });
    const whole = changeItem(part.order, '10', itemPatchShape.parse({ to_ScheduleLine: [line('10', '10')] }), later);
    // The other item is not confirmed yet.
    expect(typesOf(whole)).toEqual(['ItemChanged.v1', 'ItmDlvConfStsChgd.v1']);
  });

  it('must be as much as the item, confirm no more, and have each number once', () => {
    for (const to_ScheduleLine of [
      [line('9')],
      [line('10', '10.001')],
      [
        { ...line('4'), ScheduleLine: '1' },
        { ...line('6'), ScheduleLine: '0001' },
      ],
    ]) {
      expect(codeOf(() => patched({ to_ScheduleLine }))).toBe('data-invalid');
    }
    const numbered = patched({ to_ScheduleLine: [line('4'), { ...line('6'), ScheduleLine: '1' }] }).order;
    expect(numbered.to_Item[0]?.to_ScheduleLine.map(({ ScheduleLine }) => ScheduleLine)).toEqual(['2', '1']);
  });
});

describe('the partners of an order', () => {
  const functions = (partners: readonly { PartnerFunction: string; Customer: string }[]) =>
    partners.map(({ PartnerFunction, Customer }) => `${PartnerFunction} ${Customer}`);

  it('are the sold-to party where nobody else is named, and follow it', () => {
    const named = createOrder(input({ to_Partner: [{ PartnerFunction: 'SH', Customer: '0000000041' }] }), '1', now).order;
    expect(functions(named.to_Partner)).toEqual(['SP 17100002', 'SH 41', 'BP 17100002', 'PY 17100002']);
    const moved = changeOrder(named, orderPatchShape.parse({ SoldToParty: '5' }), later);
    expect(functions(moved.order.to_Partner)).toEqual(['SP 5', 'SH 41', 'BP 5', 'PY 5']);
    expect(typesOf(moved)).toEqual(['Changed.v1']);
  });

  it('have each function once, and no other sold-to party', () => {
    const other = [{ PartnerFunction: 'SP', Customer: '41' }];
    expect(codeOf(() => createOrder(input({ to_Partner: other }), '1', now))).toBe('data-invalid');
    const twice = [...other, ...other];
    expect(orderPatchShape.safeParse({ to_Partner: twice }).error?.issues[0]?.path).toEqual(['to_Partner']);
  });
});

describe('a deletion', () => {
  it('raises Deleted, but not of what is delivered in part or whole', () => {
    expect(typesOf(deleteOrder(order, later))).toEqual(['Deleted.v1']);
    for (const status of ['B', 'C'] as const) {
      expect(codeOf(() => deleteOrder(setDeliveryStatus(order, status, now).order, later))).toBe('conflict');
    }
  });
});

describe('the shapes', () => {
  it('name each wrong field: too long, unknown, no decimal', () => {
    const outcome = newOrderShape.safeParse({
      SalesOrder: '12345678901',
      SalesOrganization: '17100',
      DistributionChannel: '10',
      OrganizationDivision: '00',
      SoldToParty: '',
      Colour: 'red',
      to_Item: [{ Material: 'M'.repeat(41), NetAmount: '1e3', RequestedQuantity: '1.2345' }],
    });
    expect(
      outcome.error?.issues.flatMap((issue) => [issue.path.join('.'), ...('keys' in issue ? issue.keys : [])]),
    ).toEqual(
      expect.arrayContaining([
        'SalesOrder',
        'SalesOrganization',
        'SoldToParty',
        'Colour',
        'to_Item.0.Material',
        'to_Item.0.NetAmount',
        'to_Item.0.RequestedQuantity',
      ]),
    );
  });

  it('take prices below zero, in one spelling', () => {
    const element = { PricingProcedureStep: '011', ConditionType: 'DRN1', ConditionAmount: '-012.50' };
    expect(orderPatchShape.parse({ to_PricingElement: [element] }).to_PricingElement).toEqual([
      {
        PricingProcedureStep: '11',
        PricingProcedureCounter: '1',
        ConditionType: 'DRN1',
        ConditionRateValue: '0',
        ConditionAmount: '-12.5',
        ConditionCurrency: 'EUR',
      },
    ]);
    const spelled = ['-0.000', '1.234567891', '00.5'].map(
      (ConditionRateValue) =>
        orderPatchShape.parse({ to_PricingElement: [{ ...element, ConditionRateValue }] }).to_PricingElement?.[0],
    );
    expect(spelled.map((one) => one?.ConditionRateValue)).toEqual(['0', '1.234567891', '0.5']);
    for (const ConditionAmount of ['1e3', '--1', '1.2345', '-']) {
      expect(orderPatchShape.safeParse({ to_PricingElement: [{ ...element, ConditionAmount }] }).success).toBe(false);
    }
  });

  it('bring keys into their one form', () => {
    expect(newOrderShape.parse(input({ SalesOrder: '0000004711' })).SalesOrder).toBe('4711');
    expect(input().SoldToParty).toBe('17100002');
  });
});
