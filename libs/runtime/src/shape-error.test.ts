import { expect, it } from 'vitest';
import { z } from 'zod';
import { shapeError } from './shape-error.js';

const shape = z.strictObject({ Name: z.string('must be text'), Items: z.array(z.strictObject({ Size: z.int() })) });
const fieldsOf = (value: unknown) => {
  const error = shapeError(shape.safeParse(value).error?.issues ?? []);
  return (error.fields ?? []).map(({ field, rule }) => `${field}: ${rule}`);
};

it('an error of a shape names each wrong field, those that are not known there, too', () => {
  expect(fieldsOf({ Name: 7, Items: [{ Size: 1 }, { Size: 1, Colour: 'red', Shoe: 42 }], Item: [] })).toEqual([
    'Name: must be text',
    'Items.1.Colour: is not known here',
    'Items.1.Shoe: is not known here',
    'Item: is not known here',
  ]);
});

it('an error of a shape repeats no more of a request than it needs', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(100)}${index}`, 1]));
  const fields = fieldsOf({ Name: '', Items: [], ...many });
  expect(fields).toHaveLength(100);
  expect(fields[0]).toBe(`${'x'.repeat(64)}: is not known here`);
});
