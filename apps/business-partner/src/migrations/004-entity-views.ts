import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/*
 * What stands in the documents of partners as rows and columns, for whoever asks over many of them: one view per entity
 * of S/4, its columns called as its fields. Days and instants are ISO 8601, which sorts as text. They show the very rows
 * that changes write, so they are never behind.
 */

const PARTNER = [
  ...['BusinessPartner', 'BusinessPartnerCategory', 'BusinessPartnerGrouping', 'BusinessPartnerUUID', 'Customer'],
  ...['Supplier', 'BusinessPartnerFullName', 'BusinessPartnerName', 'FirstName', 'LastName', 'OrganizationBPName1'],
  ...['OrganizationBPName2', 'OrganizationBPName3', 'OrganizationBPName4', 'SearchTerm1', 'SearchTerm2'],
  ...['FormOfAddress', 'Industry', 'Language', 'CorrespondenceLanguage', 'LegalForm', 'BirthDate', 'TradingPartner'],
  ...['BusinessPartnerIDByExtSystem', 'CreationDate', 'CreationDateTime', 'LastChangeDateTime'],
] as const;
const PARTNER_FLAGS = ['IsNaturalPerson', 'BusinessPartnerIsBlocked', 'IsMarkedForArchiving'] as const;

const ADDRESS = [
  ...['AddressID', 'StreetName', 'HouseNumber', 'PostalCode', 'CityName', 'Region', 'Country', 'Language'],
  ...['AddressTimeZone', 'ValidityStartDate', 'ValidityEndDate'],
] as const;
const EMAIL = ['OrdinalNumber', 'EmailAddress'] as const;
const EMAIL_FLAGS = ['IsDefaultEmailAddress'] as const;
const PHONE = ['OrdinalNumber', 'PhoneNumber', 'PhoneNumberExtension', 'DestinationLocationCountry'] as const;
const PHONE_FLAGS = ['IsDefaultPhoneNumber'] as const;
const ROLE = ['BusinessPartnerRole', 'ValidFrom', 'ValidTo'] as const;
const TAX = ['BPTaxType', 'BPTaxNumber'] as const;
const BANK = [
  ...['BankIdentification', 'BankCountryKey', 'BankName', 'BankNumber', 'SWIFTCode', 'BankAccount', 'IBAN'],
  ...['BankAccountHolderName'],
] as const;
const CUSTOMER = [
  ...['CustomerAccountGroup', 'DeliveryIsBlocked', 'OrderIsBlockedForCustomer', 'BillingIsBlockedForCustomer'],
  ...['VATRegistration'],
] as const;
const CUSTOMER_FLAGS = ['PostingIsBlocked'] as const;
const SUPPLIER = ['SupplierAccountGroup', 'VATRegistration'] as const;
const SUPPLIER_FLAGS = ['PurchasingIsBlocked', 'PostingIsBlocked'] as const;

type Row<Texts extends readonly string[], Flags extends readonly string[] = []> = Readonly<
  Record<'key' | 'BusinessPartner' | Texts[number], string> & Record<Flags[number], boolean> & { version: number }
>;

export interface BusinessPartnerViews {
  a_business_partner: Row<typeof PARTNER, typeof PARTNER_FLAGS>;
  a_business_partner_address: Row<typeof ADDRESS>;
  a_address_email_address: Row<[...typeof EMAIL, 'AddressID'], typeof EMAIL_FLAGS>;
  /** Of both kinds: PhoneNumberType is 1 for telephones, 3 for mobile ones. */
  a_address_phone_number: Row<[...typeof PHONE, 'AddressID', 'PhoneNumberType'], typeof PHONE_FLAGS>;
  a_business_partner_role: Row<typeof ROLE>;
  a_business_partner_tax_number: Row<typeof TAX>;
  a_business_partner_bank: Row<typeof BANK>;
  a_customer: Row<[...typeof CUSTOMER, 'Customer', 'CustomerName'], typeof CUSTOMER_FLAGS>;
  a_supplier: Row<[...typeof SUPPLIER, 'Supplier', 'SupplierName'], typeof SUPPLIER_FLAGS>;
}

const KEY = [`state ->> 'BusinessPartner' as "BusinessPartner"`];
const ADDRESS_KEY = [...KEY, `address ->> 'AddressID' as "AddressID"`];
const PHONE_COLUMNS = [...ADDRESS_KEY, ...columnsOf('phone', PHONE, PHONE_FLAGS)];

/** The columns of a part of the document, and how one gets to it. */
const VIEWS: Record<keyof BusinessPartnerViews, string> = {
  a_business_partner: select(columnsOf('state', PARTNER, PARTNER_FLAGS)),
  a_business_partner_address: select(
    [...KEY, ...columnsOf('address', ADDRESS)],
    each('state', 'to_BusinessPartnerAddress', 'address'),
  ),
  a_address_email_address: select(
    [...ADDRESS_KEY, ...columnsOf('email', EMAIL, EMAIL_FLAGS)],
    each('state', 'to_BusinessPartnerAddress', 'address'),
    each('address', 'to_EmailAddress', 'email'),
  ),
  a_address_phone_number: [phonesOf('to_PhoneNumber', '1'), phonesOf('to_MobilePhoneNumber', '3')].join(' union all '),
  a_business_partner_role: select(
    [...KEY, ...columnsOf('role', ROLE)],
    each('state', 'to_BusinessPartnerRole', 'role'),
  ),
  a_business_partner_tax_number: select(
    [...KEY, ...columnsOf('tax', TAX)],
    each('state', 'to_BusinessPartnerTax', 'tax'),
  ),
  a_business_partner_bank: select(
    [...KEY, ...columnsOf('bank', BANK)],
    each('state', 'to_BusinessPartnerBank', 'bank'),
  ),
  a_customer: viewOf('to_Customer', 'Customer', CUSTOMER, CUSTOMER_FLAGS),
  a_supplier: viewOf('to_Supplier', 'Supplier', SUPPLIER, SUPPLIER_FLAGS),
};

export const createEntityViews: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const [name, query] of Object.entries(VIEWS)) await sql.raw(`create view ${name} as ${query}`).execute(db);
  },
};

function phonesOf(part: string, type: string): string {
  const addresses = each('state', 'to_BusinessPartnerAddress', 'address');
  return select([...PHONE_COLUMNS, `'${type}'::text as "PhoneNumberType"`], addresses, each('address', part, 'phone'));
}

/** What a partner is besides, where it is. */
function viewOf(part: string, name: string, texts: readonly string[], flags: readonly string[]): string {
  const own = [`state ->> '${name}' as "${name}"`, `state ->> 'BusinessPartnerName' as "${name}Name"`];
  const columns = columnsOf(`(state -> '${part}')`, texts, flags);
  return `${select([...KEY, ...own, ...columns])} where jsonb_typeof(state -> '${part}') = 'object'`;
}

function select(columns: readonly string[], ...joins: readonly string[]): string {
  const all = ['business_partner.key', 'business_partner.version', ...columns];
  return `select ${all.join(', ')} from business_partner ${joins.join(' ')}`;
}

function each(of: string, part: string, as: string): string {
  return `cross join lateral jsonb_array_elements(${of} -> '${part}') as ${as}`;
}

function columnsOf(of: string, texts: readonly string[], flags: readonly string[] = []): string[] {
  return [
    ...texts.map((name) => `${of} ->> '${name}' as "${name}"`),
    ...flags.map((name) => `(${of} ->> '${name}')::boolean as "${name}"`),
  ];
}
