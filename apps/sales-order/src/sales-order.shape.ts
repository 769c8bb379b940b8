import { canonicalKey } from '@heddle/event';
import { code, date, number, text } from '@heddle/mesh';
import { z } from 'zod';
import { partnersShape, pricingElementsShape, textsShape } from './order-parts.shape.js';
import { itemShape, newItemShape, status } from './sales-order-item.shape.js';

const headerFields = {
  SalesOrderType: code(4),
  SalesOrganization: code(4),
  DistributionChannel: code(2),
  OrganizationDivision: code(2),
  SalesGroup: text(3),
  SalesOffice: text(4),
  SoldToParty: number(10, 'business partner'),
  /** The contract that it is an order on, which is signed, in force, and with whom it is sold to; empty for none. */
  Contract: text(20)
    .regex(/^[A-Za-z0-9-]*$/, 'must be the number of a contract: letters, digits and hyphens')
    .transform((value) => (value === '' ? '' : canonicalKey(value))),
  PurchaseOrderByCustomer: text(35),
  SalesOrderDate: date.nullable(),
  RequestedDeliveryDate: date.nullable(),
  PricingDate: date.nullable(),
  TransactionCurrency: text(5),
  ShippingCondition: text(2),
  CustomerPaymentTerms: text(4),
  /** Not empty: nothing of the order is delivered. */
  DeliveryBlockReason: text(2),
  /** Not empty: nothing of the order is billed. */
  HeaderBillingBlockReason: text(2),
  IncotermsClassification: text(3),
  IncotermsLocation1: text(70),
  to_Partner: partnersShape,
  to_PricingElement: pricingElementsShape,
  to_Text: textsShape,
};

const MAX_ITEMS = 1000;

/** What a client may say about a new order; without a number, one is drawn. */
export const newOrderShape = z.strictObject({
  SalesOrder: number(10, 'sales order').optional(),
  SalesOrderType: headerFields.SalesOrderType.default('OR'),
  SalesOrganization: headerFields.SalesOrganization,
  DistributionChannel: headerFields.DistributionChannel,
  OrganizationDivision: headerFields.OrganizationDivision,
  SalesGroup: headerFields.SalesGroup.default(''),
  SalesOffice: headerFields.SalesOffice.default(''),
  SoldToParty: headerFields.SoldToParty,
  Contract: headerFields.Contract.default(''),
  PurchaseOrderByCustomer: headerFields.PurchaseOrderByCustomer.default(''),
  SalesOrderDate: headerFields.SalesOrderDate.default(null),
  RequestedDeliveryDate: headerFields.RequestedDeliveryDate.default(null),
  PricingDate: headerFields.PricingDate.default(null),
  TransactionCurrency: headerFields.TransactionCurrency.default('EUR'),
  ShippingCondition: headerFields.ShippingCondition.default(''),
  CustomerPaymentTerms: headerFields.CustomerPaymentTerms.default(''),
  DeliveryBlockReason: headerFields.DeliveryBlockReason.default(''),
  HeaderBillingBlockReason: headerFields.HeaderBillingBlockReason.default(''),
  IncotermsClassification: headerFields.IncotermsClassification.default(''),
  IncotermsLocation1: headerFields.IncotermsLocation1.default(''),
  to_Partner: partnersShape.default([]),
  to_PricingElement: pricingElementsShape.default([]),
  to_Text: textsShape.default([]),
  to_Item: z.array(newItemShape).max(MAX_ITEMS, `must be at most ${MAX_ITEMS} items`).default([]),
});

/** A change of an order's header: the fields that are named; partners, pricing elements and texts as a whole. */
export const orderPatchShape = z.strictObject(headerFields).partial();

/** Empty: does not apply. A: in approval. B: approved. C: rejected. */
export const approvalShape = z.strictObject({ status });

/** Empty: not done. A: passed. B: failed. C: failed, and released in part. D: released. */
const creditStatus = z.enum(['', 'A', 'B', 'C', 'D'], 'must be empty, A, B, C or D');

/** What came of the credit check, or of its release. */
export const creditCheckShape = z.strictObject({ status: creditStatus });

/** Empty: does not apply. A: not delivered. B: partly delivered. C: completely delivered. */
export const deliveryShape = z.strictObject({ status });

/** An order as it is answered. */
export const orderShape = newOrderShape.extend({
  SalesOrder: number(10, 'sales order'),
  SalesDocApprovalStatus: status,
  TotalCreditCheckStatus: creditStatus,
  OverallSDProcessStatus: status,
  OverallSDDocumentRejectionSts: status,
  OverallDeliveryStatus: status,
  OverallDelivConfStatus: status,
  OverallDeliveryBlockStatus: status,
  OverallBillingBlockStatus: status,
  TotalNetAmount: z.string(),
  CreationDate: date,
  LastChangeDateTime: z.iso.datetime(),
  to_Item: z.array(itemShape),
});

export type NewOrder = z.output<typeof newOrderShape>;
export type OrderPatch = z.output<typeof orderPatchShape>;
export type CreditStatus = z.output<typeof creditStatus>;
export type SalesOrder = z.output<typeof orderShape>;
