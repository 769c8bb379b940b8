import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from './event.js';
import { isRawMessage, rawContentOf, rawEvent } from './raw-message.js';
import { isRawTopic, objectOf, tenantOf, topicOf, RAW_TOPIC } from './topic.js';

function message(value: string | Uint8Array, datacontenttype?: string, attributes: Record<string, string> = {}): Event {
  const type = 'heddle.raw.v1.Message.Published.v1';
  return {
    attributes: {
      id: '1',
      source: '/clients/c',
      type,
      ...(datacontenttype === undefined ? {} : { datacontenttype }),
      ...attributes,
    },
    value: typeof value === 'string' ? Buffer.from(value) : value,
  };
}

const stored = (event: Event) =>
  rawEvent({ ...event, topic: RAW_TOPIC, partition: 0, offset: 0, key: 'k', appendedAt: 0 });

describe('raw messages', () => {
  it('are read whatever their bytes are, and whatever their content type says of them', () => {
    const types = fc.constantFrom(
      undefined,
      'text/plain',
      'application/json',
      'application/cloudevents+json',
      'a/b+json',
      'x',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.json().map((text) => new Uint8Array(Buffer.from(text))),
      fc
        .constantFrom('{', '[1,', '"', '{"data_base64":1}', '{"data_base64":"x"}', 'null')
        .map((text) => new Uint8Array(Buffer.from(text))),
    );
    fc.assert(
      fc.property(bytes, types, (value, contentType) => {
        const { data } = stored(message(value, contentType));
        expect(data instanceof Uint8Array || JSON.stringify(data) !== undefined).toBe(true);
        if (contentType === undefined || contentType === 'text/plain') expect(data).toBe(value);
      }),
    );
  });

  it('that are JSON have their value as data, and their text as it was published', () => {
    const text = '{"n":12345678901234567890}';
    expect(rawContentOf(message(text, 'application/json; charset=utf-8'))).toMatchObject({
      json: { n: 1.2345678901234567e19 },
      text,
    });
    expect(stored(message('[1]', 'application/vnd.x+json')).data).toEqual([1]);
  });

  it('that are CloudEvents as a whole have the data of those', () => {
    const event = { specversion: '1.0', id: '1', source: '/s', type: 't' };
    const of = (more: object) =>
      rawContentOf(message(JSON.stringify({ ...event, ...more }), 'application/cloudevents+json'));
    expect(of({ data: { a: 1 } })).toMatchObject({ contentType: 'application/json', json: { a: 1 } });
    expect(of({ datacontenttype: 'text/xml', data: '<a/>' })).toMatchObject({ contentType: 'text/xml', json: '<a/>' });
    expect(of({})).toMatchObject({ json: null });
    const bytes = of({ datacontenttype: 'image/png', data_base64: 'AAEC' });
    expect(bytes).toEqual({ contentType: 'image/png', bytes: Buffer.from([0, 1, 2]) });
  });

  it('that are nested too deep to be written again stay bytes', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    expect(rawContentOf(message(deep, 'application/json'))).toHaveProperty('bytes');
    expect(rawContentOf(message(`{"a":"${'['.repeat(1000)}\\""}`, 'application/json'))).toHaveProperty('json');
  });

  it('keep their data in every copy that is made of them', () => {
    expect({ ...stored(message('{"a":1}', 'application/json')) }.data).toEqual({ a: 1 });
  });

  it('are told from events in a dead message queue, which have a schema, or had one', () => {
    const at = { topic: RAW_TOPIC };
    const attributes = { id: '1', source: '/s', type: 't' };
    expect(isRawMessage({ ...at, attributes })).toBe(true);
    expect(isRawMessage({ ...at, attributes: { ...attributes, deadletterqueue: 'q' } })).toBe(false);
    expect(
      isRawMessage({ ...at, attributes: { ...attributes, deadletterqueue: 'q', deadletteraddress: 'topic:a/b' } }),
    ).toBe(true);
    expect(isRawMessage({ topic: 'sales-order', attributes })).toBe(false);
  });
});

describe('the topic of raw messages', () => {
  it('is that of one tenant, as topics of business objects are', () => {
    for (const tenant of ['local', 'acme']) {
      const topic = topicOf(RAW_TOPIC, tenant);
      expect([isRawTopic(topic), tenantOf(topic), objectOf(topic)]).toEqual([true, tenant, RAW_TOPIC]);
    }
    expect([isRawTopic('sales-order'), isRawTopic('acme.contract'), isRawTopic('heddle.attempts')]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
