import { isDeepStrictEqual } from 'node:util';
import { HeddleError } from '@heddle/event';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import type { Address, BusinessPartner, NewAddress, NewPartner, PartnerPatch } from './business-partner.shape.js';

type EventName = keyof BusinessPartnerEvents;

/** An event that a change raises. */
export type BusinessPartnerEvent = { [T in EventName]: { type: T; data: BusinessPartnerEvents[T] } }[EventName];

/** What a rule decides: the state after it and the events it raises. No events means that nothing changed. */
export interface Change {
  partner: BusinessPartner;
  events: readonly BusinessPartnerEvent[];
}

const PREFIX = 'sap.s4.beh.businesspartner.v1.BusinessPartner';

/** Every event type that this service raises. */
export const BUSINESS_PARTNER_TYPES: readonly EventName[] = [`${PREFIX}.Created.v1`, `${PREFIX}.Changed.v1`];

/** @throws HeddleError `data-invalid` for a person without a last name, an organisation without a name */
export function createPartner(input: NewPartner, number: string, uuid: string, now: Date): Change {
  const partner: BusinessPartner = {
    ...input,
    BusinessPartner: number,
    BusinessPartnerUUID: uuid,
    BusinessPartnerFullName: fullNameOf(input),
    IsNaturalPerson: input.BusinessPartnerCategory === '1',
    BusinessPartnerIsBlocked: false,
    IsMarkedForArchiving: false,
    CreationDate: now.toISOString().slice(0, 10),
    LastChangeDateTime: now.toISOString(),
    to_BusinessPartnerAddress: numbered(input.to_BusinessPartnerAddress),
  };
  mustBeNamed(partner);
  return { partner, events: [{ type: `${PREFIX}.Created.v1`, data: { BusinessPartner: number } }] };
}

/**
 * Changes, blocks, unblocks and marks for archiving. Who is marked for archiving changes no more, until the mark is
 * taken off; who has contracts that are in force is not marked.
 *
 * @throws HeddleError `conflict`, `data-invalid` as {@link createPartner}
 */
export function changePartner(partner: BusinessPartner, patch: PartnerPatch, now: Date, activeContracts = 0): Change {
  const { to_BusinessPartnerAddress: addresses, ...fields } = patch;
  const changed = {
    ...partner,
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
    to_BusinessPartnerAddress: addresses === undefined ? partner.to_BusinessPartnerAddress : numbered(addresses),
  } as BusinessPartner;
  if (isDeepStrictEqual(changed, partner)) return { partner, events: [] };
  if (partner.IsMarkedForArchiving && changed.IsMarkedForArchiving) {
    throw new HeddleError(
      'conflict',
      `Business partner ${partner.BusinessPartner} is marked for archiving: take the mark off to change it.`,
      { field: 'IsMarkedForArchiving' },
    );
  }
  if (changed.IsMarkedForArchiving && activeContracts > 0) {
    throw new HeddleError(
      'conflict',
      `Business partner ${partner.BusinessPartner} has ${activeContracts} active contracts: terminate them first.`,
      { field: 'IsMarkedForArchiving' },
    );
  }
  changed.BusinessPartnerFullName = fullNameOf(changed);
  changed.LastChangeDateTime = now.toISOString();
  mustBeNamed(changed);
  const data = { BusinessPartner: partner.BusinessPartner };
  return { partner: changed, events: [{ type: `${PREFIX}.Changed.v1`, data }] };
}

type Named = Pick<
  BusinessPartner,
  'BusinessPartnerCategory' | 'FirstName' | 'LastName' | 'OrganizationBPName1' | 'OrganizationBPName2'
>;

function fullNameOf(partner: Named): string {
  const names =
    partner.BusinessPartnerCategory === '1'
      ? [partner.FirstName, partner.LastName]
      : [partner.OrganizationBPName1, partner.OrganizationBPName2];
  return names.filter((name) => name !== '').join(' ');
}

function mustBeNamed(partner: Named): void {
  const field = partner.BusinessPartnerCategory === '1' ? 'LastName' : 'OrganizationBPName1';
  if (partner[field] === '') {
    const kind = field === 'LastName' ? 'a person' : 'an organisation';
    throw new HeddleError('data-invalid', `${field}: must not be empty for ${kind}`, {
      fields: [{ field, rule: `must not be empty for ${kind}` }],
    });
  }
}

/** Addresses and e-mails without a number get the next one; a number twice is refused. */
function numbered(addresses: readonly NewAddress[]): Address[] {
  const ids = withNumbers(addresses.map(({ AddressID }) => AddressID));
  return addresses.map((address, index) => {
    const ordinals = withNumbers(address.to_EmailAddress.map(({ OrdinalNumber }) => OrdinalNumber));
    const emails = address.to_EmailAddress.map((email, at) => ({ ...email, OrdinalNumber: ordinals[at] ?? '' }));
    return { ...address, AddressID: ids[index] ?? '', to_EmailAddress: emails };
  });
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
