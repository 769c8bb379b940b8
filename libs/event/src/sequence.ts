import { HeddleError } from './errors.js';

const DIGITS = 12;

/** The number of an event among all events of its object as the `sequence` extension: text that sorts as it counts. */
export function formatSequence(sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence >= 10 ** DIGITS) {
    throw new HeddleError('attribute-invalid', `${sequence} is not a sequence number from 1 to 10^12 - 1.`, {
      field: 'sequence',
    });
  }
  return String(sequence).padStart(DIGITS, '0');
}

/** The number of an event among all events of its object; 0 for one that others than its owner have published: only owners number. */
export function sequenceOf({ attributes }: { attributes: Readonly<Record<string, string | undefined>> }): number {
  return Number(attributes['sequence'] ?? 0);
}
