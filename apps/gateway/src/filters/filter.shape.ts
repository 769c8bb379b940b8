import { z } from 'zod';
import type { FilterExpression } from './filter.js';

const attributes = {
  type: 'object',
  minProperties: 1,
  additionalProperties: { type: 'string', minLength: 1 },
  description: 'attribute names with what is wanted of each; all must hold; case-sensitive',
};
const filters = { type: 'array', minItems: 1, items: { type: 'object', description: 'a filter' } };

/** The dialects as JSON Schema. Filters in filters are named only, for a schema inside of others cannot refer to itself. */
const dialects: [name: string, operand: object][] = [
  ['exact', attributes],
  ['prefix', attributes],
  ['suffix', attributes],
  ['all', filters],
  ['any', filters],
  ['not', { type: 'object', description: 'a filter' }],
  ['cel', { type: 'string', description: 'true or false, over attributes by name, `attributes`, `key` and `data`' }],
];

/**
 * A list of filters in a request: all of them must hold. It describes them and lets anything through: what is wrong is
 * found by `compileFilter`, which names the part and the rule, where a union of shapes could only name the list.
 */
export const filterShape: z.ZodType<FilterExpression[], FilterExpression[]> = z
  .array(z.custom<FilterExpression>())
  .meta({
    description: 'filters that must all match: dialects of CloudEvents Subscriptions, and cel over attributes and data',
    items: {
      oneOf: dialects.map(([name, operand]) => ({
        type: 'object',
        properties: { [name]: operand },
        required: [name],
        additionalProperties: false,
      })),
    },
  });
