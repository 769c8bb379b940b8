import { isDeepStrictEqual } from 'node:util';
import { HeddleError, fieldInvalid } from '@heddle/event';
import type { BusinessPartnerEvents } from '@heddle/schemas';
import type { BusinessPartner, NewPartner, PartnerPatch } from './business-partner.shape.js';
import { numberedAddresses } from './numbered-addresses.js';

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
  const partner = withComputed({
    ...input,
    BusinessPartner: number,
    BusinessPartnerUUID: uuid,
    BusinessPartnerIsBlocked: false,
    IsMarkedForArchiving: false,
    CreationDate: now.toISOString().slice(0, 10),
    CreationDateTime: now.toISOString(),
    LastChangeDateTime: now.toISOString(),
    to_BusinessPartnerAddress: numberedAddresses(input.to_BusinessPartnerAddress),
  });
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
    to_BusinessPartnerAddress:
      addresses === undefined ? partner.to_BusinessPartnerAddress : numberedAddresses(addresses),
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
  mustBeNamed(changed);
  const data = { BusinessPartner: partner.BusinessPartner };
  const after = withComputed({ ...changed, LastChangeDateTime: now.toISOString() });
  return { partner: after, events: [{ type: `${PREFIX}.Changed.v1`, data }] };
}

type Computed = 'BusinessPartnerFullName' | 'BusinessPartnerName' | 'Customer' | 'Supplier' | 'IsNaturalPerson';
type Named = Pick<
  BusinessPartner,
  'BusinessPartnerCategory' | 'FirstName' | 'LastName' | 'OrganizationBPName1' | 'OrganizationBPName2'
>;

const MAX_NAME = 81;

/** With the fields that follow from the others. */
export function withComputed(partner: Omit<BusinessPartner, Computed>): BusinessPartner {
  const name = nameOf(partner);
  return {
    ...partner,
    BusinessPartnerFullName: name,
    BusinessPartnerName: name,
    IsNaturalPerson: partner.BusinessPartnerCategory === '1',
    Customer: partner.to_Customer === null ? '' : partner.BusinessPartner,
    Supplier: partner.to_Supplier === null ? '' : partner.BusinessPartner,
  };
}

function nameOf(partner: Named): string {
  const names =
    partner.BusinessPartnerCategory === '1'
      ? [partner.FirstName, partner.LastName]
      : [partner.OrganizationBPName1, partner.OrganizationBPName2];
  return names
    .filter((name) => name !== '')
    .join(' ')
    .slice(0, MAX_NAME);
}

function mustBeNamed(partner: Named): void {
  const field = partner.BusinessPartnerCategory === '1' ? 'LastName' : 'OrganizationBPName1';
  if (partner[field] === '') {
    const kind = field === 'LastName' ? 'a person' : 'an organisation';
    throw fieldInvalid(field, `must not be empty for ${kind}`);
  }
}
