import { HeddleError, LOCAL_TENANT, topicOf } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MovingPosition, formatToken, parseToken } from './resume-token.js';

const offsets = fc.array(fc.maxSafeNat(), { minLength: 1, maxLength: 12 });
const objects = fc.dictionary(fc.stringMatching(/^[a-z][a-z_-]{0,20}$/), offsets, { maxKeys: 5 });
const tenants = fc.constantFrom(LOCAL_TENANT, 'acme', 'acme-2');

const vectorOf = (tenant: string, dictionary: Record<string, number[]>) =>
  new Map(Object.entries(dictionary).map(([object, numbers]) => [topicOf(object, tenant), numbers]));

describe('resume tokens', () => {
  it('say what they were made from', () => {
    fc.assert(
      fc.property(tenants, objects, (tenant, dictionary) => {
        const vector = vectorOf(tenant, dictionary);
        expect(parseToken(tenant, formatToken(tenant, vector))).toEqual(vector);
      }),
    );
  });

  it('are safe in headers and URLs', () => {
    fc.assert(
      fc.property(tenants, objects, (tenant, dictionary) => {
        expect(formatToken(tenant, vectorOf(tenant, dictionary))).toMatch(/^[A-Za-z0-9._~=-]*$/);
      }),
    );
  });

  it('are refused, never misread, when they are something else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(formatToken(LOCAL_TENANT, parseToken(LOCAL_TENANT, text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(HeddleError);
        }
      }),
    );
    for (const text of ['', '2~a=1', '1~a', '1~=1', '1~a=', '1~a=1~a=2', '1~a=-1', '1~a=zzzzzzzzzzzz']) {
      expect(() => parseToken(LOCAL_TENANT, text), text).toThrow('resume token');
    }
  });

  it('of another tenant are refused, and none can name a topic that is not of its tenant', () => {
    fc.assert(
      fc.property(tenants, tenants, objects, (tenant, other, dictionary) => {
        fc.pre(tenant !== other);
        const token = formatToken(other, vectorOf(other, dictionary));
        expect(() => parseToken(tenant, token)).toThrow('resume token');
      }),
    );
    for (const text of ['1~acme.contract=5', '1.acme~acme.contract=5', '1.acme~other.contract=5', '1.acme.b~c=5']) {
      for (const tenant of [LOCAL_TENANT, 'acme']) expect(() => parseToken(tenant, text), text).toThrow('resume token');
    }
    expect(parseToken('acme', '1.acme~contract=5')).toEqual(new Map([['acme.contract', [5]]]));
  });

  it('of a moving position follow it, each tenant for itself', () => {
    const position = new MovingPosition();
    position.moveTo('orders', 2, 5);
    expect(position.of(LOCAL_TENANT).token).toBe('1~orders=0.0.5');
    position.moveTo('partners', 0, 40);
    position.moveTo('acme.orders', 1, 7);
    position.moveTo('orders', 0, 1);
    const { token } = position.of(LOCAL_TENANT);
    expect(parseToken(LOCAL_TENANT, token)).toEqual(position.of(LOCAL_TENANT).copy());
    expect(token).toBe('1~orders=1.0.5~partners=14');
    expect(position.of('acme').token).toBe('1.acme~orders=0.7');
    expect(position.of('other').token).toBe('1.other');
    expect([position.next('acme.orders', 1), position.partitions('acme.orders')]).toEqual([7, 2]);
  });
});
