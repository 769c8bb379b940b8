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
  setApprovalStatus,
  setDeliveryStatus,
} from './sales-order.js';
import { type NewOrder, itemPatchShape, newItemShape, newOrderShape, orderPatchShape } from './sales-order.shape.js';

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
  it('raise ApprovalStsChanged and OvrlDelivStsChgd with the value before', () => {
    const approved = setApprovalStatus(order, 'B', later);
    expect(typesOf(approved)).toEqual(['ApprovalStsChanged.v1']);
    expect(approved.events[0]?.data).toEqual({
      ...header,
      SalesDocApprovalStatus: 'B',
      PreviousSalesDocApprovalStatus: '',
      EventRaisedDateTime: later.toISOString(),
    });
    const delivered = setDeliveryStatus(approved.order, 'B', later);
    expect(typesOf(delivered)).toEqual(['OvrlDelivStsChgd.v1']);
    expect(delivered.events[0]?.data).toMatchObject({ OverallDeliveryStatus: 'B', PreviousOverallDeliveryStatus: 'A' });
  });

  it('raise nothing when they stay', () => {
    expect(setApprovalStatus(order, '', later)).toEqual({ order, events: [] });
    expect(setDeliveryStatus(order, 'A', later)).toEqual({ order, events: [] });
  });

  it('do not let goods leave before an approval that is asked for, or after a rejection', () => {
    for (const status of ['A', 'C'] as const) {
      const asked = setApprovalStatus(order, status, now).order;
      expect(codeOf(() => setDeliveryStatus(asked, 'B', later))).toBe('conflict');
      expect(codeOf(() => setDeliveryStatus(asked, '', later))).toBe('no error');
    }
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

  it('bring keys into their one form', () => {
    expect(newOrderShape.parse(input({ SalesOrder: '0000004711' })).SalesOrder).toBe('4711');
    expect(input().SoldToParty).toBe('17100002');
  });
});
