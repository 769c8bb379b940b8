import { canonicalKey } from '@heddle/event';
import { code, date, decimal, text } from '@heddle/mesh';
import { z } from 'zod';
import { partnersShape, pricingElementsShape } from './order-parts.shape.js';

const MAX_SCHEDULE_LINES = 50;

/** Empty: does not apply. A: not, B: partly, C: completely, of whatever the status is about. */
export const status = z.enum(['', 'A', 'B', 'C'], 'must be empty, A, B or C');

const itemNumber = z
  .string('must be text')
  .regex(/^\d{1,6}$/, 'must be a number of at most 6 digits')
  .transform(canonicalKey);

/** The number of an item in a path. */
export const itemNumberShape = itemNumber;

const lineNumber = z
  .string('must be text')
  .regex(/^\d{1,4}$/, 'must be a number of at most 4 digits')
  .transform(canonicalKey);

const newScheduleLineShape = z.strictObject({
  ScheduleLine: lineNumber.optional(),
  /** Null: that of the order. */
  RequestedDeliveryDate: date.nullable().default(null),
  ConfirmedDeliveryDate: date.nullable().default(null),
  ScheduleLineOrderQuantity: decimal(13, 3),
  ConfdOrderQtyByMatlAvailCheck: decimal(13, 3).default('0'),
  DelivBlockReasonForSchedLine: text(2).default(''),
});

const scheduleLines = z
  .array(newScheduleLineShape)
  .min(1, 'must be at least one schedule line')
  .max(MAX_SCHEDULE_LINES, `must be at most ${MAX_SCHEDULE_LINES} schedule lines`);

const itemFields = {
  SalesOrderItemCategory: code(4),
  SalesOrderItemText: text(40),
  Material: text(40),
  RequestedQuantity: decimal(15, 3),
  RequestedQuantityUnit: code(3),
  NetAmount: decimal(16, 3),
  MaterialGroup: text(9),
  ProductionPlant: text(4),
  StorageLocation: text(4),
  ShippingPoint: text(4),
  DeliveryPriority: text(2),
  /** Not empty: the item is rejected. */
  SalesDocumentRjcnReason: text(2),
  /** Not empty: the item is not billed. */
  ItemBillingBlockReason: text(2),
  ProfitCenter: text(10),
  WBSElement: text(24),
  to_ScheduleLine: scheduleLines,
  to_Partner: partnersShape,
  to_PricingElement: pricingElementsShape,
};

/** What a client may say about a new item; without schedule lines it has one, of its whole quantity. */
export const newItemShape = z.strictObject({
  SalesOrderItem: itemNumber.optional(),
  SalesOrderItemCategory: itemFields.SalesOrderItemCategory.default('TAN'),
  SalesOrderItemText: itemFields.SalesOrderItemText.default(''),
  Material: itemFields.Material.default(''),
  RequestedQuantity: itemFields.RequestedQuantity.default('1'),
  RequestedQuantityUnit: itemFields.RequestedQuantityUnit.default('PC'),
  NetAmount: itemFields.NetAmount.default('0'),
  MaterialGroup: itemFields.MaterialGroup.default(''),
  ProductionPlant: itemFields.ProductionPlant.default(''),
  StorageLocation: itemFields.StorageLocation.default(''),
  ShippingPoint: itemFields.ShippingPoint.default(''),
  DeliveryPriority: itemFields.DeliveryPriority.default(''),
  SalesDocumentRjcnReason: itemFields.SalesDocumentRjcnReason.default(''),
  ItemBillingBlockReason: itemFields.ItemBillingBlockReason.default(''),
  ProfitCenter: itemFields.ProfitCenter.default(''),
  WBSElement: itemFields.WBSElement.default(''),
  to_ScheduleLine: scheduleLines.optional(),
  to_Partner: partnersShape.default([]),
  to_PricingElement: pricingElementsShape.default([]),
});

/** A change of an item: the fields that are named; schedule lines, partners and pricing elements as a whole. */
export const itemPatchShape = z.strictObject(itemFields).partial();

/** Why an item is rejected; empty when it is no longer. */
export const rejectionShape = z.strictObject({ reason: itemFields.SalesDocumentRjcnReason });

const scheduleLineShape = newScheduleLineShape.extend({ ScheduleLine: lineNumber });

/** An item as it is answered. */
export const itemShape = newItemShape.extend({
  SalesOrderItem: itemNumber,
  SDProcessStatus: status,
  SDDocumentRejectionStatus: status,
  DeliveryStatus: status,
  DeliveryConfirmationStatus: status,
  DeliveryBlockStatus: status,
  BillingBlockStatus: status,
  ItemGeneralIncompletionStatus: status,
  to_ScheduleLine: z.array(scheduleLineShape),
});

export type Status = z.output<typeof status>;
export type NewItem = z.output<typeof newItemShape>;
export type ItemPatch = z.output<typeof itemPatchShape>;
export type SalesOrderItem = z.output<typeof itemShape>;
export type NewScheduleLine = z.output<typeof newScheduleLineShape>;
export type ScheduleLine = z.output<typeof scheduleLineShape>;
