import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { businessPartner } from './business-partner.module.js';
import type { BusinessPartnerTables } from './business-partner.repository.js';
import { completeBusinessPartners } from './migrations/003-complete-partners.js';

const PARTNER = {
  BusinessPartnerCategory: '2',
  OrganizationBPName1: 'Alder & Birch Ltd',
  BirthDate: null,
  to_BusinessPartnerAddress: [
    {
      CityName: 'London',
      to_EmailAddress: [{ EmailAddress: 'orders@alder.example', IsDefaultEmailAddress: true }],
      to_PhoneNumber: [{ PhoneNumber: '+44 20 7946 0000' }, { PhoneNumber: '+44 20 7946 0001' }],
      to_MobilePhoneNumber: [{ PhoneNumber: '+44 7700 900000', IsDefaultPhoneNumber: true }],
    },
    { CityName: 'Hull', ValidityStartDate: '2026-01-01' },
  ],
  to_BusinessPartnerRole: [{ BusinessPartnerRole: 'FLCU01' }, { BusinessPartnerRole: 'FLVN01', ValidTo: '2026-12-31' }],
  to_BusinessPartnerTax: [{ BPTaxType: 'GB0', BPTaxNumber: 'GB123456789' }],
  to_BusinessPartnerBank: [{ BankIdentification: '0001', IBAN: 'GB33BUKB20201555555555' }],
  to_Customer: { CustomerAccountGroup: 'CUST', OrderIsBlockedForCustomer: '01' },
  to_Supplier: { PurchasingIsBlocked: true },
};

type Part = Record<string, unknown>;

describe('the entities of partners', () => {
  let trial: ServiceTrial<BusinessPartnerTables>;

  beforeAll(async () => {
    trial = await ServiceTrial.open(businessPartner);
  });

  afterAll(() => trial.close());

  const documentOf = async (key: string): Promise<Part> =>
    (await trial.request('GET', `/business-partners/${key}`)).body;

  /** Rows of a view, without what every one of them has. */
  const rowsOf = async (view: string, key: string, version: number): Promise<object[]> => {
    const { rows } = await sql<Part>`select * from ${sql.table(view)} where key = ${key}`.execute(trial.db);
    for (const row of rows) expect(row).toMatchObject({ key, version, BusinessPartner: key });
    return rows.map((row) => {
      const { key: _, version: __, BusinessPartner: ___, ...own } = row;
      return own;
    });
  };

  it('are in the views as they are in the partner, field by field, as soon as the change is answered', async () => {
    await trial.request('POST', '/business-partners', { ...PARTNER, BusinessPartner: '1000667' });
    const patch = { SearchTerm1: 'ALDER' };
    await trial.request('PATCH', '/business-partners/1000667', patch, { 'if-match': '"1"' });
    const partner = await documentOf('1000667');
    const plain = (part: Part): Part =>
      Object.fromEntries(Object.entries(part).filter(([name]) => !name.startsWith('to_')));
    const addresses = partner['to_BusinessPartnerAddress'] as Part[];
    const ofAddress = (name: string, more: object = {}): Part[] =>
      addresses.flatMap(({ AddressID, ...address }) =>
        (address[name] as Part[]).map((part) => ({ AddressID, ...part, ...more })),
      );
    const { BusinessPartner: _, ...general } = plain(partner);
    const name = 'Alder & Birch Ltd';
    const expected: [string, Part[]][] = [
      ['a_business_partner', [general]],
      ['a_business_partner_address', addresses.map(plain)],
      ['a_address_email_address', ofAddress('to_EmailAddress')],
      [
        'a_address_phone_number',
        [
          ...ofAddress('to_PhoneNumber', { PhoneNumberType: '1' }),
          ...ofAddress('to_MobilePhoneNumber', { PhoneNumberType: '3' }),
        ],
      ],
      ['a_business_partner_role', partner['to_BusinessPartnerRole'] as Part[]],
      ['a_business_partner_tax_number', partner['to_BusinessPartnerTax'] as Part[]],
      ['a_business_partner_bank', partner['to_BusinessPartnerBank'] as Part[]],
      ['a_customer', [{ Customer: '1000667', CustomerName: name, ...(partner['to_Customer'] as Part) }]],
      ['a_supplier', [{ Supplier: '1000667', SupplierName: name, ...(partner['to_Supplier'] as Part) }]],
    ];
    for (const [view, rows] of expected) {
      expect([view, sorted(await rowsOf(view, '1000667', 2))]).toEqual([view, sorted(rows)]);
    }
    expect(expected.find(([view]) => view === 'a_address_phone_number')![1]).toHaveLength(3);
  });

  it('are no customer and no supplier for who is neither', async () => {
    const { to_Customer: _, to_Supplier: __, ...neither } = PARTNER;
    await trial.request('POST', '/business-partners', { ...neither, BusinessPartner: '2' });
    expect(await rowsOf('a_business_partner', '2', 1)).toMatchObject([{ Customer: '', Supplier: '' }]);
    expect([await rowsOf('a_customer', '2', 1), await rowsOf('a_supplier', '2', 1)]).toEqual([[], []]);
  });

  it('are those of partners of before there were phones and roles, too, whose versions stay', async () => {
    const before = {
      ...{ BusinessPartnerCategory: '1', FirstName: 'Ada', LastName: 'Byron', BusinessPartnerFullName: 'Ada Byron' },
      ...{ CreationDate: '2026-01-31', LastChangeDateTime: '2026-01-31T12:00:00.000Z', IsNaturalPerson: true },
      to_BusinessPartnerAddress: [{ AddressID: '1', CityName: 'London', to_EmailAddress: [] }],
    };
    for (const BusinessPartner of ['31', '32']) {
      const state = JSON.stringify({ ...before, BusinessPartner });
      const insert = sql`insert into business_partner (key, version, state) values (${BusinessPartner}, 7, ${state})`;
      await insert.execute(trial.db);
    }
    const first = await documentOf('31');
    await completeBusinessPartners.up(trial.db);
    const { BusinessPartner: _, ...same } = await documentOf('32');
    expect(first).toEqual({ BusinessPartner: '31', ...same });
    expect(first).toMatchObject({
      BusinessPartnerName: 'Ada Byron',
      to_Customer: null,
      to_BusinessPartnerAddress: [{ CityName: 'London', to_PhoneNumber: [] }],
    });
    expect(await rowsOf('a_business_partner', '32', 7)).toMatchObject([{ BusinessPartnerName: 'Ada Byron' }]);
  });
});

function sorted(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted();
}
