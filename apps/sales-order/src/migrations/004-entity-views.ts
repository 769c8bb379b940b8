import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/*
 * What stands in the documents of orders as rows and columns, for whoever asks over many of them: one view per entity of
 * S/4, its columns called as its fields. Days and instants are ISO 8601, which sorts as text. They show the very rows
 * that changes write, so they are never behind.
 */

const HEADER = [
  ...['SalesOrder', 'SalesOrderType', 'SalesOrganization', 'DistributionChannel', 'OrganizationDivision'],
  ...['SalesGroup', 'SalesOffice', 'SoldToParty', 'Contract', 'PurchaseOrderByCustomer', 'SalesOrderDate'],
  ...['RequestedDeliveryDate', 'PricingDate', 'TransactionCurrency', 'ShippingCondition', 'CustomerPaymentTerms'],
  ...['DeliveryBlockReason', 'HeaderBillingBlockReason', 'IncotermsClassification', 'IncotermsLocation1'],
  ...['SalesDocApprovalStatus', 'TotalCreditCheckStatus', 'OverallSDProcessStatus', 'OverallSDDocumentRejectionSts'],
  ...['OverallDeliveryStatus', 'OverallDelivConfStatus', 'OverallDeliveryBlockStatus', 'OverallBillingBlockStatus'],
  ...['CreationDate', 'LastChangeDateTime'],
] as const;
const HEADER_DECIMALS = ['TotalNetAmount'] as const;

const ITEM = [
  ...['SalesOrderItem', 'SalesOrderItemCategory', 'SalesOrderItemText', 'Material', 'RequestedQuantityUnit'],
  ...['MaterialGroup', 'ProductionPlant', 'StorageLocation', 'ShippingPoint', 'DeliveryPriority'],
  ...['SalesDocumentRjcnReason', 'ItemBillingBlockReason', 'ProfitCenter', 'WBSElement', 'SDProcessStatus'],
  ...['SDDocumentRejectionStatus', 'DeliveryStatus', 'DeliveryConfirmationStatus', 'DeliveryBlockStatus'],
  ...['BillingBlockStatus', 'ItemGeneralIncompletionStatus'],
] as const;
const ITEM_DECIMALS = ['RequestedQuantity', 'NetAmount'] as const;

const LINE = [
  'ScheduleLine',
  'RequestedDeliveryDate',
  'ConfirmedDeliveryDate',
  'DelivBlockReasonForSchedLine',
] as const;
const LINE_DECIMALS = ['ScheduleLineOrderQuantity', 'ConfdOrderQtyByMatlAvailCheck'] as const;
const PARTNER = ['PartnerFunction', 'Customer'] as const;
const ELEMENT = ['PricingProcedureStep', 'PricingProcedureCounter', 'ConditionType', 'ConditionCurrency'] as const;
const ELEMENT_DECIMALS = ['ConditionRateValue', 'ConditionAmount'] as const;
const TEXT = ['Language', 'LongTextID', 'LongText'] as const;

/** Decimals come as text, as everywhere. */
type Row<Columns extends readonly string[]> = Readonly<
  Record<'key' | 'SalesOrder' | Columns[number], string> & { version: number }
>;
type ItemRow<Columns extends readonly string[]> = Row<[...Columns, 'SalesOrderItem']>;

export interface SalesOrderViews {
  a_sales_order: Row<[...typeof HEADER, ...typeof HEADER_DECIMALS]>;
  a_sales_order_item: ItemRow<[...typeof ITEM, ...typeof ITEM_DECIMALS]>;
  a_sales_order_schedule_line: ItemRow<[...typeof LINE, ...typeof LINE_DECIMALS]>;
  a_sales_order_header_partner: Row<typeof PARTNER>;
  a_sales_order_item_partner: ItemRow<typeof PARTNER>;
  a_sales_order_header_pr_element: Row<[...typeof ELEMENT, ...typeof ELEMENT_DECIMALS]>;
  a_sales_order_item_pr_element: ItemRow<[...typeof ELEMENT, ...typeof ELEMENT_DECIMALS]>;
  a_sales_order_text: Row<typeof TEXT>;
}

const KEY = [`state ->> 'SalesOrder' as "SalesOrder"`];
const ITEM_KEY = [...KEY, `item ->> 'SalesOrderItem' as "SalesOrderItem"`];
const ITEMS = `cross join lateral jsonb_array_elements(state -> 'to_Item') as item`;

/** The columns of a part of the document, and how one gets to it. */
const VIEWS: Record<keyof SalesOrderViews, { columns: readonly string[]; joins?: readonly string[] }> = {
  a_sales_order: { columns: columnsOf('state', HEADER, HEADER_DECIMALS) },
  a_sales_order_item: { columns: [...KEY, ...columnsOf('item', ITEM, ITEM_DECIMALS)], joins: [ITEMS] },
  a_sales_order_schedule_line: {
    columns: [...ITEM_KEY, ...columnsOf('line', LINE, LINE_DECIMALS)],
    joins: [ITEMS, `cross join lateral jsonb_array_elements(item -> 'to_ScheduleLine') as line`],
  },
  a_sales_order_header_partner: {
    columns: [...KEY, ...columnsOf('partner', PARTNER)],
    joins: [`cross join lateral jsonb_array_elements(state -> 'to_Partner') as partner`],
  },
  a_sales_order_item_partner: {
    columns: [...ITEM_KEY, ...columnsOf('partner', PARTNER)],
    joins: [ITEMS, `cross join lateral jsonb_array_elements(item -> 'to_Partner') as partner`],
  },
  a_sales_order_header_pr_element: {
    columns: [...KEY, ...columnsOf('element', ELEMENT, ELEMENT_DECIMALS)],
    joins: [`cross join lateral jsonb_array_elements(state -> 'to_PricingElement') as element`],
  },
  a_sales_order_item_pr_element: {
    columns: [...ITEM_KEY, ...columnsOf('element', ELEMENT, ELEMENT_DECIMALS)],
    joins: [ITEMS, `cross join lateral jsonb_array_elements(item -> 'to_PricingElement') as element`],
  },
  a_sales_order_text: {
    columns: [...KEY, ...columnsOf('long_text', TEXT)],
    joins: [`cross join lateral jsonb_array_elements(state -> 'to_Text') as long_text`],
  },
};

export const createEntityViews: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const [name, { columns, joins = [] }] of Object.entries(VIEWS)) {
      const from = ['sales_order', ...joins].join(' ');
      const select = ['sales_order.key', 'sales_order.version', ...columns].join(', ');
      await sql.raw(`create view ${name} as select ${select} from ${from} where not is_deleted`).execute(db);
    }
  },
};

function columnsOf(of: string, texts: readonly string[], decimals: readonly string[] = []): string[] {
  return [
    ...texts.map((name) => `${of} ->> '${name}' as "${name}"`),
    ...decimals.map((name) => `(${of} ->> '${name}')::numeric as "${name}"`),
  ];
}
