import { HeddleError } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changePartner, createPartner } from './business-partner.js';
import { type PartnerPatch, newPartnerShape, partnerPatchShape } from './business-partner.shape.js';

const now = new Date('2026-01-31T12:00:00.000Z');
const later = new Date('2026-02-01T08:30:00.000Z');
const UUID = '0197b2a0-0000-7000-8000-000000000001';

const create = (input: object) => createPartner(newPartnerShape.parse(input), '1000667', UUID, now);
const person = create({ BusinessPartnerCategory: '1', FirstName: 'Ada', LastName: 'Byron' }).partner;
const change = (patch: object, partner = person) => changePartner(partner, partnerPatchShape.parse(patch), later);

const errorOf = (rule: () => unknown): HeddleError => {
  try {
    rule();
  } catch (error) {
    if (error instanceof HeddleError) return error;
    throw error;
  }
  throw new Error('there was no error');
};

/** Changes that no rule stands against. */
const patchArbitrary = fc.record(
  {
    FirstName: fc.constantFrom('Ada', 'Augusta'),
    SearchTerm2: fc.constantFrom('', 'ENGINE'),
    BusinessPartnerIsBlocked: fc.boolean(),
    to_BusinessPartnerAddress: fc.constantFrom(
      [],
      [{ CityName: 'London', to_PhoneNumber: [{ PhoneNumber: '+44 20 7946 0000' }] }],
      [{ CityName: 'London', to_MobilePhoneNumber: [{ PhoneNumber: '+44 7700 900000' }] }],
    ),
    to_BusinessPartnerRole: fc.constantFrom([], [{ BusinessPartnerRole: 'FLCU01' }]),
    to_BusinessPartnerTax: fc.constantFrom([], [{ BPTaxType: 'GB0', BPTaxNumber: 'GB123456789' }]),
    to_BusinessPartnerBank: fc.constantFrom([], [{ BankIdentification: '0001', IBAN: 'GB33BUKB20201555555555' }]),
    to_Customer: fc.constantFrom(null, {}, { DeliveryIsBlocked: '01' }),
    to_Supplier: fc.constantFrom(null, { PurchasingIsBlocked: true }),
  },
  { requiredKeys: [] },
);

describe('a new business partner', () => {
  it('raises Created with its number and nothing else', () => {
    const { events } = create({ BusinessPartnerCategory: '2', OrganizationBPName1: 'Alder & Birch Ltd' });
    expect(events).toEqual([
      { type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1', data: { BusinessPartner: '1000667' } },
    ]);
  });

  it('has a full name by its category, and must have the name that this takes', () => {
    expect(person).toMatchObject({ BusinessPartnerFullName: 'Ada Byron', IsNaturalPerson: true });
    const organisation = create({ BusinessPartnerCategory: '2', OrganizationBPName1: 'Alder' }).partner;
    expect(organisation).toMatchObject({ BusinessPartnerFullName: 'Alder', IsNaturalPerson: false });
    expect(errorOf(() => create({ BusinessPartnerCategory: '1', FirstName: 'Ada' }))).toMatchObject({
      code: 'data-invalid',
      field: 'LastName',
    });
    expect(errorOf(() => create({ BusinessPartnerCategory: '2', LastName: 'Byron' })).field).toBe(
      'OrganizationBPName1',
    );
  });

  it('numbers addresses and e-mails that have no number, and refuses a number twice', () => {
    const emails = [{ EmailAddress: 'a@example.org' }, { EmailAddress: 'b@example.org', OrdinalNumber: '001' }];
    const { to_BusinessPartnerAddress: addresses } = create({
      BusinessPartnerCategory: '1',
      LastName: 'Byron',
      to_BusinessPartnerAddress: [{ CityName: 'Hull', to_EmailAddress: emails }, { AddressID: '1' }],
    }).partner;
    expect(addresses.map(({ AddressID }) => AddressID)).toEqual(['2', '1']);
    expect(addresses[0]?.to_EmailAddress.map(({ OrdinalNumber }) => OrdinalNumber)).toEqual(['2', '1']);
    const twice = { to_BusinessPartnerAddress: [{ AddressID: '7' }, { AddressID: '07' }] };
    expect(errorOf(() => create({ BusinessPartnerCategory: '1', LastName: 'B', ...twice })).code).toBe('conflict');
  });
});

describe('a partner that is a customer or a supplier', () => {
  it('is one under its own number, for as long as it has the view', () => {
    const customer = change({ to_Customer: { CustomerAccountGroup: 'CUST' } });
    expect(customer.events).toHaveLength(1);
    expect(customer.partner).toMatchObject({ Customer: '1000667', Supplier: '' });
    expect(customer.partner.to_Customer).toEqual({
      CustomerAccountGroup: 'CUST',
      DeliveryIsBlocked: '',
      OrderIsBlockedForCustomer: '',
      BillingIsBlockedForCustomer: '',
      PostingIsBlocked: false,
      VATRegistration: '',
    });
    const both = change({ to_Supplier: {} }, customer.partner).partner;
    expect(both).toMatchObject({ Customer: '1000667', Supplier: '1000667' });
    expect(change({ to_Customer: null }, both).partner).toMatchObject({ Customer: '', Supplier: '1000667' });
  });
});

describe('a change', () => {
  it('raises Changed once, whatever it is of, and nothing when the same is said again', () => {
    fc.assert(
      fc.property(fc.array(patchArbitrary, { maxLength: 12 }), (patches) => {
        let partner = person;
        for (const patch of patches) {
          const before = JSON.stringify(partner);
          const after = change(patch, partner);
          const isOther =
            JSON.stringify({ ...after.partner, LastChangeDateTime: partner.LastChangeDateTime }) !== before;
          expect(after.events).toHaveLength(isOther ? 1 : 0);
          expect(after.partner === partner).toBe(!isOther);
          expect(change(patch, after.partner)).toEqual({ partner: after.partner, events: [] });
          partner = after.partner;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('raises Changed once, however many fields differ', () => {
    const { events, partner } = change({
      LastName: 'Lovelace',
      BusinessPartnerIsBlocked: true,
      to_BusinessPartnerAddress: [{ CityName: 'London' }],
    });
    expect(events).toEqual([
      { type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1', data: { BusinessPartner: '1000667' } },
    ]);
    expect(partner).toMatchObject({
      BusinessPartnerFullName: 'Ada Lovelace',
      BusinessPartnerIsBlocked: true,
      LastChangeDateTime: later.toISOString(),
    });
  });

  it('raises nothing and keeps the state when nothing differs', () => {
    const addressed = change({ to_BusinessPartnerAddress: [{ CityName: 'London' }] }).partner;
    const patches: PartnerPatch[] = [{}, { LastName: 'Byron' }, { BusinessPartnerIsBlocked: false }];
    for (const patch of patches) expect(change(patch)).toEqual({ partner: person, events: [] });
    expect(change({ to_BusinessPartnerAddress: [{ CityName: 'London' }] }, addressed).events).toEqual([]);
  });

  it('blocks and unblocks', () => {
    const blocked = change({ BusinessPartnerIsBlocked: true }).partner;
    expect(change({ BusinessPartnerIsBlocked: false }, blocked).events).toHaveLength(1);
  });

  it('is refused to who is marked for archiving, until the mark is taken off', () => {
    const marked = change({ IsMarkedForArchiving: true }).partner;
    expect(errorOf(() => change({ LastName: 'Lovelace' }, marked)).code).toBe('conflict');
    expect(change({ LastName: 'Lovelace', IsMarkedForArchiving: false }, marked).events).toHaveLength(1);
    expect(change({ IsMarkedForArchiving: true }, marked).events).toEqual([]);
  });

  it('marks nobody for archiving with whom a contract is in force', () => {
    const mark = (activeContracts: number) =>
      changePartner(person, { IsMarkedForArchiving: true }, later, activeContracts);
    expect(errorOf(() => mark(1))).toMatchObject({ code: 'conflict', field: 'IsMarkedForArchiving' });
    expect(mark(0).events).toHaveLength(1);
  });

  it('must leave a name', () => {
    expect(errorOf(() => change({ LastName: '' }))).toMatchObject({ code: 'data-invalid', field: 'LastName' });
  });
});

describe('the shapes', () => {
  it('name each wrong field', () => {
    const { error } = newPartnerShape.safeParse({
      BusinessPartnerCategory: '3',
      LastName: 'B'.repeat(41),
      to_BusinessPartnerAddress: [
        { to_EmailAddress: [{ EmailAddress: 'nobody' }], to_PhoneNumber: [{ PhoneNumber: 'home' }] },
      ],
      to_BusinessPartnerRole: [{ BusinessPartnerRole: 'FLCU01' }, { BusinessPartnerRole: 'FLCU01' }],
      to_BusinessPartnerTax: [{ BPTaxType: 'DE000', BPTaxNumber: '1' }],
      to_BusinessPartnerBank: [{ BankIdentification: '0001', IBAN: 'DE89 3704' }],
      Shoe: 42,
    });
    expect(error?.issues.flatMap((issue) => [issue.path.join('.'), ...('keys' in issue ? issue.keys : [])])).toEqual(
      expect.arrayContaining([
        'BusinessPartnerCategory',
        'LastName',
        'to_BusinessPartnerAddress.0.to_EmailAddress.0.EmailAddress',
        'to_BusinessPartnerAddress.0.to_PhoneNumber.0.PhoneNumber',
        'to_BusinessPartnerRole',
        'to_BusinessPartnerTax.0.BPTaxType',
        'to_BusinessPartnerBank.0.IBAN',
        'Shoe',
      ]),
    );
  });
});
