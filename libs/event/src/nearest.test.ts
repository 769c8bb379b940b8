import { expect, it } from 'vitest';
import { nearest, suggestion } from './nearest.js';

it.each([
  ['leasMs', ['maxInFlight', 'leaseMs'], 'leaseMs'],
  ['deadletters', ['deadLetters', 'deadLetterQueue'], 'deadLetters'],
  ['htps', ['https', 'http'], 'https'],
  ['aorder', ['order', 'boarder'], 'order'],
  ['Order', ['queue', 'topic'], undefined],
  ['x'.repeat(257), ['x'.repeat(257)], undefined],
  ['word', [], undefined],
])('%s is a slip of the pen of what is near enough among %j', (word, candidates, meant) => {
  expect(nearest(word, candidates)).toBe(meant);
});

it('what is not known is said with what it was meant to be, or with all there are', () => {
  expect(suggestion('leasMs', ['order', 'leaseMs'])).toBe('did you mean leaseMs?');
  expect(suggestion('speed', ['order', 'leaseMs'])).toBe('there are order, leaseMs');
  expect(suggestion('speed', ['order'])).toBe('there is order');
  expect(suggestion('speed', [])).toBe('');
});
