import { canonicalKey } from '@heddle/event';
import { code, date, decimal, number, text } from '@heddle/mesh';
import { z } from 'zod';

const itemNumber = z
  .string('must be text')
  .regex(/^\d{1,6}$/, 'must be a number of at most 6 digits')
  .transform(canonicalKey);

/** The number of an item in a path. */
export const itemNumberShape = itemNumber;

const itemFields = {
  SalesOrderItemCategory: code(4),
  SalesOrderItemText: text(40),
  Material: text(40),
  RequestedQuantity: decimal(15, 3),
  RequestedQuantityUnit: code(3),
  NetAmount: decimal(16, 3),
  ProductionPlant: text(4),
  SalesDocumentRjcnReason: text(2),
};

/** What a client may say about a new item. */
export const newItemShape = z.strictObject({
  SalesOrderItem: itemNumber.optional(),
  SalesOrderItemCategory: itemFields.SalesOrderItemCategory.default('TAN'),
  SalesOrderItemText: itemFields.SalesOrderItemText.default(''),
  Material: itemFields.Material.default(''),
  RequestedQuantity: itemFields.RequestedQuantity.default('1'),
  RequestedQuantityUnit: itemFields.RequestedQuantityUnit.default('PC'),
  NetAmount: itemFields.NetAmount.default('0'),
  ProductionPlant: itemFields.ProductionPlant.default(''),
  SalesDocumentRjcnReason: itemFields.SalesDocumentRjcnReason.default(''),
});

/** A change of an item: the fields that are named. */
export const itemPatchShape = z.strictObject(itemFields).partial();

const headerFields = {
  SalesOrderType: code(4),
  SalesOrganization: code(4),
  DistributionChannel: code(2),
  OrganizationDivision: code(2),
  SoldToParty: number(10, 'business partner'),
  /** The contract that it is an order on, which is signed, in force, and with whom it is sold to; empty for none. */
  Contract: text(20)
    .regex(/^[A-Za-z0-9-]*$/, 'must be the number of a contract: letters, digits and hyphens')
    .transform((value) => (value === '' ? '' : canonicalKey(value))),
  PurchaseOrderByCustomer: text(35),
  SalesOrderDate: date.nullable(),
  RequestedDeliveryDate: date.nullable(),
  TransactionCurrency: text(5),
  ShippingCondition: text(2),
  CustomerPaymentTerms: text(4),
  DeliveryBlockReason: text(2),
  HeaderBillingBlockReason: text(2),
  IncotermsClassification: text(3),
  IncotermsLocation1: text(70),
};

const MAX_ITEMS = 1000;

/** What a client may say about a new order; without a number, one is drawn. */
export const newOrderShape = z.strictObject({
  SalesOrder: number(10, 'sales order').optional(),
  SalesOrderType: headerFields.SalesOrderType.default('OR'),
  SalesOrganization: headerFields.SalesOrganization,
  DistributionChannel: headerFields.DistributionChannel,
  OrganizationDivision: headerFields.OrganizationDivision,
  SoldToParty: headerFields.SoldToParty,
  Contract: headerFields.Contract.default(''),
  PurchaseOrderByCustomer: headerFields.PurchaseOrderByCustomer.default(''),
  SalesOrderDate: headerFields.SalesOrderDate.default(null),
  RequestedDeliveryDate: headerFields.RequestedDeliveryDate.default(null),
  TransactionCurrency: headerFields.TransactionCurrency.default('EUR'),
  ShippingCondition: headerFields.ShippingCondition.default(''),
  CustomerPaymentTerms: headerFields.CustomerPaymentTerms.default(''),
  DeliveryBlockReason: headerFields.DeliveryBlockReason.default(''),
  HeaderBillingBlockReason: headerFields.HeaderBillingBlockReason.default(''),
  IncotermsClassification: headerFields.IncotermsClassification.default(''),
  IncotermsLocation1: headerFields.IncotermsLocation1.default(''),
  to_Item: z.array(newItemShape).max(MAX_ITEMS, `must be at most ${MAX_ITEMS} items`).default([]),
});

/** A change of an order's header: the fields that are named. */
export const orderPatchShape = z.strictObject(headerFields).partial();

/** Empty: does not apply. A: in approval. B: approved. C: rejected. */
export const approvalShape = z.strictObject({ status: z.enum(['', 'A', 'B', 'C'], 'must be empty, A, B or C') });

/** Empty: does not apply. A: not delivered. B: partly delivered. C: completely delivered. */
export const deliveryShape = z.strictObject({ status: z.enum(['', 'A', 'B', 'C'], 'must be empty, A, B or C') });

/** An item as it is answered. */
export const itemShape = newItemShape.extend({ SalesOrderItem: itemNumber });

/** An order as it is answered. */
export const orderShape = newOrderShape.extend({
  SalesOrder: number(10, 'sales order'),
  SalesDocApprovalStatus: approvalShape.shape.status,
  OverallDeliveryStatus: deliveryShape.shape.status,
  TotalNetAmount: z.string(),
  CreationDate: date,
  LastChangeDateTime: z.iso.datetime(),
  to_Item: z.array(itemShape),
});

export type NewOrder = z.output<typeof newOrderShape>;
export type OrderPatch = z.output<typeof orderPatchShape>;
export type NewItem = z.output<typeof newItemShape>;
export type ItemPatch = z.output<typeof itemPatchShape>;
export type Status = z.output<typeof approvalShape>['status'];
export type SalesOrder = z.output<typeof orderShape>;
export type SalesOrderItem = z.output<typeof itemShape>;
