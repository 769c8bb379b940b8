import { describe, expect, it } from 'vitest';
import { jsonToXmlStep } from './json-to-xml.step.js';

const apply = jsonToXmlStep.make({ addRoot: 'r' });

function xmlOf(body: string | Uint8Array): string {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const message = apply({ id: 'm-1', contentType: 'application/json', body: bytes });
  expect(message).toMatchObject({ id: 'm-1', contentType: 'application/xml; charset=utf-8' });
  return Buffer.from(message.body).toString().split('\n')[1]!;
}

describe('a message in JSON', () => {
  it.each([
    ['an amount with its noughts', '{"a":1250.500}', '<a>1250.500</a>'],
    ['a number of more digits than a double has', '{"a":12345678901234567890.12}', '<a>12345678901234567890.12</a>'],
    ['a large and a small one', '{"a":1E400,"b":-0}', '<a>1E400</a><b>-0</b>'],
    [
      'numbers in arrays and attributes',
      '{"@n":1.0,"a":[2.0,{"b":3.00}]}',
      '',
      '<r n="1.0"><a>2.0</a><a><b>3.00</b></a></r>',
    ],
    [
      'names that every object has',
      '{"__proto__":1,"constructor":2}',
      '<__proto__>1</__proto__><constructor>2</constructor>',
    ],
    ['what XML marks by', '{"a":"<&>\\"\\u00e9😀"}', '<a>&lt;&amp;&gt;&quot;é😀</a>'],
    ['a byte order mark', '\ufeff{"a":1}', '<a>1</a>'],
  ])('has %s as it was written', (_what, json, inner, whole = `<r>${inner}</r>`) => {
    expect(xmlOf(json)).toBe(whole);
  });

  it('of a megabyte, all of which has to be written otherwise, is whole', () => {
    const text = '<&>"'.repeat(250_000);
    expect(xmlOf(JSON.stringify({ a: text }))).toBe(`<r><a>${'&lt;&amp;&gt;&quot;'.repeat(250_000)}</a></r>`);
  });
});

it.each<[what: string, body: string | Uint8Array, told: RegExp]>([
  ['no JSON', '{"a":', /no JSON in UTF-8/],
  ['nothing', '', /no JSON in UTF-8/],
  ['of another encoding', Buffer.from('{"a":"\u00e9"}', 'latin1'), /no JSON in UTF-8/],
  ['in UTF-16', Buffer.from('{"a":1}', 'utf16le'), /no JSON in UTF-8/],
  ['nested without end', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, /nested/],
])('what is %s fails, and says why', (_what, body, told) => {
  expect(() => xmlOf(body)).toThrow(told);
});
