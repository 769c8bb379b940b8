import { createOutboxTables } from '@heddle/outbox';
import { createSalesOrderTables } from './001-sales-order.js';
import { createKnownContract } from './002-known-contract.js';
import { completeSalesOrders } from './003-complete-orders.js';
import { createEntityViews } from './004-entity-views.js';

/** In the order of their names; each runs once per database. */
export const migrations = {
  '000-outbox': createOutboxTables,
  '001-sales-order': createSalesOrderTables,
  '002-known-contract': createKnownContract,
  '003-complete-orders': completeSalesOrders,
  '004-entity-views': createEntityViews,
};
