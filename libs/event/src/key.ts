import { HeddleError } from './errors.js';

const MAX_KEY_BYTES = 256;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff]/u;

/**
 * The one form of a business key, everywhere: in record keys, subjects, references and look-ups. A key of digits loses
 * its leading zeros, as S/4HANA shows it (`0000004711` is `4711`); anything else stays as it is, in Unicode form NFC.
 *
 * @throws HeddleError `attribute-invalid` for an empty key, one of more than 256 bytes, or one with control characters.
 */
export function canonicalKey(key: string): string {
  const trimmed = key.trim().normalize('NFC');
  if (trimmed === '') throw new HeddleError('attribute-invalid', 'The business key is empty.', { field: 'subject' });
  if (FORBIDDEN.test(trimmed)) {
    throw new HeddleError('attribute-invalid', 'The business key has a control character.', { field: 'subject' });
  }
  if (Buffer.byteLength(trimmed) > MAX_KEY_BYTES) {
    throw new HeddleError('attribute-invalid', `The business key is longer than ${MAX_KEY_BYTES} bytes.`, {
      field: 'subject',
    });
  }
  return /^0+\d/.test(trimmed) && /^\d+$/.test(trimmed) ? trimmed.replace(/^0+(?=\d)/, '') : trimmed;
}
