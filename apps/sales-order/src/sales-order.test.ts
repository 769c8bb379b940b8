import { describe, expect, it } from 'vitest';
import {
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
import { codeOf, header, input, later, now, order, typesOf } from './sales-order-trial.js';
import { orderPatchShape } from './sales-order.shape.js';

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

describe('a deletion', () => {
  it('raises Deleted, but not of what is delivered in part or whole', () => {
    expect(typesOf(deleteOrder(order, later))).toEqual(['Deleted.v1']);
    for (const status of ['B', 'C'] as const) {
      expect(codeOf(() => deleteOrder(setDeliveryStatus(order, status, now).order, later))).toBe('conflict');
    }
  });
});
