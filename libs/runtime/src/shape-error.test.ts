import { HeddleError } from '@heddle/event';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { brokenRules, readShape } from './shape-error.js';

const shape = z.strictObject({
  Name: z.string('must be text'),
  Items: z.array(z.strictObject({ Size: z.int() })),
  Note: z
    .strictObject({ Text: z.string(), Language: z.string() })
    .transform(({ Text }) => Text)
    .optional(),
  Prices: z.record(z.string().regex(/^[A-Z]+$/, 'is no currency'), z.strictObject({ Amount: z.int() })).default({}),
  Ship: z
    .discriminatedUnion('by', [
      z.strictObject({ by: z.literal('air'), airport: z.string() }),
      z.strictObject({ by: z.literal('sea'), harbour: z.string() }),
    ])
    .optional(),
});
const good = { Name: 'a', Items: [] };

function errorOf(value: unknown): HeddleError {
  try {
    readShape(shape, value);
  } catch (error) {
    if (error instanceof HeddleError) return error;
  }
  throw new Error('It was accepted.');
}

const fieldsOf = (value: unknown): string[] =>
  (errorOf(value).fields ?? []).map(({ field, rule }) => `${field}: ${rule}`);

it('what fits is read, with what its shape makes of it', () => {
  expect(readShape(shape, { ...good, Note: { Text: 'soon', Language: 'EN' } })).toEqual({
    ...good,
    Note: 'soon',
    Prices: {},
  });
});

it('each wrong field is named, those that are not known with the nearest that is there, or all', () => {
  expect(fieldsOf({ Name: 7, Items: [{ Size: 1 }, { Size: 1, Sise: 'red', Colour: 42 }], Itmes: [] })).toEqual([
    'Name: must be text',
    'Items.1.Sise: is not known here; did you mean Size?',
    'Items.1.Colour: is not known here; there is Size',
    'Itmes: is not known here; did you mean Items?',
  ]);
});

it.each([
  ['what may be left out and is turned into something else', { Note: { Text: '', Langage: '' } }, 'mean Language?'],
  [
    'a record',
    { Prices: { EUR: { Amuont: 1, Amount: 1 } } },
    'Prices.EUR.Amuont: is not known here; did you mean Amount',
  ],
  ['alternatives', { Ship: { by: 'sea', harbour: 'Kiel', habrour: '' } }, 'did you mean harbour?'],
])('fields are looked for in %s, too', (_where, part, told) => {
  expect(fieldsOf({ ...good, ...part }).join('\n')).toContain(told);
});

it('a name that is wrong is told by its own rule', () => {
  expect(fieldsOf({ ...good, Prices: { euro: { Amount: 1 } } })).toEqual(['Prices.euro: is no currency']);
});

it('the first field is said in a sentence, however its rule ends', () => {
  expect(errorOf({ ...good, Name: 7 })).toMatchObject({ code: 'data-invalid', message: 'Name must be text.' });
  expect(errorOf({ ...good, Nmae: 7 }).message).toBe('Nmae is not known here; did you mean Name?');
  expect(errorOf(7).message).toBe('The body must be an object, not a number.');
});

it('no more of a request is repeated than is needed', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(100)}${index}`, 1]));
  const items = Array.from({ length: 500 }, () => many);
  expect(fieldsOf({ ...good, ...many })).toHaveLength(20);
  expect(fieldsOf({ ...good, ...many })[0]).toMatch(/^x{64}: is not known here; there are Name, Items/);
  expect(fieldsOf({ ...good, Items: items })).toHaveLength(100);
});

it('for those who look for the place of a field themselves, the path of each is whole', () => {
  const key = 'y'.repeat(100);
  expect(brokenRules(shape, shape.safeParse({ ...good, [key]: 1 }).error?.issues ?? [])).toMatchObject([
    { path: [key], field: 'y'.repeat(64) },
  ]);
});
