import { HeddleError, fieldInvalid } from '@heddle/event';
import { sumOf, thousandthsOf } from './amounts.js';
import type { ItemPatch, NewItem, NewScheduleLine, SalesOrderItem, ScheduleLine } from './sales-order-item.shape.js';

/** What stands in a new item before its statuses are brought in line. */
const NEW_STATUSES = {
  SDProcessStatus: 'A',
  SDDocumentRejectionStatus: 'A',
  DeliveryStatus: 'A',
  DeliveryConfirmationStatus: 'A',
  DeliveryBlockStatus: 'A',
  BillingBlockStatus: 'A',
  ItemGeneralIncompletionStatus: 'A',
} as const;

/**
 * Items without a number get the next ten, as S/4 gives them; without schedule lines, one of the whole quantity.
 *
 * @throws HeddleError `conflict` for a number that is taken, `data-invalid` for schedule lines that do not fit
 */
export function numberedItem(input: NewItem, others: readonly SalesOrderItem[]): SalesOrderItem {
  const highest = others.reduce((most, { SalesOrderItem }) => Math.max(most, Number(SalesOrderItem)), 0);
  const number = input.SalesOrderItem ?? String((Math.floor(highest / 10) + 1) * 10);
  if (number.length > 6) throw new HeddleError('conflict', 'The order has no item numbers left.');
  if (others.some(({ SalesOrderItem }) => SalesOrderItem === number)) {
    throw new HeddleError('conflict', `Item ${number} is there already.`, { field: 'SalesOrderItem' });
  }
  const lines = input.to_ScheduleLine ?? [lineOf(input.RequestedQuantity)];
  const to_ScheduleLine = fittingLines(input.RequestedQuantity, lines);
  return { ...input, ...NEW_STATUSES, SalesOrderItem: number, to_ScheduleLine };
}

/** The item as a patch has it. A schedule line that is the only one follows the quantity. @throws HeddleError as {@link numberedItem} */
export function patchedItem(before: SalesOrderItem, patch: ItemPatch): SalesOrderItem {
  const { to_ScheduleLine: given, ...fields } = patch;
  const named = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const item: SalesOrderItem = { ...before, ...named };
  const quantity = item.RequestedQuantity;
  if (given !== undefined) return { ...item, to_ScheduleLine: fittingLines(quantity, given) };
  if (quantity === before.RequestedQuantity) return item;
  const [line = lineOf(quantity), ...others] = before.to_ScheduleLine;
  if (others.length > 0) {
    const detail = `Item ${item.SalesOrderItem} has several schedule lines: say in to_ScheduleLine how they share the quantity.`;
    throw new HeddleError('conflict', detail, { field: 'to_ScheduleLine' });
  }
  const confirmed = line.ConfdOrderQtyByMatlAvailCheck;
  const ConfdOrderQtyByMatlAvailCheck = thousandthsOf(confirmed) > thousandthsOf(quantity) ? quantity : confirmed;
  const followed = { ...line, ScheduleLineOrderQuantity: quantity, ConfdOrderQtyByMatlAvailCheck };
  return { ...item, to_ScheduleLine: fittingLines(quantity, [followed]) };
}

/** A schedule line of a whole quantity, of which nothing is confirmed. */
export function lineOf(quantity: string): NewScheduleLine {
  return {
    RequestedDeliveryDate: null,
    ConfirmedDeliveryDate: null,
    ScheduleLineOrderQuantity: quantity,
    ConfdOrderQtyByMatlAvailCheck: '0',
    DelivBlockReasonForSchedLine: '',
  };
}

/** Lines without a number get the next one. Together they are the quantity of the item, and no more is confirmed. */
export function fittingLines(quantity: string, lines: readonly NewScheduleLine[]): ScheduleLine[] {
  const numbers = lines.map(({ ScheduleLine }) => ScheduleLine).filter((number) => number !== undefined);
  if (new Set(numbers).size < numbers.length) throw unfitting('must have each ScheduleLine once');
  if (sumOf(lines.map((line) => line.ScheduleLineOrderQuantity)) !== quantity) {
    throw unfitting(
      `must have as much ScheduleLineOrderQuantity as the item has RequestedQuantity, which is ${quantity}`,
    );
  }
  const confirmed = sumOf(lines.map((line) => line.ConfdOrderQtyByMatlAvailCheck));
  if (thousandthsOf(confirmed) > thousandthsOf(quantity)) {
    throw unfitting(`must not confirm more than the RequestedQuantity of the item, which is ${quantity}`);
  }
  let next = 1;
  return lines.map((line) => {
    while (line.ScheduleLine === undefined && numbers.includes(String(next))) next += 1;
    const ScheduleLine = line.ScheduleLine ?? String(next++);
    return { ...line, ScheduleLine };
  });
}

function unfitting(rule: string): HeddleError {
  return fieldInvalid('to_ScheduleLine', rule);
}
