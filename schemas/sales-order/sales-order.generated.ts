// Generated from the .avsc files by `npm run schemas`; not to be changed by hand.

/** The approval status of a sales order has changed. */
export interface SalesOrderApprovalStsChanged {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** Approval status now; empty when approval does not apply. At most 1 character. */
  SalesDocApprovalStatus: string;
  /** Approval status before. At most 1 character. */
  PreviousSalesDocApprovalStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** A sales order was changed. */
export interface SalesOrderChanged {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** A sales order was created. */
export interface SalesOrderCreated {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** A sales order was deleted. */
export interface SalesOrderDeleted {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** An item of a sales order was changed. */
export interface SalesOrderItemChanged {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** Number of the item within the order. At most 6 characters. */
  SalesOrderItem: string;
  /** Kind of item, as TAN for a standard item. At most 4 characters. */
  SalesOrderItemCategory: string;
  /** Product ordered; empty for an item without one. At most 40 characters. */
  Product: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** An item was added to a sales order. */
export interface SalesOrderItemCreated {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** Number of the item within the order. At most 6 characters. */
  SalesOrderItem: string;
  /** Kind of item, as TAN for a standard item. At most 4 characters. */
  SalesOrderItemCategory: string;
  /** Product ordered; empty for an item without one. At most 40 characters. */
  Product: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** An item of a sales order was deleted. */
export interface SalesOrderItemDeleted {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** Number of the item within the order. At most 6 characters. */
  SalesOrderItem: string;
  /** Kind of item, as TAN for a standard item. At most 4 characters. */
  SalesOrderItemCategory: string;
  /** Product ordered; empty for an item without one. At most 40 characters. */
  Product: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The overall delivery status of a sales order has changed. */
export interface SalesOrderOvrlDelivStsChgd {
  /** Number of the sales order, without leading zeros. At most 10 characters. */
  SalesOrder: string;
  /** Kind of order, as OR for a standard order. At most 4 characters. */
  SalesOrderType: string;
  /** Organization that sells. At most 4 characters. */
  SalesOrganization: string;
  /** Way the goods reach the customer. At most 2 characters. */
  DistributionChannel: string;
  /** Product division. At most 2 characters. */
  OrganizationDivision: string;
  /** Business partner that ordered. At most 10 characters. */
  SoldToParty: string;
  /** Delivery status of the whole order now; empty when delivery does not apply. At most 1 character. */
  OverallDeliveryStatus: string;
  /** Delivery status before. At most 1 character. */
  PreviousOverallDeliveryStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The event types of sales-order, to be named in code: `@EventPattern(SalesOrderEvent.ApprovalStsChanged)`. */
export const SalesOrderEvent = {
  /** The approval status of a sales order has changed. */
  ApprovalStsChanged: 'sap.s4.beh.salesorder.v1.SalesOrder.ApprovalStsChanged.v1',
  /** A sales order was changed. */
  Changed: 'sap.s4.beh.salesorder.v1.SalesOrder.Changed.v1',
  /** A sales order was created. */
  Created: 'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1',
  /** A sales order was deleted. */
  Deleted: 'sap.s4.beh.salesorder.v1.SalesOrder.Deleted.v1',
  /** An item of a sales order was changed. */
  ItemChanged: 'sap.s4.beh.salesorder.v1.SalesOrder.ItemChanged.v1',
  /** An item was added to a sales order. */
  ItemCreated: 'sap.s4.beh.salesorder.v1.SalesOrder.ItemCreated.v1',
  /** An item of a sales order was deleted. */
  ItemDeleted: 'sap.s4.beh.salesorder.v1.SalesOrder.ItemDeleted.v1',
  /** The overall delivery status of a sales order has changed. */
  OvrlDelivStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDelivStsChgd.v1',
} as const;
export type SalesOrderEvent = (typeof SalesOrderEvent)[keyof typeof SalesOrderEvent];

/** The data of each event type of sales-order. */
export interface SalesOrderEvents {
  /** The approval status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ApprovalStsChanged.v1': SalesOrderApprovalStsChanged;
  /** A sales order was changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.Changed.v1': SalesOrderChanged;
  /** A sales order was created. */
  'sap.s4.beh.salesorder.v1.SalesOrder.Created.v1': SalesOrderCreated;
  /** A sales order was deleted. */
  'sap.s4.beh.salesorder.v1.SalesOrder.Deleted.v1': SalesOrderDeleted;
  /** An item of a sales order was changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItemChanged.v1': SalesOrderItemChanged;
  /** An item was added to a sales order. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItemCreated.v1': SalesOrderItemCreated;
  /** An item of a sales order was deleted. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItemDeleted.v1': SalesOrderItemDeleted;
  /** The overall delivery status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDelivStsChgd.v1': SalesOrderOvrlDelivStsChgd;
}
