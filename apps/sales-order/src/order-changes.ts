import { fieldInvalid } from '@heddle/event';
import { type ChangeRequest, mayMatch } from '@heddle/mesh';
import type { ChangeBy, EntityAt, EntityChanges, Parent } from '@heddle/odata';
import { readShape } from '@heddle/runtime';
import { itemPatchShape, newItemShape, type Status } from './sales-order-item.shape.js';
import { newOrderShape, orderPatchShape } from './sales-order.shape.js';
import type { SalesOrderService } from './sales-order.service.js';

/** How the entities of orders are changed: by the methods of the service, within one transaction. */
export const ORDER_CHANGES = {
  orders: {
    create: async (service, input, { headers }) => {
      const { origin } = mayMatch({ params: { key: 'new' }, headers });
      const { key } = await service.create(readShape(newOrderShape, input), origin);
      return { SalesOrder: key };
    },
    change: (service, at, patch, by) => service.change(requestOf(at.key, by), readShape(orderPatchShape, patch)),
    remove: (service, at, by) => service.delete(requestOf(at.key, by)),
  },
  items: {
    create: async (service, { SalesOrder: named, ...input }, by, parent) => {
      const key = ownerOf('SalesOrder', parent, named);
      const { item } = await service.addItem(requestOf(key, by), readShape(newItemShape, input));
      return { SalesOrder: key, SalesOrderItem: item };
    },
    change: (service, at, patch, by) =>
      service.changeItem(requestOf(at.key, by), itemOf(at), readShape(itemPatchShape, patch)),
    remove: (service, at, by) => service.deleteItem(requestOf(at.key, by), itemOf(at)),
  },
} satisfies Record<string, EntityChanges<SalesOrderService>>;

/** Releases an order whose approval was asked for, or rejects it. */
export function setApproval(status: Status): NonNullable<EntityChanges<SalesOrderService>['change']> {
  return (service, { key }, _patch, by) => service.setApprovalStatus(requestOf(key, by), status);
}

function itemOf({ keys }: EntityAt): string {
  return String(keys['SalesOrderItem']);
}

/** @throws HeddleError `data-invalid` where neither the path nor the body says of which order, or item, something is */
export function ownerOf(field: 'SalesOrder' | 'SalesOrderItem', parent: Parent | undefined, named: unknown): string {
  const key = parent?.keys[field] ?? named;
  if (typeof key === 'string' && key !== '') return key;
  throw fieldInvalid(field, 'must be named, or the path goes by way of it');
}

export function requestOf(key: string, { headers }: ChangeBy): ChangeRequest {
  return mayMatch({ params: { key }, headers });
}
