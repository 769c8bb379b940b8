import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeddleError } from './errors.js';
import { type EventAttributes, attributeProblem } from './event.js';
import { formatAvroEvent, parseAvroEvent } from './structured-avro.js';
import { type StructuredEvent, formatJsonEvent, parseJsonEvent } from './structured-json.js';

const attributes: fc.Arbitrary<EventAttributes> = fc
  .record(
    {
      id: fc.string({ minLength: 1, unit: 'grapheme' }),
      source: fc.constantFrom('/a', 'urn:b', 'https://example.com/c?d=%20'),
      type: fc.constantFrom('a.b', 'heddle.test.v1.Test.Happened.v1'),
      subject: fc.string({ minLength: 1, unit: 'grapheme' }),
      time: fc.constantFrom('2026-01-31T12:00:00.000Z', '2026-01-31t12:00:00+02:00'),
      datacontenttype: fc.constantFrom('application/avro', 'application/json; charset=utf-8'),
      sequence: fc.constant('000000000001'),
      x1: fc.string({ unit: 'grapheme' }),
    },
    { requiredKeys: ['id', 'source', 'type'] },
  )
  .filter((one) => attributeProblem(one) === undefined);
const bytes = fc.uint8Array({ maxLength: 300 }).map((own) => ({ bytes: Buffer.from(own) }));
/** JSON itself has no negative zero. */
const json = fc
  .jsonValue({ noUnicodeString: false })
  .map((own) => ({ json: JSON.parse(JSON.stringify(own)) as unknown }));

describe('an event as a whole', () => {
  it('in JSON comes back as it was, whatever its attributes and its data', () => {
    fc.assert(
      fc.property(attributes, fc.oneof(bytes, json), (own, data) => {
        const event: StructuredEvent = { attributes: own, data };
        expect(parseJsonEvent(Buffer.from(formatJsonEvent(event)))).toEqual(event);
      }),
    );
  });

  it('in Avro comes back as it was, data that is JSON as the bytes of its text', () => {
    fc.assert(
      fc.property(attributes, fc.oneof(bytes, json), (own, data) => {
        const expected = 'bytes' in data ? data : { bytes: Buffer.from(JSON.stringify(data.json)) };
        expect(parseAvroEvent(formatAvroEvent({ attributes: own, data }))).toEqual({ attributes: own, data: expected });
      }),
    );
  });

  it('may be written by a serialiser that puts the id of the format’s schema in front', () => {
    const event = { attributes: { id: '1', source: '/a', type: 'a.b' }, data: { bytes: Buffer.from('x') } };
    expect(parseAvroEvent(Buffer.concat([Buffer.from([0, 0, 0, 0, 9]), formatAvroEvent(event)]))).toEqual(event);
  });

  it('has attributes of other types as their text, and none where they are null', () => {
    const event = { specversion: '1.0', id: '1', source: '/a', type: 'a.b', flag: true, count: -7, none: null };
    expect(parseJsonEvent(Buffer.from(JSON.stringify(event)))).toEqual({
      attributes: { id: '1', source: '/a', type: 'a.b', flag: 'true', count: '-7' },
      data: { json: null },
    });
    // A map of one block: specversion, id, source, type, then a boolean, an int, bytes, a null; then null as data.
    const avro = Buffer.concat([
      Buffer.from([16]),
      ...['specversion', '1.0', 'id', '1', 'source', '/a', 'type', 'a.b'].map((text, index) =>
        Buffer.from([...(index % 2 === 0 ? [] : [6]), text.length * 2, ...Buffer.from(text)]),
      ),
      Buffer.from([8, ...Buffer.from('flag'), 2, 1]),
      Buffer.from([10, ...Buffer.from('count'), 4, 13]),
      Buffer.from([6, ...Buffer.from('bin'), 8, 2, 0xff]),
      Buffer.from([8, ...Buffer.from('none'), 0, 0, 2]),
    ]);
    expect(parseAvroEvent(avro)).toEqual({
      attributes: { id: '1', source: '/a', type: 'a.b', flag: 'true', count: '-7', bin: '/w==' },
      data: { json: null },
    });
  });

  it('in Avro may have a JSON value as its data, as the format pictures it', () => {
    const head = formatAvroEvent({ attributes: { id: '1', source: '/a', type: 'a.b' }, data: { bytes: Buffer.of() } });
    const withData = (...data: number[]) => parseAvroEvent(Buffer.from([...head.subarray(0, -2), ...data])).data;
    expect(withData(4, 1)).toEqual({ json: true });
    expect(withData(10, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f)).toEqual({ json: 1.5 });
    expect(withData(12, 4, 0x68, 0x69)).toEqual({ json: 'hi' });
    // {"a": null, "b": {"c": [{}], "d": {"e": {}}}}
    const inner = [4, 2, 0x63, 6, 2, 0, 0, 2, 0x64, 4, 2, 2, 0x65, 0, 0, 0];
    expect(withData(6, 4, 2, 0x61, 0, 2, 0x62, 4, ...inner, 0)).toEqual({
      json: { a: null, b: { c: [{}], d: { e: {} } } },
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no text', Buffer.from([0x22, 0xff, 0x22])],
    ['another version', '{"specversion":"0.3","id":"1","source":"/a","type":"a.b"}'],
    ['no id', '{"specversion":"1.0","source":"/a","type":"a.b"}'],
    ['an attribute that is an object', '{"specversion":"1.0","id":"1","source":"/a","type":"a.b","x":{}}'],
    ['an attribute named like nothing', '{"specversion":"1.0","id":"1","source":"/a","type":"a.b","__proto__":"x"}'],
    ['data twice', '{"specversion":"1.0","id":"1","source":"/a","type":"a.b","data":1,"data_base64":"AA=="}'],
    ['data that is no base64', '{"specversion":"1.0","id":"1","source":"/a","type":"a.b","data_base64":"%"}'],
  ])('in JSON is refused with %s', (_, text) => {
    expect(() => parseJsonEvent(Buffer.from(text))).toThrow(HeddleError);
  });

  it('is read or refused with an error of ours, whatever the bytes are, and never by way of memory', () => {
    const whole = formatAvroEvent({
      attributes: { id: '1', source: '/a', type: 'a.b' },
      data: { bytes: Buffer.alloc(20) },
    });
    const huge = fc.constantFrom(
      [0xfe, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    );
    const broken = fc
      .tuple(fc.nat(whole.length), fc.nat(10), fc.oneof(huge, fc.array(fc.nat(255), { maxLength: 8 })))
      .map(([at, gone, put]) => Buffer.concat([whole.subarray(0, at), Buffer.from(put), whole.subarray(at + gone)]));
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 200 })), (own) => {
        for (const parse of [parseAvroEvent, parseJsonEvent]) {
          try {
            parse(own);
          } catch (error) {
            expect(error).toBeInstanceOf(HeddleError);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('in Avro is refused when its data is nested without end', () => {
    const head = formatAvroEvent({ attributes: { id: '1', source: '/a', type: 'a.b' }, data: { bytes: Buffer.of() } });
    // An array of one, whose map has one value, which is an array of one …
    const nested = Array.from({ length: 5000 }, () => [2, 2, 0x61, 6]).flat();
    expect(() => parseAvroEvent(Buffer.from([...head.subarray(0, -2), 8, ...nested]))).toThrow(HeddleError);
  });
});
