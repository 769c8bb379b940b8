import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalKey } from './key.js';
import { murmur2, partitionOf } from './murmur2.js';
import { formatSequence } from './sequence.js';
import { slotOf, topicOf } from './topic.js';
import { typeMatcher } from './type.js';
import { uuidv7 } from './uuid.js';

describe('a business key', () => {
  it('of digits loses its leading zeros, any other stays', () => {
    expect(['0000004711', '4711', '0', '000', 'A001', ' 42 '].map(canonicalKey)).toEqual([
      '4711',
      '4711',
      '0',
      '0',
      'A001',
      '42',
    ]);
  });

  it('has one form only', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        try {
          const key = canonicalKey(text);
          expect(canonicalKey(key)).toBe(key);
        } catch (error) {
          expect(error).toMatchObject({ code: 'attribute-invalid' });
        }
      }),
    );
    expect(canonicalKey('e\u0301')).toBe('\u00e9');
  });

  it('is refused when it is empty, too long, or has control characters', () => {
    for (const text of ['', '   ', 'x'.repeat(257), 'a\nb']) expect(() => canonicalKey(text)).toThrow('business key');
  });
});

it('keys are hashed as the Java client of Kafka hashes them', () => {
  // From the tests of Kafka's own clients (UtilsTest, murmur2).
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ];
  for (const [text, hash] of known) expect(murmur2(Buffer.from(text))).toBe(hash);
  expect(murmur2(Buffer.from([0x61, 0x62, 0x63]))).toBe(479470107);
  expect(partitionOf('foobar', 12)).toBe((-790332482 & 0x7fffffff) % 12);
});

it('slots are between 0 and 31, and tenants but the local one stand before their topics', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (tenant, queue) => {
      expect(slotOf(tenant, queue)).toBeGreaterThanOrEqual(0);
      expect(slotOf(tenant, queue)).toBeLessThan(32);
    }),
  );
  expect([topicOf('sales-order'), topicOf('sales-order', 'acme')]).toEqual(['sales-order', 'acme.sales-order']);
});

describe('patterns of event types', () => {
  it('match exactly, by prefix, or everything', () => {
    const matches = typeMatcher(['a.b.v1', 'c.*']);
    expect(['a.b.v1', 'a.b.v12', 'c.d', 'c.', 'c'].map(matches)).toEqual([true, false, true, true, false]);
    expect(typeMatcher(['*'])('anything')).toBe(true);
  });

  it('are refused with a wildcard elsewhere, or other characters', () => {
    for (const pattern of ['a.*.b', '**', '', 'a b', '.a'])
      expect(() => typeMatcher([pattern]), pattern).toThrow('type pattern');
  });
});

it('sequence numbers sort as text as they count', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 12 - 1 }), fc.integer({ min: 1, max: 10 ** 12 - 1 }), (a, b) => {
      expect(formatSequence(a) < formatSequence(b)).toBe(a < b);
    }),
  );
  for (const wrong of [0, -1, 1.5, 10 ** 12]) expect(() => formatSequence(wrong)).toThrow('sequence');
});

it('ids are UUIDs of version 7, in the order of their time, and never the same', () => {
  const ids = Array.from({ length: 2000 }, (_, index) => uuidv7(1_700_000_000_000 + index));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
