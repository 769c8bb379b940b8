import { number, text } from '@heddle/mesh';
import { z } from 'zod';
import {
  addressesShape,
  banksShape,
  customerShape,
  day,
  flag,
  rolesShape,
  storedAddressShape,
  supplierShape,
  taxNumbersShape,
} from './partner-parts.shape.js';

const fields = {
  FirstName: text(40),
  LastName: text(40),
  OrganizationBPName1: text(40),
  OrganizationBPName2: text(40),
  OrganizationBPName3: text(40),
  OrganizationBPName4: text(40),
  SearchTerm1: text(20),
  SearchTerm2: text(20),
  FormOfAddress: text(4),
  Industry: text(10),
  Language: text(2),
  CorrespondenceLanguage: text(2),
  LegalForm: text(2),
  BirthDate: day,
  TradingPartner: text(6),
  BusinessPartnerIDByExtSystem: text(20),
  to_BusinessPartnerAddress: addressesShape,
  to_BusinessPartnerRole: rolesShape,
  to_BusinessPartnerTax: taxNumbersShape,
  to_BusinessPartnerBank: banksShape,
  /** Null: it is no customer. */
  to_Customer: customerShape,
  /** Null: it is no supplier. */
  to_Supplier: supplierShape,
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
  OrganizationBPName3: fields.OrganizationBPName3.default(''),
  OrganizationBPName4: fields.OrganizationBPName4.default(''),
  SearchTerm1: fields.SearchTerm1.default(''),
  SearchTerm2: fields.SearchTerm2.default(''),
  FormOfAddress: fields.FormOfAddress.default(''),
  Industry: fields.Industry.default(''),
  Language: fields.Language.default(''),
  CorrespondenceLanguage: fields.CorrespondenceLanguage.default(''),
  LegalForm: fields.LegalForm.default(''),
  BirthDate: fields.BirthDate.default(null),
  TradingPartner: fields.TradingPartner.default(''),
  BusinessPartnerIDByExtSystem: fields.BusinessPartnerIDByExtSystem.default(''),
  to_BusinessPartnerAddress: addressesShape.default([]),
  to_BusinessPartnerRole: rolesShape.default([]),
  to_BusinessPartnerTax: taxNumbersShape.default([]),
  to_BusinessPartnerBank: banksShape.default([]),
  to_Customer: customerShape.default(null),
  to_Supplier: supplierShape.default(null),
});

/** A change: the fields that are named; addresses, roles, tax numbers, banks and views are replaced as a whole. */
export const partnerPatchShape = z
  .strictObject({ ...fields, BusinessPartnerIsBlocked: flag, IsMarkedForArchiving: flag })
  .partial();

/** A partner as it is answered. */
export const partnerShape = newPartnerShape.extend({
  BusinessPartner: z.string(),
  BusinessPartnerUUID: z.uuid(),
  BusinessPartnerFullName: z.string(),
  BusinessPartnerName: z.string(),
  /** Its number where it is one, else empty. */
  Customer: z.string(),
  Supplier: z.string(),
  IsNaturalPerson: flag,
  BusinessPartnerIsBlocked: flag,
  IsMarkedForArchiving: flag,
  CreationDate: z.iso.date(),
  CreationDateTime: z.iso.datetime(),
  LastChangeDateTime: z.iso.datetime(),
  to_BusinessPartnerAddress: z.array(storedAddressShape),
});

export type NewPartner = z.output<typeof newPartnerShape>;
export type PartnerPatch = z.output<typeof partnerPatchShape>;
export type BusinessPartner = z.output<typeof partnerShape>;
