import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attributeOf, headerText, utf8Text } from './header-texts.js';

describe('the text of a header', () => {
  it('is what its bytes say, whatever the header of the last record said', () => {
    const names = fc.constantFrom('ce_type', 'ce_source', 'ce_id');
    const texts = fc.oneof(
      fc.constantFrom('', 'a', 'aaaa', 'baaa', 'ä'),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, texts), { maxLength: 60 }), (headers) => {
        for (const [name, text] of headers) expect(headerText(name, Buffer.from(text))).toBe(text);
      }),
    );
  });

  it('does not change when the bytes it was read from do', () => {
    const bytes = Buffer.from('/sales-order');
    expect(headerText('x-kept', bytes)).toBe('/sales-order');
    bytes.fill('x');
    expect(headerText('x-kept', Buffer.from('/sales-order'))).toBe('/sales-order');
    expect(headerText('x-kept', bytes)).toBe('xxxxxxxxxxxx');
  });

  it('is refused when it is not UTF-8, the second time as well', () => {
    for (let time = 0; time < 2; time += 1) {
      expect(() => headerText('x-broken', Buffer.from([0x61, 0xff]))).toThrow(TypeError);
      expect(() => utf8Text(Buffer.from([0xc3]))).toThrow(TypeError);
    }
  });

  it('belongs to an attribute: the name without its prefix', () => {
    for (let n = 0; n < 200; n += 1) expect(attributeOf(`ce_name${n}`, 3)).toBe(`name${n}`);
    expect(attributeOf('ce_type', 3)).toBe('type');
  });
});
