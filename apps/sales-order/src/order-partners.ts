import { fieldInvalid } from '@heddle/event';
import type { OrderPartner } from './order-parts.shape.js';
import type { OrderPatch, SalesOrder } from './sales-order.shape.js';

const SOLD_TO = 'SP';
/** Sold-to, ship-to, bill-to, payer: every order has them. */
const OBLIGATORY = [SOLD_TO, 'SH', 'BP', 'PY'];

/** Whether every order has somebody in this function. */
export function isObligatory(partnerFunction: string): boolean {
  return OBLIGATORY.includes(partnerFunction);
}

/**
 * The partners of an order: who must be there and is not named, is who it is sold to.
 *
 * @throws HeddleError `data-invalid` for a sold-to party other than that of the order
 */
export function partnersOf(soldTo: string, given: readonly OrderPartner[]): OrderPartner[] {
  const named = new Map(given.map(({ PartnerFunction, Customer }) => [PartnerFunction, Customer]));
  if ((named.get(SOLD_TO) ?? soldTo) !== soldTo) {
    throw fieldInvalid('to_Partner', `must have the SoldToParty, which is ${soldTo}, as its ${SOLD_TO}`);
  }
  return [
    ...OBLIGATORY.map((PartnerFunction) => ({ PartnerFunction, Customer: named.get(PartnerFunction) ?? soldTo })),
    ...given.filter(({ PartnerFunction }) => !OBLIGATORY.includes(PartnerFunction)),
  ];
}

/** After a patch of the header: who was the sold-to party before, in whatever function, follows it. */
export function partnersAfter(order: SalesOrder, patch: OrderPatch): OrderPartner[] {
  const soldTo = patch.SoldToParty ?? order.SoldToParty;
  if (patch.to_Partner !== undefined) return partnersOf(soldTo, patch.to_Partner);
  if (soldTo === order.SoldToParty) return order.to_Partner;
  return order.to_Partner.map(({ PartnerFunction, Customer }) => ({
    PartnerFunction,
    Customer: Customer === order.SoldToParty ? soldTo : Customer,
  }));
}

/** Everybody that an order names, in its header and its items, each once. */
export function customersIn(order: {
  to_Partner?: readonly OrderPartner[] | undefined;
  to_Item?: readonly { to_Partner: readonly OrderPartner[] }[] | undefined;
}): string[] {
  const partners = [...(order.to_Partner ?? []), ...(order.to_Item ?? []).flatMap((item) => item.to_Partner)];
  return [...new Set(partners.map(({ Customer }) => Customer))];
}
