import { canonicalKey } from '@heddle/event';
import { code, number, text } from '@heddle/mesh';
import { z } from 'zod';

/*
 * What a business partner has several of, or what it is besides: addresses with e-mails and phones, roles, tax numbers,
 * bank accounts, and the views of a customer and of a supplier.
 */

const MAX_ADDRESSES = 100;
const MAX_OF_ADDRESS = 20;
const MAX_ROLES = 50;
const MAX_TAX_NUMBERS = 20;
const MAX_BANKS = 20;

/** A flag, as clients may set it. */
export const flag = z.boolean('must be true or false');

/** A day, or none. */
export const day = z.iso.date('must be a date, as 1970-01-31').nullable();

const ordinal = z
  .string('must be text')
  .regex(/^\d{1,3}$/, 'must be a number of at most 3 digits')
  .transform(canonicalKey)
  .optional();

const emailShape = z.strictObject({
  OrdinalNumber: ordinal,
  EmailAddress: z.email('must be an e-mail address').max(241, 'must be at most 241 characters'),
  IsDefaultEmailAddress: flag.default(false),
});

const phoneShape = z.strictObject({
  OrdinalNumber: ordinal,
  PhoneNumber: code(30).regex(/^[0-9 ()/+.-]+$/, 'must be a phone number: digits, spaces and + ( ) / . -'),
  PhoneNumberExtension: text(10).default(''),
  DestinationLocationCountry: text(3).default(''),
  IsDefaultPhoneNumber: flag.default(false),
});

const phones = z.array(phoneShape).max(MAX_OF_ADDRESS, `must be at most ${MAX_OF_ADDRESS} phone numbers`);

const addressShape = z.strictObject({
  AddressID: number(10, 'address').optional(),
  StreetName: text(60).default(''),
  HouseNumber: text(10).default(''),
  PostalCode: text(10).default(''),
  CityName: text(40).default(''),
  Region: text(3).default(''),
  Country: text(3).default(''),
  Language: text(2).default(''),
  AddressTimeZone: text(6).default(''),
  ValidityStartDate: day.default(null),
  ValidityEndDate: day.default(null),
  to_EmailAddress: z
    .array(emailShape)
    .max(MAX_OF_ADDRESS, `must be at most ${MAX_OF_ADDRESS} e-mail addresses`)
    .default([]),
  to_PhoneNumber: phones.default([]),
  to_MobilePhoneNumber: phones.default([]),
});

export const addressesShape = z.array(addressShape).max(MAX_ADDRESSES, `must be at most ${MAX_ADDRESSES} addresses`);

const roleShape = z.strictObject({
  /** FLCU00 and FLCU01 customer, FLVN00 and FLVN01 supplier, and what else there is. */
  BusinessPartnerRole: code(6),
  ValidFrom: day.default(null),
  ValidTo: day.default(null),
});

export const rolesShape = z
  .array(roleShape)
  .max(MAX_ROLES, `must be at most ${MAX_ROLES} roles`)
  .refine((roles) => isUnique(roles.map(({ BusinessPartnerRole }) => BusinessPartnerRole)), {
    error: 'must have each BusinessPartnerRole once',
  });

const taxNumberShape = z.strictObject({ BPTaxType: code(4), BPTaxNumber: code(20) });

export const taxNumbersShape = z
  .array(taxNumberShape)
  .max(MAX_TAX_NUMBERS, `must be at most ${MAX_TAX_NUMBERS} tax numbers`)
  .refine((numbers) => isUnique(numbers.map(({ BPTaxType }) => BPTaxType)), { error: 'must have each BPTaxType once' });

const bankShape = z.strictObject({
  BankIdentification: code(4),
  BankCountryKey: text(3).default(''),
  BankName: text(60).default(''),
  BankNumber: text(15).default(''),
  SWIFTCode: text(11).default(''),
  BankAccount: text(18).default(''),
  IBAN: text(34)
    .regex(/^([A-Z]{2}\d{2}[A-Z0-9]+)?$/, 'must be an IBAN without spaces, as DE89370400440532013000')
    .default(''),
  BankAccountHolderName: text(60).default(''),
});

export const banksShape = z
  .array(bankShape)
  .max(MAX_BANKS, `must be at most ${MAX_BANKS} bank accounts`)
  .refine((banks) => isUnique(banks.map(({ BankIdentification }) => BankIdentification)), {
    error: 'must have each BankIdentification once',
  });

/** What a partner is as a customer; reasons that are not empty block. */
export const customerShape = z
  .strictObject({
    CustomerAccountGroup: text(4).default(''),
    DeliveryIsBlocked: text(2).default(''),
    OrderIsBlockedForCustomer: text(2).default(''),
    BillingIsBlockedForCustomer: text(2).default(''),
    PostingIsBlocked: flag.default(false),
    VATRegistration: text(20).default(''),
  })
  .nullable();

/** What a partner is as a supplier. */
export const supplierShape = z
  .strictObject({
    SupplierAccountGroup: text(4).default(''),
    PurchasingIsBlocked: flag.default(false),
    PostingIsBlocked: flag.default(false),
    VATRegistration: text(20).default(''),
  })
  .nullable();

const storedEmailShape = emailShape.extend({ OrdinalNumber: z.string() });
const storedPhoneShape = phoneShape.extend({ OrdinalNumber: z.string() });

/** An address as it is answered. */
export const storedAddressShape = addressShape.extend({
  AddressID: z.string(),
  to_EmailAddress: z.array(storedEmailShape),
  to_PhoneNumber: z.array(storedPhoneShape),
  to_MobilePhoneNumber: z.array(storedPhoneShape),
});

function isUnique(keys: readonly string[]): boolean {
  return new Set(keys).size === keys.length;
}

export type NewAddress = z.output<typeof addressShape>;
export type Address = z.output<typeof storedAddressShape>;
