import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeddleError } from './errors.js';
import { attributeProblem, checkAttributes, longAttributeBytes } from './event.js';

const valid = { id: '1', source: '/s', type: 't' };
const problemOf = (changes: Record<string, unknown>): string | undefined =>
  attributeProblem({ ...valid, ...changes })?.attribute;

describe('the attributes of an event (CloudEvents 1.0.2)', () => {
  it('need id, source and type', () => {
    expect(attributeProblem(valid)).toBeUndefined();
    for (const name of ['id', 'source', 'type']) {
      expect(attributeProblem({ ...valid, [name]: undefined })).toEqual({ attribute: name, rule: 'is required' });
      expect(problemOf({ [name]: '' })).toBe(name);
    }
  });

  it('have names of lower-case letters and digits', () => {
    expect(problemOf({ correlationid: 'x', x1: 'y' })).toBeUndefined();
    for (const name of ['traceParent', 'trace-id', 'trace_id', 'ä', 'data', 'specversion', 'x'.repeat(65)]) {
      expect(problemOf({ [name]: 'x' })).toBe(name);
    }
  });

  it('have times as RFC 3339 says, that are days of a calendar', () => {
    for (const time of ['2026-01-31T12:00:00Z', '2024-02-29T23:59:60.123456+05:30', '2026-01-01t00:00:00z']) {
      expect(problemOf({ time }), time).toBeUndefined();
    }
    for (const time of [
      '2026-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01',
      'now',
      '2026-04-31T00:00:00Z',
      '2026-00-10T00:00:00Z',
      '2026-01-00T00:00:00Z',
    ]) {
      expect(problemOf({ time }), time).toBe('time');
    }
  });

  it('accept every time that a clock may show', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
        expect(problemOf({ time: date.toISOString() })).toBeUndefined();
      }),
    );
  });

  it('have URIs where URIs are asked for', () => {
    expect(
      problemOf({ source: 'urn:x:y', dataschema: 'https://a.example/s', dataref: '/v1/objects/a/b?version=1' }),
    ).toBeUndefined();
    expect(problemOf({ source: 'with space' })).toBe('source');
    expect(problemOf({ dataschema: '/relative' })).toBe('dataschema');
    expect(problemOf({ dataref: 'a\\b' })).toBe('dataref');
    expect(problemOf({ datacontenttype: 'json' })).toBe('datacontenttype');
  });

  it('have no control characters, surrogates or noncharacters', () => {
    expect(problemOf({ subject: 'Größe 😀' })).toBeUndefined();
    for (const text of ['a\nb', '\u0000', '\ud800', '\uffff', '\u{1ffff}', '\u0085']) {
      expect(problemOf({ subject: text }), JSON.stringify(text)).toBe('subject');
    }
  });

  it('are bounded, one by one and together', () => {
    expect(problemOf({ x: 'a'.repeat(4096) })).toBeUndefined();
    expect(problemOf({ x: 'a'.repeat(4097) })).toBe('x');
    expect(problemOf({ x: 'ä'.repeat(2049) })).toBe('x');
    // What an application says of its message counts as its data does, where there is room for that.
    expect(problemOf({ amqpproperties: 'a'.repeat(1_000_000) })).toBeUndefined();
    expect(problemOf({ amqpproperties: 'a'.repeat(1_000_001) })).toBe('amqpproperties');
    expect([4096, 4097].map((bytes) => longAttributeBytes({ amqpproperties: 'a'.repeat(bytes) }))).toEqual([0, 4097]);
    expect(() => checkAttributes({ ...valid, amqpproperties: 'a'.repeat(4097) })).toThrow('at most 4096 bytes');
    const many = (count: number, length: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x${index}`, 'a'.repeat(length)]));
    expect(problemOf(many(64, 1))).toBeUndefined();
    expect(problemOf(many(65, 1))).toBe('x64');
    expect(problemOf(many(5, 4000))).toBe('x4');
  });

  it('are refused with the name of the one that is wrong', () => {
    try {
      checkAttributes({ ...valid, time: 'yesterday' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(HeddleError);
      expect(error).toMatchObject({
        code: 'attribute-invalid',
        field: 'attributes.time',
        status: 400,
        retryable: false,
      });
    }
  });
});
