import { HeddleError } from '@heddle/event';
import type { Address, NewAddress } from './partner-parts.shape.js';

/** Addresses, e-mails and phones without a number get the next one. @throws HeddleError `conflict` for a number twice */
export function numberedAddresses(addresses: readonly NewAddress[]): Address[] {
  const ids = withNumbers(addresses.map(({ AddressID }) => AddressID));
  return addresses.map((address, index) => ({
    ...address,
    AddressID: ids[index] ?? '',
    to_EmailAddress: withOrdinals(address.to_EmailAddress),
    to_PhoneNumber: withOrdinals(address.to_PhoneNumber),
    to_MobilePhoneNumber: withOrdinals(address.to_MobilePhoneNumber),
  }));
}

function withOrdinals<T extends { OrdinalNumber?: string | undefined }>(
  parts: readonly T[],
): (T & { OrdinalNumber: string })[] {
  const ordinals = withNumbers(parts.map(({ OrdinalNumber }) => OrdinalNumber));
  return parts.map((part, index) => ({ ...part, OrdinalNumber: ordinals[index] ?? '' }));
}

function withNumbers(given: readonly (string | undefined)[]): string[] {
  const taken = new Set<string>();
  for (const number of given) {
    if (number === undefined) continue;
    if (taken.has(number)) throw new HeddleError('conflict', `The number ${number} is there twice.`);
    taken.add(number);
  }
  let next = 1;
  return given.map((number) => {
    if (number !== undefined) return number;
    while (taken.has(String(next))) next += 1;
    taken.add(String(next));
    return String(next);
  });
}
