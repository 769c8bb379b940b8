import {
  type EntityModel,
  type PropertyModel,
  type ServiceModel,
  day,
  dayOfInstant,
  decimal,
  defineService,
  instant,
  longText,
  number,
  text,
} from '@heddle/odata';
import { sql } from 'kysely';
import { ORDER_CHANGES, setApproval } from './order-changes.js';
import { ORDER_PART_CHANGES } from './order-part-changes.js';
import type { SalesOrderService } from './sales-order.service.js';

/*
 * API_SALES_ORDER_SRV, as S/4HANA has it: which entities there are, what stands in them, and which way leads where. Their
 * rows are the views of the documents.
 */

const always = { written: 'always' } as const;
const once = { written: 'once' } as const;
const order = { SalesOrder: number(10, { label: 'Sales Order', ...once }) };
const item = { ...order, SalesOrderItem: number(6, { label: 'Sales Order Item', ...once }) };
/** Who did it is no part of orders. */
const user: PropertyModel = text(12, { computed: () => sql`''::text` });

/** The ways back, from what belongs to an order and to an item of it. */
const to_SalesOrder = { to: 'A_SalesOrder', many: false };
const toOrder = { to_SalesOrder };
const toItem = { to_SalesOrder, to_SalesOrderItem: { to: 'A_SalesOrderItem', many: false, on: ['SalesOrderItem'] } };

const ORDER: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrder',
  label: 'Header',
  view: 'a_sales_order',
  keys: ['SalesOrder'],
  objectKey: 'SalesOrder',
  properties: {
    ...order,
    SalesOrderType: text(4, always),
    SalesOrganization: text(4, always),
    DistributionChannel: text(2, always),
    OrganizationDivision: text(2, always),
    SalesGroup: text(3, always),
    SalesOffice: text(4, always),
    SoldToParty: number(10, { label: 'Sold-to Party', ...always }),
    CreationDate: day(),
    CreatedByUser: user,
    LastChangeDate: dayOfInstant('LastChangeDateTime'),
    LastChangeDateTime: instant(),
    PurchaseOrderByCustomer: text(35, always),
    SalesOrderDate: day(always),
    TotalNetAmount: decimal(16, 3),
    TransactionCurrency: text(5, always),
    PricingDate: day(always),
    RequestedDeliveryDate: day(always),
    ShippingCondition: text(2, always),
    HeaderBillingBlockReason: text(2, always),
    DeliveryBlockReason: text(2, always),
    IncotermsClassification: text(3, always),
    IncotermsLocation1: text(70, always),
    CustomerPaymentTerms: text(4, always),
    SalesDocApprovalStatus: text(1),
    TotalCreditCheckStatus: text(1),
    OverallSDProcessStatus: text(1),
    OverallSDDocumentRejectionSts: text(1),
    OverallDeliveryStatus: text(1),
    OverallDelivConfStatus: text(1),
    OverallDeliveryBlockStatus: text(1),
    OverallBillingBlockStatus: text(1),
  },
  navigations: {
    to_Item: { to: 'A_SalesOrderItem', many: true, on: ['SalesOrder'], isDeep: true },
    to_Partner: { to: 'A_SalesOrderHeaderPartner', many: true, on: ['SalesOrder'], isDeep: true },
    to_PricingElement: { to: 'A_SalesOrderHeaderPrElement', many: true, on: ['SalesOrder'], isDeep: true },
    to_Text: { to: 'A_SalesOrderText', many: true, on: ['SalesOrder'], isDeep: true },
  },
  changes: ORDER_CHANGES.orders,
};

const ITEM: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderItem',
  label: 'Item',
  view: 'a_sales_order_item',
  keys: ['SalesOrder', 'SalesOrderItem'],
  objectKey: 'SalesOrder',
  properties: {
    ...item,
    SalesOrderItemCategory: text(4, always),
    SalesOrderItemText: text(40, always),
    Material: text(40, always),
    RequestedQuantity: decimal(15, 3, always),
    RequestedQuantityUnit: text(3, always),
    NetAmount: decimal(16, 3, always),
    MaterialGroup: text(9, always),
    ProductionPlant: text(4, always),
    StorageLocation: text(4, always),
    ShippingPoint: text(4, always),
    DeliveryPriority: text(2, always),
    SalesDocumentRjcnReason: text(2, always),
    ItemBillingBlockReason: text(2, always),
    ProfitCenter: text(10, always),
    WBSElement: text(24, always),
    SDProcessStatus: text(1),
    SDDocumentRejectionStatus: text(1),
    DeliveryStatus: text(1),
    DeliveryConfirmationStatus: text(1),
    DeliveryBlockStatus: text(1),
    BillingBlockStatus: text(1),
    ItemGeneralIncompletionStatus: text(1),
  },
  navigations: {
    to_ScheduleLine: {
      to: 'A_SalesOrderScheduleLine',
      many: true,
      on: ['SalesOrder', 'SalesOrderItem'],
      isDeep: true,
    },
    to_Partner: { to: 'A_SalesOrderItemPartner', many: true, on: ['SalesOrder', 'SalesOrderItem'], isDeep: true },
    to_PricingElement: {
      to: 'A_SalesOrderItemPrElement',
      many: true,
      on: ['SalesOrder', 'SalesOrderItem'],
      isDeep: true,
    },
    to_SalesOrder,
  },
  changes: ORDER_CHANGES.items,
};

const SCHEDULE_LINE: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderScheduleLine',
  view: 'a_sales_order_schedule_line',
  keys: ['SalesOrder', 'SalesOrderItem', 'ScheduleLine'],
  objectKey: 'SalesOrder',
  properties: {
    ...item,
    ScheduleLine: number(4, once),
    RequestedDeliveryDate: day(always),
    ConfirmedDeliveryDate: day(always),
    ScheduleLineOrderQuantity: decimal(13, 3, always),
    ConfdOrderQtyByMatlAvailCheck: decimal(13, 3, always),
    DelivBlockReasonForSchedLine: text(2, always),
  },
  navigations: toItem,
  changes: ORDER_PART_CHANGES.scheduleLines,
};

const customer = { PartnerFunction: text(2, once), Customer: number(10, always) };

const HEADER_PARTNER: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderHeaderPartner',
  view: 'a_sales_order_header_partner',
  keys: ['SalesOrder', 'PartnerFunction'],
  objectKey: 'SalesOrder',
  properties: { ...order, ...customer },
  navigations: toOrder,
  changes: ORDER_PART_CHANGES.partners,
};

const ITEM_PARTNER: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderItemPartner',
  view: 'a_sales_order_item_partner',
  keys: ['SalesOrder', 'SalesOrderItem', 'PartnerFunction'],
  objectKey: 'SalesOrder',
  properties: { ...item, ...customer },
  navigations: toItem,
  changes: ORDER_PART_CHANGES.itemPartners,
};

const priced = {
  PricingProcedureStep: number(3, once),
  PricingProcedureCounter: number(3, once),
  ConditionType: text(4, always),
  ConditionRateValue: decimal(24, 9, always),
  ConditionCurrency: text(5, always),
  ConditionAmount: decimal(16, 3, always),
};
const pricedBy = ['PricingProcedureStep', 'PricingProcedureCounter'];

const HEADER_ELEMENT: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderHeaderPrElement',
  view: 'a_sales_order_header_pr_element',
  keys: ['SalesOrder', ...pricedBy],
  objectKey: 'SalesOrder',
  properties: { ...order, ...priced },
  navigations: toOrder,
  changes: ORDER_PART_CHANGES.pricingElements,
};

const ITEM_ELEMENT: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderItemPrElement',
  view: 'a_sales_order_item_pr_element',
  keys: ['SalesOrder', 'SalesOrderItem', ...pricedBy],
  objectKey: 'SalesOrder',
  properties: { ...item, ...priced },
  navigations: toItem,
  changes: ORDER_PART_CHANGES.itemPricingElements,
};

const TEXT: EntityModel<SalesOrderService> = {
  name: 'A_SalesOrderText',
  view: 'a_sales_order_text',
  keys: ['SalesOrder', 'Language', 'LongTextID'],
  objectKey: 'SalesOrder',
  properties: { ...order, Language: text(2, once), LongTextID: text(4, once), LongText: longText(always) },
  navigations: toOrder,
  changes: ORDER_PART_CHANGES.texts,
};

const approval = { parameters: { SalesOrder: number(10) }, returns: 'A_SalesOrder' };

/** The OData service of sales orders. */
export const orderEntities: ServiceModel<SalesOrderService> = defineService({
  name: 'API_SALES_ORDER_SRV',
  namespace: 'API_SALES_ORDER_SRV',
  object: { name: 'sales order', table: 'sales_order', hasTombstones: true },
  entities: [ORDER, ITEM, SCHEDULE_LINE, HEADER_PARTNER, ITEM_PARTNER, HEADER_ELEMENT, ITEM_ELEMENT, TEXT],
  functions: [
    { name: 'releaseApprovalRequest', ...approval, run: setApproval('B') },
    { name: 'rejectApprovalRequest', ...approval, run: setApproval('C') },
  ],
});
