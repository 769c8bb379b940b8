import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { attachedStateOf } from './cloud-event.js';
import { verifyWebhook } from './webhook-request.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const EVENT = { specversion: '1.0', id: 'e1', source: '/s', type: 't', subject: '4711', data: { n: 1 } };

describe('the events of a delivery', () => {
  it('are read in structured mode, with data of any kind', () => {
    expect(read(EVENT)).toMatchObject({ mode: 'structured', events: [EVENT] });
    const { data: _json, ...bare } = EVENT;
    const [binary] = read({ ...bare, datacontenttype: 'application/pdf', data_base64: 'AQID' }).events;
    expect(binary).toEqual({ ...bare, datacontenttype: 'application/pdf', data: new Uint8Array([1, 2, 3]) });
    expect(read(bare).events).toEqual([bare]);
  });

  it('are read in batches', () => {
    const batch = [EVENT, { ...EVENT, id: 'e2' }];
    expect(read(batch, 'application/cloudevents-batch+json')).toMatchObject({ mode: 'batch', events: batch });
    expect(read([], 'application/cloudevents-batch+json').events).toEqual([]);
  });

  it('are read in binary mode: attributes percent-decoded, data by its type', () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'e1',
      'ce-source': '/s',
      'ce-type': 't',
      'ce-subject': 'Stra%C3%9Fe%20%22100%25%22',
      'CE-Sequence': '000000000007',
    };
    const json = read('{"n":1}', 'application/json', headers);
    expect(json).toEqual({
      id: 'm',
      signedAt: expect.any(Date) as Date,
      mode: 'binary',
      events: [
        {
          specversion: '1.0',
          id: 'e1',
          source: '/s',
          type: 't',
          subject: 'Straße "100%"',
          sequence: '000000000007',
          datacontenttype: 'application/json',
          data: { n: 1 },
        },
      ],
      attempt: 1,
      redelivery: 'no',
      cycle: undefined,
      isTest: false,
    });
    expect(read('hello', 'text/plain', headers).events[0]!.data).toBe('hello');
    expect(read('\u0001', 'application/avro', headers).events[0]!.data).toEqual(new Uint8Array([1]));
    expect(read('', 'application/json', headers).events[0]).not.toHaveProperty('data');
    const asHeaders = read('{"n":2}', 'application/json', headers, true);
    expect(asHeaders.events[0]).toMatchObject({ subject: 'Straße "100%"', data: { n: 2 } });
  });

  it('come with which attempt it is, whether it came before, and whether somebody only tries', () => {
    const headers = {
      'heddle-attempt': '3',
      'heddle-redelivery': 'maybe',
      'heddle-cycle': 'r-1',
      'heddle-test': 'true',
    };
    expect(read(EVENT, undefined, headers)).toMatchObject({
      attempt: 3,
      redelivery: 'maybe',
      cycle: 'r-1',
      isTest: true,
    });
  });

  it('bring the object where the webhook has it attached', () => {
    const attached = (attributes: object): unknown => attachedStateOf(read({ ...EVENT, ...attributes }).events[0]!);
    expect(attached({ stateversion: '7', state: '{"a":1}' })).toEqual({ version: '7', object: { a: 1 } });
    expect(attached({ stateversion: '8', stategone: true })).toEqual({ version: '8', gone: true });
    expect(attached({})).toBeUndefined();
  });
});

it.each([
  ['no JSON', 400, 'body-invalid', '{', 'application/cloudevents+json'],
  ['a batch that is no list', 400, 'body-invalid', '{}', 'application/cloudevents-batch+json'],
  ['no event', 400, 'event-invalid', '[]', 'application/cloudevents+json'],
  ['an event of another version', 400, 'event-invalid', '{"specversion":"0.3"}', 'application/cloudevents+json'],
  ['an event without an id', 400, 'event-invalid', '{"specversion":"1.0"}', 'application/cloudevents+json'],
  ['one among several that is none', 400, 'event-invalid', '[1]', 'application/cloudevents-batch+json'],
  ['data that is no base64', 400, 'event-invalid', text({ data_base64: '*' }), 'application/cloudevents+json'],
  ['a form', 415, 'content-type-unsupported', 'a=b', 'application/x-www-form-urlencoded'],
])('%s is refused with %i %s, although it is signed', (_what, status, reason, body, contentType) => {
  expect(() => read(body, contentType)).toThrow(expect.objectContaining({ status, reason }) as Error);
});

function text(different: object): string {
  const { data: _data, ...bare } = EVENT;
  return JSON.stringify({ ...bare, ...different });
}

function read(
  content: unknown,
  contentType = 'application/cloudevents+json; charset=utf-8',
  more: Record<string, string> = {},
  asHeaders = false,
) {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const timestamp = Math.floor(Date.now() / 1000);
  const mac = createHmac('sha256', Buffer.alloc(32, 7)).update(`m.${timestamp}.${body}`).digest('base64');
  const headers = {
    'webhook-id': 'm',
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${mac}`,
    'content-type': contentType,
    ...more,
  };
  return verifyWebhook({ headers: asHeaders ? new Headers(headers) : headers, body, secrets: [SECRET] });
}
