import { canonicalKey } from '@heddle/event';
import { code, number, text } from '@heddle/mesh';
import { z } from 'zod';

/*
 * What an order and its items both have: partners and pricing elements; and the texts of an order.
 */

const MAX_PARTNERS = 30;
const MAX_PRICING_ELEMENTS = 100;
const MAX_TEXTS = 20;

const step = z
  .string('must be text')
  .regex(/^\d{1,3}$/, 'must be a number of at most 3 digits')
  .transform(canonicalKey);

/** Amounts of prices may be negative, as those of discounts are. */
const signedDecimal = (digits: number, scale: number) =>
  z
    .string('must be a decimal as text')
    .regex(
      new RegExp(`^-?\\d{1,${digits - scale}}(\\.\\d{1,${scale}})?$`),
      `must be a decimal as text, as -12.5, of at most ${digits - scale} digits before the point and ${scale} after it`,
    )
    .transform(withoutNeedlessZeros);

const partnerShape = z.strictObject({
  /** SP sold-to, SH ship-to, BP bill-to, PY payer, and what else there is. */
  PartnerFunction: code(2),
  Customer: number(10, 'business partner'),
});

/** Each function once. */
export const partnersShape = z
  .array(partnerShape)
  .max(MAX_PARTNERS, `must be at most ${MAX_PARTNERS} partners`)
  .refine((partners) => isUnique(partners, ({ PartnerFunction }) => PartnerFunction), {
    error: 'must name each PartnerFunction once',
  });

const pricingElementShape = z.strictObject({
  PricingProcedureStep: step,
  PricingProcedureCounter: step.default('1'),
  ConditionType: code(4),
  ConditionRateValue: signedDecimal(24, 9).default('0'),
  ConditionAmount: signedDecimal(16, 3).default('0'),
  ConditionCurrency: text(5).default('EUR'),
});

/** Each step and counter once. */
export const pricingElementsShape = z
  .array(pricingElementShape)
  .max(MAX_PRICING_ELEMENTS, `must be at most ${MAX_PRICING_ELEMENTS} pricing elements`)
  .refine(
    (elements) =>
      isUnique(elements, ({ PricingProcedureStep: at, PricingProcedureCounter: counter }) => `${at}/${counter}`),
    { error: 'must have each PricingProcedureStep and PricingProcedureCounter once' },
  );

const textShape = z.strictObject({
  Language: code(2),
  LongTextID: code(4),
  LongText: text(4000),
});

/** Each text once per language. */
export const textsShape = z
  .array(textShape)
  .max(MAX_TEXTS, `must be at most ${MAX_TEXTS} texts`)
  .refine((texts) => isUnique(texts, ({ Language, LongTextID }) => `${Language}/${LongTextID}`), {
    error: 'must have each LongTextID once per Language',
  });

function isUnique<T>(parts: readonly T[], keyOf: (part: T) => string): boolean {
  return new Set(parts.map(keyOf)).size === parts.length;
}

function withoutNeedlessZeros(decimal: string): string {
  const plain = decimal
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
  return plain === '-0' ? '0' : plain;
}

export type OrderPartner = z.output<typeof partnerShape>;
