import { expect, it } from 'vitest';
import { callerFor } from '../identity/identity-trial.js';
import { streamWish } from './stream-request.js';

const start = (text: string): unknown => streamWish(callerFor(), new URLSearchParams({ start: text })).start;

it.each([
  ['now', 'now'],
  ['earliest', 'earliest'],
  ['2026-01-31T12:00:00Z', { time: Date.parse('2026-01-31T12:00:00Z') }],
  ['2026-01-31T13:00:00.5+01:00', { time: Date.parse('2026-01-31T12:00:00.500Z') }],
  ['contract/3@120', { places: [{ topic: 'contract', partition: 3, offset: 120 }] }],
  [
    'contract/3@120,sales-order/0@0',
    {
      places: [
        { topic: 'contract', partition: 3, offset: 120 },
        { topic: 'sales-order', partition: 0, offset: 0 },
      ],
    },
  ],
])('start=%s is where a stream begins', (text, beginning) => {
  expect(start(text)).toEqual(beginning);
});

it.each([
  '',
  'yesterday',
  '2026-01-31',
  '2026-13-31T12:00:00Z',
  'contract',
  'contract/3',
  'contract/-1@5',
  'acme.contract/0@0',
  'a/0@0,',
])('start=%s is refused, for what it means is not certain, or not for everybody', (text) => {
  expect(() => start(text)).toThrow('start must be now, earliest, a time');
});

it('more places than are sensible are refused', () => {
  expect(() => start(Array(101).fill('a/0@0').join(','))).toThrow('up to 100 places');
});
