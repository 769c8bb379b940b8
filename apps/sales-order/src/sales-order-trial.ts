import { HeddleError } from '@heddle/event';
import { type Change, createOrder } from './sales-order.js';
import { type NewOrder, newOrderShape } from './sales-order.shape.js';

/* An order of two items, and what tests ask of its changes. */

export const now = new Date('2026-01-31T12:00:00.000Z');
export const later = new Date('2026-02-01T08:30:00.000Z');

export const input = (more: object = {}): NewOrder =>
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

export const order = createOrder(input(), '4711', now).order;
export const header = {
  SalesOrder: '4711',
  SalesOrderType: 'OR',
  SalesOrganization: '1710',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: '17100002',
};

export const typesOf = ({ events }: Change): string[] =>
  events.map(({ type }) => type.replace('sap.s4.beh.salesorder.v1.SalesOrder.', ''));

export const codeOf = (rule: () => unknown): string => {
  try {
    rule();
    return 'no error';
  } catch (error) {
    return error instanceof HeddleError ? error.code : String(error);
  }
};
