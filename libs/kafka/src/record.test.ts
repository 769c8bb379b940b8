import type { KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { envelopeOf, headersOf, notedHeaders } from './record.js';

const attributes = {
  id: '1',
  source: '/sales-order',
  type: 'heddle.test.v1.Test.Happened.v1',
  datacontenttype: 'application/avro',
  correlationid: 'ünïcode ✓',
};
const value = Buffer.from([0, 0, 0, 0, 1]);

function message(
  headers: Record<string, string | string[] | undefined>,
  own: Partial<KafkaMessage> = {},
): KafkaMessage {
  const asBytes = (held: string | string[] | undefined) =>
    Array.isArray(held) ? held.map((one) => Buffer.from(one)) : held === undefined ? undefined : Buffer.from(held);
  return {
    key: Buffer.from('4711'),
    value,
    timestamp: '0',
    attributes: 0,
    offset: '0',
    headers: Object.fromEntries(Object.entries(headers).map(([name, held]) => [name, asBytes(held)])),
    ...own,
  } as KafkaMessage;
}

const fine = headersOf({ attributes, value }) as Record<string, string>;

describe('the envelope of a record', () => {
  it('is written as the CloudEvents Kafka binding says, and read back the same', () => {
    expect(fine).toEqual({
      ce_specversion: '1.0',
      ce_id: '1',
      ce_source: '/sales-order',
      ce_type: 'heddle.test.v1.Test.Happened.v1',
      ce_correlationid: 'ünïcode ✓',
      'content-type': 'application/avro',
    });
    expect(envelopeOf(message(fine))).toEqual({ key: '4711', attributes, form: 'avro' });
  });

  it('leaves alone headers that are not its own', () => {
    expect(envelopeOf(message({ ...fine, traceid: 'x', 'kafka-anything': 'y' }))).toMatchObject({ attributes });
  });

  it('keeps notes beside the attributes, and is not refused for one that is not as we write them', () => {
    const noted = notedHeaders({ attributes, value }, { 'heddle-reason': 'ünfit' }) as Record<string, string>;
    expect(noted).toEqual({ ...fine, 'heddle-reason': 'ünfit' });
    expect(envelopeOf(message({ ...noted, 'heddle-twice': ['a', 'b'] }))).toEqual({
      key: '4711',
      attributes,
      form: 'avro',
      notes: { 'heddle-reason': 'ünfit' },
    });
    expect(() => notedHeaders({ attributes, value }, { ce_id: '2' })).toThrow('ce_id');
  });

  it('may lack the content type when the value is in the registry’s wire format', () => {
    const { 'content-type': _, ...others } = fine;
    expect(envelopeOf(message(others))).toMatchObject({ form: 'avro' });
    expect(envelopeOf(message(others, { value: Buffer.from('{}') }))).toMatchObject({
      reason: 'content-type-unsupported',
    });
  });

  it('is read for JSON, with parameters too', () => {
    expect(envelopeOf(message({ ...fine, 'content-type': 'application/json; charset=utf-8' }))).toMatchObject({
      form: 'json',
    });
  });

  it.each([
    ['no value', message(fine, { value: null }), 'no-value'],
    ['no key', message(fine, { key: null }), 'no-key'],
    ['no headers', message({}), 'no-attributes'],
    ['another specversion', message({ ...fine, ce_specversion: '0.3' }), 'attribute-invalid'],
    ['no type', message({ ...fine, ce_type: undefined }), 'attribute-invalid'],
    ['an empty id', message({ ...fine, ce_id: '' }), 'attribute-invalid'],
    ['an attribute twice', message({ ...fine, ce_subject: ['a', 'b'] }), 'attribute-invalid'],
    ['another content type', message({ ...fine, 'content-type': 'text/plain' }), 'content-type-unsupported'],
    ['a key that is not UTF-8', message(fine, { key: Buffer.from([0xff, 0xfe]) }), 'attribute-invalid'],
    ['headers in other cases, for Kafka tells them apart', message({ CE_specversion: '1.0' }), 'no-attributes'],
  ])('is refused with %s', (_, record, reason) => {
    expect(envelopeOf(record)).toMatchObject({ reason });
  });
});

describe('a record that is an event as a whole', () => {
  const event = { specversion: '1.0', id: '1', source: '/foreign', type: 'a.b' };
  const json = (own: object, contentType = 'application/cloudevents+json') =>
    message({ 'content-type': contentType }, { value: Buffer.from(JSON.stringify({ ...event, ...own })) });

  it('in JSON is read, whatever stands behind its content type, and its headers do not count', () => {
    const expected = {
      key: '4711',
      attributes: { id: '1', source: '/foreign', type: 'a.b', datacontenttype: 'application/json' },
      form: 'json',
      data: { json: { n: 1 } },
    };
    expect(envelopeOf(json({ data: { n: 1 } }))).toEqual(expected);
    expect(envelopeOf(json({ data: { n: 1 } }, 'Application/CloudEvents+JSON; charset=UTF-8'))).toEqual(expected);
  });

  it('in JSON may hold Avro in the registry’s wire format', () => {
    const own = { datacontenttype: 'application/avro', data_base64: value.toString('base64') };
    expect(envelopeOf(json(own))).toMatchObject({ form: 'avro', data: { bytes: value } });
  });

  it.each([
    ['a batch', json({}, 'application/cloudevents-batch+json'), 'content-type-unsupported'],
    ['another format', json({}, 'application/cloudevents+xml'), 'content-type-unsupported'],
    ['data of another kind', json({ datacontenttype: 'text/plain', data: 'x' }), 'content-type-unsupported'],
    ['no id', json({ id: null }), 'attribute-invalid'],
    ['a value that is not JSON', message({ 'content-type': 'application/cloudevents+json' }), 'envelope-invalid'],
    ['a value that is not Avro', message({ 'content-type': 'application/cloudevents+avro' }), 'envelope-invalid'],
  ])('is refused for %s', (_, record, reason) => {
    expect(envelopeOf(record)).toMatchObject({ reason });
  });
});
