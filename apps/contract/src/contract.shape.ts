import { canonicalKey } from '@heddle/event';
import { code, date, decimal, number, text } from '@heddle/mesh';
import { z } from 'zod';

const contractNumber = code(20)
  .regex(/^[A-Za-z0-9-]+$/, 'must be the number of a contract: letters, digits and hyphens')
  .transform(canonicalKey);

const fields = {
  Title: code(80),
  Counterparty: number(10, 'business partner'),
  NetAmount: decimal(16, 3),
  Currency: z.string('must be text').regex(/^[A-Z]{3}$/, 'must be a currency as ISO 4217 names it'),
  ValidFrom: date,
  ValidTo: date.nullable(),
  Kind: z.enum(['OTHER', 'FRAMEWORK', 'PURCHASE', 'SALES', 'SERVICE'], 'must be a kind of contract'),
  Remark: text(500).nullable(),
};

/** What a client may say about a new draft; without a number, one is drawn. */
export const newContractShape = z.strictObject({
  Contract: contractNumber.optional(),
  Title: fields.Title,
  Counterparty: fields.Counterparty,
  NetAmount: fields.NetAmount.default('0'),
  Currency: fields.Currency.default('EUR'),
  ValidFrom: fields.ValidFrom,
  ValidTo: fields.ValidTo.default(null),
  Kind: fields.Kind.default('OTHER'),
  Remark: fields.Remark.default(null),
});

/** A change of a draft: the fields that are named. */
export const contractPatchShape = z.strictObject(fields).partial();

/** Without a day, the contract is in force from the first day of its validity. */
export const signingShape = z.strictObject({
  SignedBy: code(80).nullable().default(null),
  EffectiveFrom: date.optional(),
});

/** Without a day, the contract is no longer in force from today on. */
export const terminationShape = z.strictObject({ Reason: code(500), EffectiveOn: date.optional() });

/** The hash that a document is named by, in hexadecimal digits. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 hexadecimal digits');

/** What a reader may say about the document it wants. */
export const documentQueryShape = z.strictObject({
  sha256: sha256.optional().describe('the document with this hash, and no other'),
});

/** Where a document is had, and what it is: a path at the gateway. */
const documentShape = z.object({
  href: z.string(),
  mediaType: z.string(),
  sizeBytes: z.int(),
  sha256,
});

/** A contract as it is answered. */
export const contractShape = newContractShape.extend({
  Contract: contractNumber,
  Status: z.enum(['DRAFT', 'SIGNED', 'TERMINATED']),
  Document: documentShape.nullable(),
  EffectiveFrom: date.nullable(),
  SignedAt: z.iso.datetime().nullable(),
  SignedBy: z.string().nullable(),
  TerminationReason: z.string().nullable(),
  TerminationEffectiveOn: date.nullable(),
  TerminatedAt: z.iso.datetime().nullable(),
  CreatedAt: z.iso.datetime(),
  LastChangeDateTime: z.iso.datetime(),
});

export type NewContract = z.output<typeof newContractShape>;
export type ContractPatch = z.output<typeof contractPatchShape>;
export type Signing = z.output<typeof signingShape>;
export type Termination = z.output<typeof terminationShape>;
export type DocumentQuery = z.output<typeof documentQueryShape>;
export type Contract = z.output<typeof contractShape>;
