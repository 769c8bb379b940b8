import { canonicalKey } from '@heddle/event';
import { z } from 'zod';

/** Text of at most so many characters. */
export const text = (max: number) => z.string('must be text').max(max, `must be at most ${max} characters`);

/** Text that is not empty. */
export const code = (max: number) => text(max).min(1, 'must not be empty');

/** The number of an object, brought into its canonical form. */
export const number = (max: number, of: string) =>
  code(max)
    .regex(/^[A-Za-z0-9]+$/, `must be the number of a ${of}: letters and digits`)
    .transform(canonicalKey);

/** The key of an object in a path. */
export const keyShape = z.string().max(64, 'must be at most 64 characters').transform(canonicalKey);
