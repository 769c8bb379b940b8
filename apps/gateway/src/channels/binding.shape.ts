import { typeMatcher } from '@heddle/event';
import { z } from 'zod';

/** What one binding, and all bindings of a channel, may have. */
const BINDING_LIMITS = { bindings: 100, filters: 10, alternatives: 50, text: 1024 } as const;

const ATTRIBUTE = /^[a-z][a-z0-9]{0,63}$/;
const DATA_PATH = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*){0,7}$/;

const textShape = z
  .string()
  .max(BINDING_LIMITS.text)
  .refine((text) => text.isWellFormed(), 'must not have halves of surrogate pairs');
const bound = z.union([textShape, z.number()], 'must be a text or a number');

const alternatives = z
  .array(
    z.union(
      [
        textShape,
        z.number(),
        z
          .strictObject({ low: bound, high: bound })
          .refine(isRange, 'must go from low up to high, both texts or both numbers'),
      ],
      'must be a text, a number, or a range {"low": …, "high": …}',
    ),
  )
  .min(1)
  .max(BINDING_LIMITS.alternatives);

const bindingFilterShape = z
  .strictObject({
    attribute: z
      .string()
      .regex(ATTRIBUTE, 'must be the name of an attribute, of a-z and 0-9')
      .optional()
      .describe('an attribute of the event: subject, source, …'),
    data: z
      .string()
      .max(256)
      .regex(DATA_PATH, 'must be the path of a field, as SalesOrganization or Document.mediaType')
      .optional()
      .describe('the path of a field of the data'),
    include: alternatives.optional().describe('values and ranges, one of which it has to be'),
    exclude: alternatives.optional().describe('values and ranges, none of which it may be'),
  })
  .refine(
    ({ attribute, data }) => (attribute === undefined) !== (data === undefined),
    'must name either an attribute or the path of a field of the data',
  )
  .refine(
    ({ include, exclude }) => include !== undefined || exclude !== undefined,
    'must include or exclude something',
  );

const bindingShape = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(256)
      .refine(
        isPattern,
        'must be an event type of letters, digits, dots, hyphens and underscores, with * at its end at most',
      )
      .describe('an event type of the catalogue, or several with a trailing *'),
    filters: z
      .array(bindingFilterShape)
      .max(BINDING_LIMITS.filters)
      .optional()
      .describe('all of which must let an event through; for one exact type only'),
  })
  .refine(({ type, filters = [] }) => !type.endsWith('*') || filters.length === 0, {
    path: ['filters'],
    message: 'are for one exact type: a type with * has none',
  });

/** The bindings of a channel, as in a request and as they are shown. */
export const bindingsShape = z
  .array(bindingShape)
  .min(1, 'must have at least one binding')
  .max(BINDING_LIMITS.bindings);

function isRange({ low, high }: { low: string | number; high: string | number }): boolean {
  return typeof low === 'number' ? typeof high === 'number' && low <= high : typeof high === 'string' && low <= high;
}

function isPattern(pattern: string): boolean {
  try {
    typeMatcher([pattern]);
    return true;
  } catch {
    return false;
  }
}
