import { HeddleError } from '@heddle/event';
import type { ChangeBy, EntityChanges, Keys, Payload } from '@heddle/odata';
import { readShape } from '@heddle/runtime';
import { sumOf } from './amounts.js';
import { ownerOf, requestOf } from './order-changes.js';
import { isObligatory } from './order-partners.js';
import type { OrderPartner } from './order-parts.shape.js';
import { itemPatchShape } from './sales-order-item.shape.js';
import type { SalesOrderService } from './sales-order.service.js';
import { orderPatchShape } from './sales-order.shape.js';

/*
 * What orders and their items have several of. The methods of the service take such lists as a whole; each of their
 * entities is changed as one of the list that there is at that moment.
 */

type Changes = Required<EntityChanges<SalesOrderService>>;
type List = readonly Payload[];
type OfOrder = 'to_Partner' | 'to_PricingElement' | 'to_Text';
type OfItem = 'to_Partner' | 'to_PricingElement' | 'to_ScheduleLine';

/** Of which order, and of which of its items where it is of one. */
interface Owner {
  SalesOrder: string;
  SalesOrderItem?: string;
}

/** Makes another list of the one that there is, and returns what that became. */
type Edit = (service: SalesOrderService, of: Owner, by: ChangeBy, editOf: (list: List) => List) => Promise<List>;

const PRICED_BY = ['PricingProcedureStep', 'PricingProcedureCounter'];

/** How they are changed. */
export const ORDER_PART_CHANGES = {
  partners: listed(['SalesOrder'], ['PartnerFunction'], ofOrder('to_Partner')),
  pricingElements: listed(['SalesOrder'], PRICED_BY, ofOrder('to_PricingElement')),
  texts: listed(['SalesOrder'], ['Language', 'LongTextID'], ofOrder('to_Text')),
  itemPartners: listed(['SalesOrder', 'SalesOrderItem'], ['PartnerFunction'], ofItem('to_Partner')),
  itemPricingElements: listed(['SalesOrder', 'SalesOrderItem'], PRICED_BY, ofItem('to_PricingElement')),
  scheduleLines: listed(['SalesOrder', 'SalesOrderItem'], ['ScheduleLine'], ofItem('to_ScheduleLine')),
};

function ofOrder(way: OfOrder): Edit {
  return async (service, { SalesOrder }, by, editOf) => {
    const { state } = await service.change(requestOf(SalesOrder, by), (order) => {
      const list = editOf(order[way]);
      if (way === 'to_Partner') mustKeepAll(order.to_Partner, list);
      return readShape(orderPatchShape, { [way]: list });
    });
    return state[way];
  };
}

function ofItem(way: OfItem): Edit {
  return async (service, { SalesOrder, SalesOrderItem = '' }, by, editOf) => {
    const { state } = await service.changeItem(requestOf(SalesOrder, by), SalesOrderItem, (item) => {
      const patch = readShape(itemPatchShape, { [way]: editOf(item[way]) });
      if (patch.to_ScheduleLine === undefined) return patch;
      // What is wanted of an item is what its schedule lines say together.
      return { ...patch, RequestedQuantity: sumOf(patch.to_ScheduleLine.map((one) => one.ScheduleLineOrderQuantity)) };
    });
    return state.to_Item.find((item) => item.SalesOrderItem === SalesOrderItem)?.[way] ?? [];
  };
}

/** Entities of a list, told apart by some fields; the new one is its last. */
function listed(owners: readonly (keyof Owner)[], fields: readonly string[], edit: Edit): Changes {
  const ownerIn = (keys: Keys): Owner => ({
    SalesOrder: String(keys['SalesOrder']),
    ...(owners.length === 1 ? {} : { SalesOrderItem: String(keys['SalesOrderItem']) }),
  });
  const isAt = (one: Payload, keys: Payload): boolean => fields.every((field) => one[field] === keys[field]);
  return {
    create: async (service, input, by, parent) => {
      const of = ownerIn(Object.fromEntries(owners.map((field) => [field, ownerOf(field, parent, input[field])])));
      const part = Object.fromEntries(
        Object.entries(input).filter(([name]) => !owners.some((owner) => owner === name)),
      );
      const list = await edit(service, of, by, (before) => {
        if (before.some((one) => isAt(one, part))) throw taken(fields, part);
        return [...before, part];
      });
      const made = list.at(-1);
      return { ...of, ...Object.fromEntries(fields.map((field) => [field, String(made?.[field])])) };
    },
    change: (service, { keys }, patch, by) =>
      edit(service, ownerIn(keys), by, (list) => list.map((one) => (isAt(one, keys) ? { ...one, ...patch } : one))),
    remove: (service, { keys }, by) =>
      edit(service, ownerIn(keys), by, (list) => list.filter((one) => !isAt(one, keys))),
  };
}

/** @throws HeddleError `conflict` where somebody whom every order has is to go */
function mustKeepAll(before: readonly OrderPartner[], after: List): void {
  const functions = new Set(after.map((one) => one['PartnerFunction']));
  const field = 'PartnerFunction';
  const gone = before.map((one) => one.PartnerFunction).find((one) => isObligatory(one) && !functions.has(one));
  if (gone === undefined) return;
  throw new HeddleError('conflict', `Every order has a ${gone}: name another one in place of deleting it.`, {
    field,
  });
}

function taken(fields: readonly string[], part: Payload): HeddleError {
  const named = fields.map((field) => `${field} ${String(part[field])}`).join(', ');
  return new HeddleError('conflict', `${named} is there already.`, { field: fields.at(-1) ?? '' });
}
