import { HeddleError, fieldInvalid } from '@heddle/event';
import { type ChangeRequest, mayMatch } from '@heddle/mesh';
import type { ChangeBy, EntityAt, EntityChanges, Keys, Parent, Payload } from '@heddle/odata';
import { readShape } from '@heddle/runtime';
import { type BusinessPartner, newPartnerShape, partnerPatchShape } from './business-partner.shape.js';
import type { BusinessPartnerService } from './business-partner.service.js';

type Changes = EntityChanges<BusinessPartnerService>;
type Address = BusinessPartner['to_BusinessPartnerAddress'][number];
type Listed =
  'to_BusinessPartnerRole' | 'to_BusinessPartnerTax' | 'to_BusinessPartnerBank' | 'to_BusinessPartnerAddress';
type OfAddress = 'to_EmailAddress' | 'to_PhoneNumber' | 'to_MobilePhoneNumber';

const partner: Changes = {
  create: async (service, input, by) => {
    const { origin } = requestOf('new', by);
    const { key } = await service.create(readShape(newPartnerShape, input), origin);
    return { BusinessPartner: key };
  },
  change: (service, { key }, patch, by) => service.change(requestOf(key, by), readShape(partnerPatchShape, patch)),
};

/** What a partner has several of, told apart by one field; the new one is the last of its list. */
function listed(list: Listed, field: string): Required<Changes> {
  const listOf = (state: BusinessPartner): readonly Payload[] => state[list];
  return {
    create: async (service, { BusinessPartner: named, ...input }, by, parent) => {
      const key = ownerOf(parent, named);
      const state = await edit(service, key, by, (before) => ({ [list]: [...listOf(before), input] }));
      return { BusinessPartner: key, [field]: textOf(listOf(state).at(-1)?.[field]) };
    },
    change: (service, { key, keys }, patch, by) =>
      edit(service, key, by, (before) => ({ [list]: changed(listOf(before), field, keys, patch) })),
    remove: (service, { key, keys }, by) =>
      edit(service, key, by, (before) => ({ [list]: listOf(before).filter((one) => one[field] !== keys[field]) })),
  };
}

/** What an address has several of. */
function ofAddress(wayOf: (at: EntityAt) => OfAddress): Required<Changes> {
  const field = 'OrdinalNumber';
  const inAddress =
    (address: unknown, way: OfAddress, editOf: (list: readonly Payload[]) => readonly Payload[]) =>
    (state: BusinessPartner): Payload => ({
      to_BusinessPartnerAddress: state.to_BusinessPartnerAddress.map((one) =>
        one.AddressID === address ? { ...one, [way]: editOf(one[way]) } : one,
      ),
    });
  return {
    create: async (service, { AddressID: _address, Person: _person, ...input }, by, parent) => {
      if (parent === undefined) {
        throw new HeddleError('method-unsupported', 'These are created from their address: POST to its navigation.');
      }
      const { AddressID } = parent.keys;
      const way = parent.navigation as OfAddress;
      const state = await edit(
        service,
        parent.key,
        by,
        inAddress(AddressID, way, (list) => [...list, input]),
      );
      const made = addressOf(state, AddressID)?.[way].at(-1);
      return { AddressID: textOf(AddressID), Person: '', [field]: textOf(made?.[field]) };
    },
    change: (service, at, patch, by) =>
      edit(
        service,
        at.key,
        by,
        inAddress(at.keys['AddressID'], wayOf(at), (list) => changed(list, field, at.keys, patch)),
      ),
    remove: (service, at, by) =>
      edit(
        service,
        at.key,
        by,
        inAddress(at.keys['AddressID'], wayOf(at), (list) => list.filter((one) => one[field] !== at.keys[field])),
      ),
  };
}

/** What a partner is besides: there once or not at all. */
function view(way: 'to_Customer' | 'to_Supplier'): Changes {
  return {
    change: (service, { key }, patch, by) =>
      edit(service, key, by, (before) => ({ [way]: before[way] === null ? null : { ...before[way], ...patch } })),
  };
}

/** How the entities of partners are changed. */
export const PARTNER_CHANGES = {
  partner,
  addresses: listed('to_BusinessPartnerAddress', 'AddressID'),
  roles: listed('to_BusinessPartnerRole', 'BusinessPartnerRole'),
  taxNumbers: listed('to_BusinessPartnerTax', 'BPTaxType'),
  banks: listed('to_BusinessPartnerBank', 'BankIdentification'),
  emails: ofAddress(() => 'to_EmailAddress'),
  phones: ofAddress(({ values }) => (values['PhoneNumberType'] === '3' ? 'to_MobilePhoneNumber' : 'to_PhoneNumber')),
  customer: view('to_Customer'),
  supplier: view('to_Supplier'),
} satisfies Record<string, Changes>;

function changed(list: readonly Payload[], field: string, keys: Keys, patch: Payload): Payload[] {
  return list.map((one) => (one[field] === keys[field] ? { ...one, ...patch } : one));
}

function addressOf(state: BusinessPartner, id: unknown): Address | undefined {
  return state.to_BusinessPartnerAddress.find(({ AddressID }) => AddressID === id);
}

/** @throws HeddleError `data-invalid` where neither the path nor the body names the partner */
function ownerOf(parent: Parent | undefined, named: unknown): string {
  const key = parent?.key ?? named;
  if (typeof key === 'string' && key !== '') return key;
  throw fieldInvalid('BusinessPartner', 'must name the partner, or the path goes by way of it');
}

/** Changes something of which a partner has several, which its patch says as a whole: as they are then. */
async function edit(
  service: BusinessPartnerService,
  key: string,
  by: ChangeBy,
  editOf: (partner: BusinessPartner) => Payload,
): Promise<BusinessPartner> {
  const { state } = await service.change(requestOf(key, by), (before) => readShape(partnerPatchShape, editOf(before)));
  return state;
}

function requestOf(key: string, { headers }: ChangeBy): ChangeRequest {
  return mayMatch({ params: { key }, headers });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
