import { HeddleError } from '@heddle/event';
import type { EntityAt, EntityChanges, Keys, Parent, Payload } from '@heddle/odata';
import type { BusinessPartner } from './business-partner.shape.js';
import type { PartnerWrites } from './partner-writes.js';

type Changes = EntityChanges<PartnerWrites>;
type Address = BusinessPartner['to_BusinessPartnerAddress'][number];
type Listed =
  'to_BusinessPartnerRole' | 'to_BusinessPartnerTax' | 'to_BusinessPartnerBank' | 'to_BusinessPartnerAddress';
type OfAddress = 'to_EmailAddress' | 'to_PhoneNumber' | 'to_MobilePhoneNumber';

const partner: Changes = {
  create: async (writes, input, by) => ({ BusinessPartner: await writes.create(input, by) }),
  change: (writes, { key }, patch, by) => writes.change(key, patch, by),
};

/** What a partner has several of, told apart by one field; the new one is the last of its list. */
function listed(list: Listed, field: string): Required<Changes> {
  const listOf = (state: BusinessPartner): readonly Payload[] => state[list];
  return {
    create: async (writes, { BusinessPartner: named, ...input }, by, parent) => {
      const key = ownerOf(parent, named);
      const state = await writes.edit(key, by, (before) => ({ [list]: [...listOf(before), input] }));
      return { BusinessPartner: key, [field]: textOf(listOf(state).at(-1)?.[field]) };
    },
    change: (writes, { key, keys }, patch, by) =>
      writes.edit(key, by, (before) => ({ [list]: changed(listOf(before), field, keys, patch) })),
    remove: (writes, { key, keys }, by) =>
      writes.edit(key, by, (before) => ({ [list]: listOf(before).filter((one) => one[field] !== keys[field]) })),
  };
}

/** What an address has several of. */
function ofAddress(wayOf: (at: EntityAt) => OfAddress): Required<Changes> {
  const field = 'OrdinalNumber';
  const edit =
    (address: unknown, way: OfAddress, editOf: (list: readonly Payload[]) => readonly Payload[]) =>
    (state: BusinessPartner): Payload => ({
      to_BusinessPartnerAddress: state.to_BusinessPartnerAddress.map((one) =>
        one.AddressID === address ? { ...one, [way]: editOf(one[way]) } : one,
      ),
    });
  return {
    create: async (writes, { AddressID: _address, Person: _person, ...input }, by, parent) => {
      if (parent === undefined) {
        throw new HeddleError('method-unsupported', 'These are created from their address: POST to its navigation.');
      }
      const { AddressID } = parent.keys;
      const way = parent.navigation as OfAddress;
      const state = await writes.edit(
        parent.key,
        by,
        edit(AddressID, way, (list) => [...list, input]),
      );
      const made = addressOf(state, AddressID)?.[way].at(-1);
      return { AddressID: textOf(AddressID), Person: '', [field]: textOf(made?.[field]) };
    },
    change: (writes, at, patch, by) =>
      writes.edit(
        at.key,
        by,
        edit(at.keys['AddressID'], wayOf(at), (list) => changed(list, field, at.keys, patch)),
      ),
    remove: (writes, at, by) =>
      writes.edit(
        at.key,
        by,
        edit(at.keys['AddressID'], wayOf(at), (list) => list.filter((one) => one[field] !== at.keys[field])),
      ),
  };
}

/** What a partner is besides: there once or not at all. */
function view(way: 'to_Customer' | 'to_Supplier'): Changes {
  return {
    change: (writes, { key }, patch, by) =>
      writes.edit(key, by, (before) => ({ [way]: before[way] === null ? null : { ...before[way], ...patch } })),
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
  const rule = 'must name the partner, or the path goes by way of it';
  throw new HeddleError('data-invalid', `BusinessPartner: ${rule}`, { fields: [{ field: 'BusinessPartner', rule }] });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
