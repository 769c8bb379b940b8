import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import './shape-rules.js';

const ruleFor = (shape: z.ZodType, value: unknown): string | undefined =>
  shape.safeParse(value).error?.issues[0]?.message;

describe('a rule that is broken goes on with the sentence that its field begins:', () => {
  it.each([
    ['is missing', z.string(), undefined],
    ['is missing', z.enum(['a', 'b']), undefined],
    ['must be text, not a number', z.string(), 7],
    ['must be a number, not text', z.int(), 'x'],
    ['must be a whole number', z.int(), 1.5],
    ['must be a number', z.coerce.number(), 'x'],
    ['must be a list, not an object', z.array(z.string()), {}],
    ['must be an object, not null', z.strictObject({}), null],
    ['must be true or false, not text', z.boolean(), 'yes'],
    ['must be "a", "b" or "c"', z.enum(['a', 'b', 'c']), 'd'],
    ['must be 1', z.literal(1), 2],
    ['must be at least 1000', z.number().min(1000), 1],
    ['must be at most 255', z.number().max(255), 300],
    ['must be more than 0', z.number().positive(), 0],
    ['must not be empty', z.string().min(1), ''],
    ['must not be empty', z.array(z.int()).min(1), []],
    ['must have at most 3 characters', z.string().max(3), 'four'],
    ['must have at most 1 entry', z.array(z.int()).max(1), [1, 2]],
    ['must have exactly 2 characters', z.string().length(2), 'DEU'],
    ['must be a multiple of 5', z.number().multipleOf(5), 7],
    ['must be a URL', z.url(), 'nowhere'],
    ['must match /^a/', z.string().regex(/^a/), 'b'],
    ['must begin with queue:', z.string().startsWith('queue:'), 'b'],
    ['has none of the forms that are allowed here', z.union([z.int(), z.boolean()]), 'b'],
    ['has b, which is not known here', z.strictObject({ a: z.int().optional() }), { b: 1 }],
  ] as const)('%s', (rule, shape, value) => {
    expect(ruleFor(shape, value)).toBe(rule);
  });

  it('its own words come first', () => {
    expect(ruleFor(z.string('must be the name of a queue'), 7)).toBe('must be the name of a queue');
  });
});
