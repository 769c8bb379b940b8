import { canonicalKey } from '@heddle/event';
import { number, text } from '@heddle/mesh';
import { z } from 'zod';

const flag = z.boolean('must be true or false');

const MAX_ADDRESSES = 100;
const MAX_EMAILS = 20;

const emailShape = z.strictObject({
  OrdinalNumber: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number of at most 3 digits')
    .transform(canonicalKey)
    .optional(),
  EmailAddress: z.email('must be an e-mail address').max(241, 'must be at most 241 characters'),
  IsDefaultEmailAddress: flag.default(false),
});

const addressShape = z.strictObject({
  AddressID: number(10, 'address').optional(),
  StreetName: text(60).default(''),
  HouseNumber: text(10).default(''),
  PostalCode: text(10).default(''),
  CityName: text(40).default(''),
  Region: text(3).default(''),
  Country: text(3).default(''),
  Language: text(2).default(''),
  to_EmailAddress: z.array(emailShape).max(MAX_EMAILS, `must be at most ${MAX_EMAILS} e-mail addresses`).default([]),
});

const addresses = z.array(addressShape).max(MAX_ADDRESSES, `must be at most ${MAX_ADDRESSES} addresses`);

const fields = {
  FirstName: text(40),
  LastName: text(40),
  OrganizationBPName1: text(40),
  OrganizationBPName2: text(40),
  SearchTerm1: text(20),
  FormOfAddress: text(4),
  Industry: text(10),
  CorrespondenceLanguage: text(2),
  LegalForm: text(2),
  BirthDate: z.iso.date('must be a date, as 1970-01-31').nullable(),
  BusinessPartnerIDByExtSystem: text(20),
};

/** 1: a person. 2: an organisation. */
const category = z.enum(['1', '2'], 'must be 1 (person) or 2 (organisation)');

/** What a client may say about a new partner; without a number, one is drawn. */
export const newPartnerShape = z.strictObject({
  BusinessPartner: number(10, 'business partner').optional(),
  BusinessPartnerCategory: category,
  BusinessPartnerGrouping: text(4).default(''),
  FirstName: fields.FirstName.default(''),
  LastName: fields.LastName.default(''),
  OrganizationBPName1: fields.OrganizationBPName1.default(''),
  OrganizationBPName2: fields.OrganizationBPName2.default(''),
  SearchTerm1: fields.SearchTerm1.default(''),
  FormOfAddress: fields.FormOfAddress.default(''),
  Industry: fields.Industry.default(''),
  CorrespondenceLanguage: fields.CorrespondenceLanguage.default(''),
  LegalForm: fields.LegalForm.default(''),
  BirthDate: fields.BirthDate.default(null),
  BusinessPartnerIDByExtSystem: fields.BusinessPartnerIDByExtSystem.default(''),
  to_BusinessPartnerAddress: addresses.default([]),
});

/** A change: the fields that are named; addresses are replaced as a whole. */
export const partnerPatchShape = z
  .strictObject({
    ...fields,
    BusinessPartnerIsBlocked: flag,
    IsMarkedForArchiving: flag,
    to_BusinessPartnerAddress: addresses,
  })
  .partial();

const storedEmailShape = emailShape.extend({ OrdinalNumber: z.string() });

const storedAddressShape = addressShape.extend({
  AddressID: z.string(),
  to_EmailAddress: z.array(storedEmailShape),
});

/** A partner as it is answered. */
export const partnerShape = newPartnerShape.extend({
  BusinessPartner: z.string(),
  BusinessPartnerUUID: z.uuid(),
  BusinessPartnerFullName: z.string(),
  IsNaturalPerson: flag,
  BusinessPartnerIsBlocked: flag,
  IsMarkedForArchiving: flag,
  CreationDate: z.iso.date(),
  LastChangeDateTime: z.iso.datetime(),
  to_BusinessPartnerAddress: z.array(storedAddressShape),
});

export type NewPartner = z.output<typeof newPartnerShape>;
export type PartnerPatch = z.output<typeof partnerPatchShape>;
export type BusinessPartner = z.output<typeof partnerShape>;
export type NewAddress = z.output<typeof addressShape>;
export type Address = z.output<typeof storedAddressShape>;
