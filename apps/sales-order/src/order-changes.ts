import { HeddleError } from '@heddle/event';
import { type ChangeRequest, mayMatch } from '@heddle/mesh';
import type { ChangeBy, EntityAt, EntityChanges } from '@heddle/odata';
import { shapeError } from '@heddle/runtime';
import type { z } from 'zod';
import { itemPatchShape, newItemShape, type Status } from './sales-order-item.shape.js';
import { newOrderShape, orderPatchShape } from './sales-order.shape.js';
import type { SalesOrderService } from './sales-order.service.js';

/** How the entities of orders are changed: by the methods of the service, within one transaction. */
export const ORDER_CHANGES = {
  orders: {
    create: async (service, input, { headers }) => {
      const { origin } = mayMatch({ params: { key: 'new' }, headers });
      const { key } = await service.create(read(newOrderShape, input), origin);
      return { SalesOrder: key };
    },
    change: (service, at, patch, by) => service.change(requestOf(at.key, by), read(orderPatchShape, patch)),
    remove: (service, at, by) => service.delete(requestOf(at.key, by)),
  },
  items: {
    create: async (service, { SalesOrder: named, ...input }, by, parent) => {
      const key = parent?.key ?? named;
      if (typeof key !== 'string' || key === '') {
        const rule = 'must name the order, or the path goes by way of it';
        throw new HeddleError('data-invalid', `SalesOrder: ${rule}`, { fields: [{ field: 'SalesOrder', rule }] });
      }
      const { item } = await service.addItem(requestOf(key, by), read(newItemShape, input));
      return { SalesOrder: key, SalesOrderItem: item };
    },
    change: (service, at, patch, by) =>
      service.changeItem(requestOf(at.key, by), itemOf(at), read(itemPatchShape, patch)),
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

function requestOf(key: string, { headers }: ChangeBy): ChangeRequest {
  return mayMatch({ params: { key }, headers });
}

function read<T extends z.ZodType>(shape: T, input: unknown): z.output<T> {
  const result = shape.safeParse(input);
  if (!result.success) throw shapeError(result.error.issues);
  return result.data;
}
