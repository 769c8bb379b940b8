import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJson, parseJson } from './json-limits.js';

const LIMITS = { depth: 4, properties: 6, numberChars: 8 };

function verdict(text: string): string {
  try {
    checkJson(Buffer.from(text), LIMITS);
    return 'allowed';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** What the pass over the bytes is to find, found in what was parsed. */
function shapeOf(value: unknown): { depth: number; properties: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, properties: 0 };
  const parts = Object.values(value).map(shapeOf);
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    properties: own + parts.reduce((sum, { properties }) => sum + properties, 0),
  };
}

describe('JSON within limits', () => {
  it('is told by its bytes as it would be by what is parsed of them, whatever stands in its strings', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('{', '[[[[[', '":', '\\', '\\"', '1234567890'),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        text,
        fc.integer({ min: -999_999, max: 999_999 }),
        fc.constantFrom(null, true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(text, tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (data, indent) => {
        const { depth, properties } = shapeOf(data);
        const isAllowed = depth <= LIMITS.depth && properties <= LIMITS.properties;
        expect(verdict(JSON.stringify(data, undefined, indent))).toBe(isAllowed ? 'allowed' : 'too-complex');
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['12345678', 'allowed'],
    ['123456789', 'too-complex'],
    ['[1, -1.5e+10]', 'allowed'],
    ['[1, -1.5e+100]', 'too-complex'],
    ['{"a":"1234567890123"}', 'allowed'],
    ['[[[[1]]]]', 'allowed'],
    ['[[[[[1]]]]]', 'too-complex'],
    ['[[[]],[[]],[[]]]', 'allowed'],
  ])('%s: %s', (text, expected) => {
    expect(verdict(text)).toBe(expected);
  });

  it.each([
    '{"__proto__":{"x":1}}',
    '{"a":[{"__proto__" : 1}]}',
    '{"\\u005f_proto\\u005f_":1}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"constr\\u0075ctor":{"x":1,"prototype":{}}}',
  ])('a key that reaches a prototype is refused: %s', (text) => {
    expect(verdict(text)).toBe('body-invalid');
  });

  it.each(['{"a":"__proto__"}', '["__proto__"]', '{"constructor":{"a":1}}', '{"constructor":1,"b":{"prototype":1}}'])(
    'and is no other than such a key: %s',
    (text) => {
      expect(verdict(text)).toBe('allowed');
    },
  );

  it('what is no JSON is left to the parser, which says so, whatever it is', () => {
    expect(() => parseJson(Buffer.from('{"a":'), LIMITS, 'data')).toThrow(
      expect.objectContaining({ code: 'body-invalid', field: 'data' }) as Error,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.string({ maxLength: 20 }), (bytes, text) => {
        for (const input of [bytes, Buffer.from(`{"${text}`), Buffer.from(`]]}${text}:`)]) {
          expect(['allowed', 'too-complex', 'body-invalid']).toContain(verdict(Buffer.from(input).toString('latin1')));
        }
      }),
    );
  });

  it('a view into a larger buffer is read where it begins', () => {
    const whole = Buffer.from('xx{"a":1}yy');
    expect(parseJson(whole.subarray(2, 9), LIMITS)).toEqual({ a: 1 });
  });
});
