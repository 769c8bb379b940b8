import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue } from './header-value.js';

it('any attribute value survives the way through a header', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const encoded = encodeHeaderValue(value);
      expect(encoded).toMatch(/^[\x21-\x7e]*$/);
      expect(decodeHeaderValue(encoded)).toBe(value.toWellFormed());
    }),
  );
});

it('encodes as the binding shows it', () => {
  expect(encodeHeaderValue('Euro € 😀')).toBe('Euro%20%E2%82%AC%20%F0%9F%98%80');
});

it('leaves a percent sign alone that encodes nothing', () => {
  expect(decodeHeaderValue('100% sure')).toBe('100% sure');
});
