import {
  type EntityModel,
  type PropertyModel,
  type Row,
  type ServiceModel,
  day,
  dayAsInstant,
  dayOfInstant,
  defineService,
  flag,
  guid,
  instant,
  number,
  text,
  timeOfInstant,
} from '@heddle/odata';
import { sql } from 'kysely';
import { PARTNER_CHANGES } from './partner-changes.js';
import type { BusinessPartnerService } from './business-partner.service.js';

/*
 * API_BUSINESS_PARTNER, as S/4HANA has it: which entities there are, what stands in them, and which way leads where.
 * Their rows are the views of the documents.
 */

const always = { written: 'always' } as const;
const once = { written: 'once' } as const;
const partner = { BusinessPartner: number(10, { label: 'Business Partner', ...once }) };
const etag: PropertyModel = text(26, { computed: (alias) => sql`${sql.id(alias, 'version')}::text` });
/** Who did it is no part of partners. */
const user: PropertyModel = text(12, { computed: () => sql`''::text` });
/** Of addresses that are no person's. */
const person: PropertyModel = text(10, { computed: () => sql`''::text` });

const BUSINESS_PARTNER: EntityModel<BusinessPartnerService> = {
  name: 'A_BusinessPartner',
  label: 'Business Partner',
  view: 'a_business_partner',
  keys: ['BusinessPartner'],
  objectKey: 'BusinessPartner',
  properties: {
    ...partner,
    Customer: number(10),
    Supplier: number(10),
    BusinessPartnerCategory: text(1, once),
    BusinessPartnerFullName: text(81),
    BusinessPartnerGrouping: text(4, once),
    BusinessPartnerName: text(81),
    BusinessPartnerUUID: guid(),
    CorrespondenceLanguage: text(2, always),
    CreatedByUser: user,
    CreationDate: day(),
    CreationTime: timeOfInstant('CreationDateTime'),
    FirstName: text(40, always),
    FormOfAddress: text(4, always),
    Industry: text(10, always),
    IsNaturalPerson: text(1, {
      computed: (alias) => sql`(case when ${sql.id(alias, 'IsNaturalPerson')} then 'X' else '' end)`,
    }),
    Language: text(2, always),
    LastChangeDate: dayOfInstant('LastChangeDateTime'),
    LastChangeTime: timeOfInstant('LastChangeDateTime'),
    LastChangedByUser: user,
    LastChangeDateTime: instant(),
    LastName: text(40, always),
    LegalForm: text(2, always),
    OrganizationBPName1: text(40, always),
    OrganizationBPName2: text(40, always),
    OrganizationBPName3: text(40, always),
    OrganizationBPName4: text(40, always),
    SearchTerm1: text(20, always),
    SearchTerm2: text(20, always),
    BirthDate: day(always),
    BusinessPartnerIsBlocked: flag(always),
    ETag: etag,
    BusinessPartnerIDByExtSystem: text(20, always),
    IsMarkedForArchiving: flag(always),
    TradingPartner: text(6, always),
  },
  navigations: {
    to_BusinessPartnerAddress: { to: 'A_BusinessPartnerAddress', many: true, on: ['BusinessPartner'], isDeep: true },
    to_BusinessPartnerRole: { to: 'A_BusinessPartnerRole', many: true, on: ['BusinessPartner'], isDeep: true },
    to_BusinessPartnerTax: { to: 'A_BusinessPartnerTaxNumber', many: true, on: ['BusinessPartner'], isDeep: true },
    to_BusinessPartnerBank: { to: 'A_BusinessPartnerBank', many: true, on: ['BusinessPartner'], isDeep: true },
    to_Customer: { to: 'A_Customer', many: false, isDeep: true },
    to_Supplier: { to: 'A_Supplier', many: false, isDeep: true },
  },
  changes: PARTNER_CHANGES.partner,
};

const ADDRESS: EntityModel<BusinessPartnerService> = {
  name: 'A_BusinessPartnerAddress',
  view: 'a_business_partner_address',
  keys: ['BusinessPartner', 'AddressID'],
  objectKey: 'BusinessPartner',
  properties: {
    ...partner,
    AddressID: number(10, once),
    AddressTimeZone: text(6, always),
    CityName: text(40, always),
    Country: text(3, always),
    HouseNumber: text(10, always),
    Language: text(2, always),
    PostalCode: text(10, always),
    Region: text(3, always),
    StreetName: text(60, always),
    ValidityStartDate: dayAsInstant(always),
    ValidityEndDate: dayAsInstant(always),
  },
  navigations: {
    to_EmailAddress: { to: 'A_AddressEmailAddress', many: true, on: ['AddressID'], isDeep: true },
    to_PhoneNumber: phones('1'),
    to_MobilePhoneNumber: phones('3'),
  },
  changes: PARTNER_CHANGES.addresses,
};

function phones(type: string) {
  return { to: 'A_AddressPhoneNumber', many: true, on: ['AddressID'], where: { PhoneNumberType: type }, isDeep: true };
}

/** Numbers of addresses are those of one partner: it is found by way of its address. */
function ofAddress(row: Row, navigation: string) {
  const keys = { BusinessPartner: row.key, AddressID: row.values['AddressID'] ?? '' };
  return { set: ADDRESS.name, keys, navigation };
}

const EMAIL: EntityModel<BusinessPartnerService> = {
  name: 'A_AddressEmailAddress',
  view: 'a_address_email_address',
  keys: ['AddressID', 'Person', 'OrdinalNumber'],
  properties: {
    AddressID: number(10),
    Person: person,
    OrdinalNumber: number(3, once),
    IsDefaultEmailAddress: flag(always),
    EmailAddress: text(241, always),
  },
  place: { needs: [], of: (row) => ofAddress(row, 'to_EmailAddress') },
  changes: PARTNER_CHANGES.emails,
};

const PHONE: EntityModel<BusinessPartnerService> = {
  name: 'A_AddressPhoneNumber',
  view: 'a_address_phone_number',
  keys: ['AddressID', 'Person', 'OrdinalNumber'],
  properties: {
    AddressID: number(10),
    Person: person,
    OrdinalNumber: number(3, once),
    DestinationLocationCountry: text(3, always),
    IsDefaultPhoneNumber: flag(always),
    PhoneNumber: text(30, always),
    PhoneNumberExtension: text(10, always),
    PhoneNumberType: text(1),
  },
  place: {
    needs: ['PhoneNumberType'],
    of: (row) => ofAddress(row, row.values['PhoneNumberType'] === '3' ? 'to_MobilePhoneNumber' : 'to_PhoneNumber'),
  },
  changes: PARTNER_CHANGES.phones,
};

const ROLE: EntityModel<BusinessPartnerService> = {
  name: 'A_BusinessPartnerRole',
  view: 'a_business_partner_role',
  keys: ['BusinessPartner', 'BusinessPartnerRole'],
  objectKey: 'BusinessPartner',
  properties: {
    ...partner,
    BusinessPartnerRole: text(6, once),
    ValidFrom: dayAsInstant(always),
    ValidTo: dayAsInstant(always),
  },
  changes: PARTNER_CHANGES.roles,
};

const TAX_NUMBER: EntityModel<BusinessPartnerService> = {
  name: 'A_BusinessPartnerTaxNumber',
  view: 'a_business_partner_tax_number',
  keys: ['BusinessPartner', 'BPTaxType'],
  objectKey: 'BusinessPartner',
  properties: { ...partner, BPTaxType: text(4, once), BPTaxNumber: text(20, always) },
  changes: PARTNER_CHANGES.taxNumbers,
};

const BANK: EntityModel<BusinessPartnerService> = {
  name: 'A_BusinessPartnerBank',
  view: 'a_business_partner_bank',
  keys: ['BusinessPartner', 'BankIdentification'],
  objectKey: 'BusinessPartner',
  properties: {
    ...partner,
    BankIdentification: text(4, once),
    BankCountryKey: text(3, always),
    BankName: text(60, always),
    BankNumber: text(15, always),
    SWIFTCode: text(11, always),
    BankAccountHolderName: text(60, always),
    IBAN: text(34, always),
    BankAccount: text(18, always),
  },
  changes: PARTNER_CHANGES.banks,
};

const CUSTOMER: EntityModel<BusinessPartnerService> = {
  name: 'A_Customer',
  view: 'a_customer',
  keys: ['Customer'],
  objectKey: 'Customer',
  properties: {
    Customer: number(10),
    BillingIsBlockedForCustomer: text(2, always),
    CustomerAccountGroup: text(4, always),
    CustomerName: text(80),
    DeliveryIsBlocked: text(2, always),
    OrderIsBlockedForCustomer: text(2, always),
    PostingIsBlocked: flag(always),
    VATRegistration: text(20, always),
  },
  changes: PARTNER_CHANGES.customer,
};

const SUPPLIER: EntityModel<BusinessPartnerService> = {
  name: 'A_Supplier',
  view: 'a_supplier',
  keys: ['Supplier'],
  objectKey: 'Supplier',
  properties: {
    Supplier: number(10),
    PostingIsBlocked: flag(always),
    PurchasingIsBlocked: flag(always),
    SupplierAccountGroup: text(4, always),
    SupplierName: text(80),
    VATRegistration: text(20, always),
  },
  changes: PARTNER_CHANGES.supplier,
};

/** The OData service of business partners. */
export const partnerEntities: ServiceModel<BusinessPartnerService> = defineService({
  name: 'API_BUSINESS_PARTNER',
  namespace: 'API_BUSINESS_PARTNER',
  object: { name: 'business partner', table: 'business_partner', hasTombstones: false },
  entities: [BUSINESS_PARTNER, ADDRESS, EMAIL, PHONE, ROLE, TAX_NUMBER, BANK, CUSTOMER, SUPPLIER],
});
