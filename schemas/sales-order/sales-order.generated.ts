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

/** The billing block status of an item of a sales order has changed. */
export interface SalesOrderItmBillgBlkStsChgd {
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
  /** Billing block status now: A not blocked, C blocked. At most 1 character. */
  BillingBlockStatus: string;
  /** Billing block status before. At most 1 character. */
  PreviousBillingBlockStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The delivery block status of an item of a sales order has changed. */
export interface SalesOrderItmDelivBlkStsChgd {
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
  /** Delivery block status now: A not blocked, B partly, C completely blocked. At most 1 character. */
  DeliveryBlockStatus: string;
  /** Delivery block status before. At most 1 character. */
  PreviousDeliveryBlockStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The delivery status of an item of a sales order has changed. */
export interface SalesOrderItmDelivStsChgd {
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
  /** Delivery status now: A not, B partly, C completely delivered; empty when delivery does not apply. At most 1 character. */
  DeliveryStatus: string;
  /** Delivery status before. At most 1 character. */
  PreviousDeliveryStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The delivery confirmation status of an item of a sales order has changed. */
export interface SalesOrderItmDlvConfStsChgd {
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
  /** Delivery confirmation status now: A nothing, B a part, C all of the quantity is confirmed. At most 1 character. */
  DeliveryConfirmationStatus: string;
  /** Delivery confirmation status before. At most 1 character. */
  PreviousDeliveryConfStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The general incompletion status of an item of a sales order has changed. */
export interface SalesOrderItmGenIncplStsChgd {
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
  /** General incompletion status now: A nothing, B a part, C all of what an item needs is there. At most 1 character. */
  ItemGeneralIncompletionStatus: string;
  /** General incompletion status before. At most 1 character. */
  PreviousItmGenIncompltnSts: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The profit center of an item of a sales order has changed. */
export interface SalesOrderItmPrftCtrChanged {
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
  /** Profit center now; empty for none. At most 10 characters. */
  ProfitCenter: string;
  /** Profit center before. At most 10 characters. */
  PreviousProfitCenter: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The rejection status of an item of a sales order has changed. */
export interface SalesOrderItmRjcnStsChgd {
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
  /** Rejection status now: A not rejected, C rejected. At most 1 character. */
  SDDocumentRejectionStatus: string;
  /** Rejection status before. At most 1 character. */
  PreviousSDDocRejectionStatus: string;
  /** Why it is rejected; empty when it is not. At most 2 characters. */
  SalesDocumentRjcnReason: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The processing status of an item of a sales order has changed. */
export interface SalesOrderItmSDProcStsChgd {
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
  /** Processing status now: A not, B partly, C completely processed. At most 1 character. */
  SDProcessStatus: string;
  /** Processing status before. At most 1 character. */
  PreviousSDProcessStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The WBS element of an item of a sales order has changed. */
export interface SalesOrderItmWBSElmntChanged {
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
  /** Element of the work breakdown structure now; empty for none. At most 24 characters. */
  WBSElementInternalID: string;
  /** Element of the work breakdown structure before. At most 24 characters. */
  PreviousWBSElementInternalID: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The overall billing block status of a sales order has changed. */
export interface SalesOrderOvrlBlgBlkStsChgd {
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
  /** Billing block status of the whole order now: A no item, B some, C all items are blocked. At most 1 character. */
  OverallBillingBlockStatus: string;
  /** Billing block status before. At most 1 character. */
  PreviousOvrlBillgBlkSts: string;
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

/** The overall delivery block status of a sales order has changed. */
export interface SalesOrderOvrlDlvBlkStsChgd {
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
  /** Delivery block status of the whole order now: A no item, B some, C all items are blocked. At most 1 character. */
  OverallDeliveryBlockStatus: string;
  /** Delivery block status before. At most 1 character. */
  PreviousOvrlDelivBlkSts: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The overall delivery confirmation status of a sales order has changed. */
export interface SalesOrderOvrlDlvConfStsChgd {
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
  /** Delivery confirmation status of the whole order now: A nothing, B a part, C all is confirmed; empty when delivery does not apply. At most 1 character. */
  OverallDelivConfStatus: string;
  /** Delivery confirmation status before. At most 1 character. */
  PreviousOverallDelivConfStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The overall rejection status of a sales order has changed. */
export interface SalesOrderOvrlRjcnStsChgd {
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
  /** Rejection status of the whole order now: A no item, B some, C all items are rejected. At most 1 character. */
  OverallSDDocumentRejectionSts: string;
  /** Rejection status before. At most 1 character. */
  PreviousOvrlSDDocRejectionSts: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The overall processing status of a sales order has changed. */
export interface SalesOrderOvrlSDProcStsChgd {
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
  /** Processing status of the whole order now: A not, B partly, C completely processed. At most 1 character. */
  OverallSDProcessStatus: string;
  /** Processing status before. At most 1 character. */
  PreviousOverallSDProcessStatus: string;
  /** When the event was raised. ISO 8601 (timestamp-millis). */
  EventRaisedDateTime: string;
}

/** The credit check status of a sales order has changed. */
export interface SalesOrderTotCrdtChkStsChgd {
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
  /** Credit check status now: A passed, B failed, C failed and released in part, D released; empty when it was not checked. At most 1 character. */
  TotalCreditCheckStatus: string;
  /** Credit check status before. At most 1 character. */
  PreviousTotalCreditCheckStatus: string;
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
  /** The billing block status of an item of a sales order has changed. */
  ItmBillgBlkStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmBillgBlkStsChgd.v1',
  /** The delivery block status of an item of a sales order has changed. */
  ItmDelivBlkStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmDelivBlkStsChgd.v1',
  /** The delivery status of an item of a sales order has changed. */
  ItmDelivStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmDelivStsChgd.v1',
  /** The delivery confirmation status of an item of a sales order has changed. */
  ItmDlvConfStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmDlvConfStsChgd.v1',
  /** The general incompletion status of an item of a sales order has changed. */
  ItmGenIncplStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmGenIncplStsChgd.v1',
  /** The profit center of an item of a sales order has changed. */
  ItmPrftCtrChanged: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmPrftCtrChanged.v1',
  /** The rejection status of an item of a sales order has changed. */
  ItmRjcnStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmRjcnStsChgd.v1',
  /** The processing status of an item of a sales order has changed. */
  ItmSDProcStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmSDProcStsChgd.v1',
  /** The WBS element of an item of a sales order has changed. */
  ItmWBSElmntChanged: 'sap.s4.beh.salesorder.v1.SalesOrder.ItmWBSElmntChanged.v1',
  /** The overall billing block status of a sales order has changed. */
  OvrlBlgBlkStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlBlgBlkStsChgd.v1',
  /** The overall delivery status of a sales order has changed. */
  OvrlDelivStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDelivStsChgd.v1',
  /** The overall delivery block status of a sales order has changed. */
  OvrlDlvBlkStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDlvBlkStsChgd.v1',
  /** The overall delivery confirmation status of a sales order has changed. */
  OvrlDlvConfStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDlvConfStsChgd.v1',
  /** The overall rejection status of a sales order has changed. */
  OvrlRjcnStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlRjcnStsChgd.v1',
  /** The overall processing status of a sales order has changed. */
  OvrlSDProcStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.OvrlSDProcStsChgd.v1',
  /** The credit check status of a sales order has changed. */
  TotCrdtChkStsChgd: 'sap.s4.beh.salesorder.v1.SalesOrder.TotCrdtChkStsChgd.v1',
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
  /** The billing block status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmBillgBlkStsChgd.v1': SalesOrderItmBillgBlkStsChgd;
  /** The delivery block status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmDelivBlkStsChgd.v1': SalesOrderItmDelivBlkStsChgd;
  /** The delivery status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmDelivStsChgd.v1': SalesOrderItmDelivStsChgd;
  /** The delivery confirmation status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmDlvConfStsChgd.v1': SalesOrderItmDlvConfStsChgd;
  /** The general incompletion status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmGenIncplStsChgd.v1': SalesOrderItmGenIncplStsChgd;
  /** The profit center of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmPrftCtrChanged.v1': SalesOrderItmPrftCtrChanged;
  /** The rejection status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmRjcnStsChgd.v1': SalesOrderItmRjcnStsChgd;
  /** The processing status of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmSDProcStsChgd.v1': SalesOrderItmSDProcStsChgd;
  /** The WBS element of an item of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.ItmWBSElmntChanged.v1': SalesOrderItmWBSElmntChanged;
  /** The overall billing block status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlBlgBlkStsChgd.v1': SalesOrderOvrlBlgBlkStsChgd;
  /** The overall delivery status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDelivStsChgd.v1': SalesOrderOvrlDelivStsChgd;
  /** The overall delivery block status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDlvBlkStsChgd.v1': SalesOrderOvrlDlvBlkStsChgd;
  /** The overall delivery confirmation status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlDlvConfStsChgd.v1': SalesOrderOvrlDlvConfStsChgd;
  /** The overall rejection status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlRjcnStsChgd.v1': SalesOrderOvrlRjcnStsChgd;
  /** The overall processing status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.OvrlSDProcStsChgd.v1': SalesOrderOvrlSDProcStsChgd;
  /** The credit check status of a sales order has changed. */
  'sap.s4.beh.salesorder.v1.SalesOrder.TotCrdtChkStsChgd.v1': SalesOrderTotCrdtChkStsChgd;
}
