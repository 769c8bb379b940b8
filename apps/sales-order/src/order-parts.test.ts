import { describe, expect, it } from 'vitest';
import { changeItem, changeOrder, createOrder } from './sales-order.js';
import { itemPatchShape } from './sales-order-item.shape.js';
import { codeOf, input, later, now, order, typesOf } from './sales-order-trial.js';
import { newOrderShape, orderPatchShape } from './sales-order.shape.js';

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
    const named = createOrder(
      input({ to_Partner: [{ PartnerFunction: 'SH', Customer: '0000000041' }] }),
      '1',
      now,
    ).order;
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
