import { canonicalKey } from '@heddle/event';
import { z } from 'zod';

/** Text of at most so many characters. */
export const text = (max: number) => z.string('must be text').max(max, `must be at most ${max} characters`);

/** Text that is not empty. */
export const code = (max: number) => text(max).min(1, 'must not be empty');

/** A day without a time. */
export const date = z.iso.date('must be a date, as 2026-01-31');

/** A decimal as text of so many digits, `scale` of them after the point, without needless zeros, so that equal amounts are equal texts. */
export const decimal = (digits: number, scale: number) =>
  z
    .string('must be a decimal as text')
    .regex(/^\d+(\.\d+)?$/, 'must be a decimal as text, as 12.5')
    .transform((value) =>
      value
        .replace(/^0+(?=\d)/, '')
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, ''),
    )
    .refine(
      (value) => {
        const [whole = '', fraction = ''] = value.split('.');
        return whole.length <= digits - scale && fraction.length <= scale;
      },
      `must have at most ${digits - scale} digits before the point and ${scale} after it`,
    );

/** The number of an object, brought into its canonical form. */
export const number = (max: number, of: string) =>
  code(max)
    .regex(/^[A-Za-z0-9]+$/, `must be the number of a ${of}: letters and digits`)
    .transform(canonicalKey);

/** The key of an object in a path. */
export const keyShape = z.string().max(64, 'must be at most 64 characters').transform(canonicalKey);
