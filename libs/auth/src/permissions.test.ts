import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, isPattern } from './pattern.js';
import { Permissions } from './permissions.js';

const segment = fc.constantFrom('a', 'b', 'ab', 'order', 'v1');
const separator = fc.constantFrom('.', '/');
const joined = (part: fc.Arbitrary<string>) =>
  fc
    .tuple(part, fc.array(fc.tuple(separator, part), { maxLength: 3 }))
    .map(([first, rest]) => first + rest.flat().join(''));
const name = joined(segment);
const pattern = fc.oneof(
  joined(fc.oneof(segment, fc.constant('+'))),
  fc.tuple(joined(fc.oneof(segment, fc.constant('+'))), separator).map(([start, by]) => `${start}${by}*`),
  joined(segment).map((start) => `${start}*`),
  fc.constant('*'),
);

describe('a pattern of a permission', () => {
  it.each([
    ['sap.s4.*', 'sap.s4.beh.salesorder.v1', true],
    ['sap.s4.*', 'sap.s4', false],
    ['orders-*', 'orders-eu', true],
    ['orders-*', 'order', false],
    ['acme/+/prod', 'acme/sales/prod', true],
    ['acme/+/prod', 'acme/sales/eu/prod', false],
    ['+', 'a.b', false],
    ['*', 'anything.at/all', true],
    ['a', 'a.b', false],
    ['a.b', 'a', false],
  ])('%s selects %s: %s', (wanted, given, selects) => {
    expect(covers(wanted, given)).toBe(selects);
  });

  it('selects itself', () => {
    fc.assert(
      fc.property(pattern, (one) => {
        expect(isPattern(one)).toBe(true);
        expect(covers(one, one)).toBe(true);
      }),
    );
  });

  it('that covers another selects every name the other one does', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (one, other, given) => {
        fc.pre(covers(one, other) && covers(other, given));
        expect(covers(one, given)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['', '.a', 'a..b', 'a*b', '**', 'a b', 'a.+b', '+*', 'ä', 'a'.repeat(257)])('is not %j', (text) => {
    expect(isPattern(text)).toBe(false);
  });
});

describe('permissions', () => {
  const some = Permissions.of(['publish:type:sap.s4.*', 'consume:queue:orders', 'manage:client:*']);

  it('deny what they do not list', () => {
    expect(some.allows('publish', 'type', 'sap.s4.beh.x')).toBe(true);
    expect(some.allows('publish', 'queue', 'sap.s4.beh.x')).toBe(false);
    expect(some.allows('consume', 'type', 'sap.s4.beh.x')).toBe(false);
    expect(some.allows('consume', 'queue', 'orders-2')).toBe(false);
    expect(Permissions.none.allows('consume', 'queue', 'orders')).toBe(false);
  });

  it('are given on by whom has them, and not beyond', () => {
    expect(some.covers(Permissions.of(['publish:type:sap.s4.beh.*', 'consume:queue:orders']))).toBe(true);
    expect(some.covers(Permissions.of(['publish:type:sap.*']))).toBe(false);
    expect(some.covers(Permissions.of(['*']))).toBe(false);
    expect(Permissions.of(['*']).covers(some)).toBe(true);
  });

  it('to manage tenants are not part of everything', () => {
    expect(Permissions.of(['*']).covers(Permissions.of(['manage:tenant:*']))).toBe(false);
  });

  it.each(['publish', 'write:type:*', 'publish:thing:*', 'publish:type:', 'publish:type:a b', 'publish:type:a:b'])(
    'are refused with the rule and an example when one is %j',
    (text) => {
      expect(() => Permissions.of([text])).toThrowError(/is no permission: one .* For example publish:type:/);
    },
  );
});
