import { HeddleError } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MovingPosition, formatToken, parseToken } from './resume-token.js';

const offsets = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 12 });
const topics = fc.dictionary(fc.stringMatching(/^[a-z][a-z.-]{0,20}$/), offsets, { maxKeys: 5 });

describe('resume tokens', () => {
  it('say what they were made from', () => {
    fc.assert(
      fc.property(topics, (dictionary) => {
        const vector = new Map(Object.entries(dictionary));
        expect(parseToken(formatToken(vector))).toEqual(vector);
      }),
    );
  });

  it('are safe in headers and URLs', () => {
    fc.assert(
      fc.property(topics, (dictionary) => {
        expect(formatToken(new Map(Object.entries(dictionary)))).toMatch(/^[A-Za-z0-9._~=-]*$/);
      }),
    );
  });

  it('are refused, never misread, when they are something else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(formatToken(parseToken(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError);
        }
      }),
    );
    for (const text of ['', '2~a=1', '1~a', '1~=1', '1~a=', '1~a=1~a=2', '1~a=-1', '1~a=zzzzzzzzzzzz']) {
      expect(() => parseToken(text), text).toThrow('resume token');
    }
  });

  it('of a moving position follow it', () => {
    const position = new MovingPosition();
    position.moveTo('orders', 2, 5);
    expect(position.token).toBe('1~orders=0.0.5');
    position.moveTo('partners', 0, 40);
    position.moveTo('orders', 0, 1);
    expect(parseToken(position.token)).toEqual(position.copy());
  });
});
