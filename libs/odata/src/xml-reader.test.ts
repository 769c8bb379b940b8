import { expect, it } from 'vitest';
import { attributeOf, readXml } from './xml-reader.js';

const read = (text: string) => readXml(Buffer.from(text));

it('elements are known by their namespaces, whatever prefixes a document chooses', () => {
  const root = read(
    '\ufeff<?xml version="1.0" encoding="UTF-8"?><x:a xmlns:x="urn:1" xmlns="urn:2" k="v" x:k="w"><b/></x:a>',
  );
  expect(root).toMatchObject({ space: 'urn:1', name: 'a', children: [{ space: 'urn:2', name: 'b', text: '' }] });
  expect([attributeOf(root, 'k'), attributeOf(root, 'k', 'urn:1'), attributeOf(root, 'none')]).toEqual([
    'v',
    'w',
    undefined,
  ]);
});

it('text is what it says: entities, CDATA, spaces, every character', () => {
  expect(read('<a> &lt;&#x1F600;&amp;<![CDATA[<b>&]]>\n</a>').text).toBe(' <😀&<b>&\n');
  const long = 'ä'.repeat(200_000);
  expect(read(`<a>${long}</a>`).text).toBe(long);
});

it.each<[what: string, text: string, told: RegExp]>([
  ['nothing', '', /no element/],
  ['text alone', 'hello', /line 1: /],
  ['an element that is not closed', '<a>\n<b></a>', /line 2: Unexpected close tag/],
  ['no end', '<a>', /Unclosed root tag/],
  ['two roots', '<a/><b/>', /several elements/],
  ['an entity there is not', '<a>&nbsp;</a>', /line 1: Invalid character entity/],
  ['a prefix there is not', '<x:a/>', /Unbound namespace prefix/],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>', /document type, which is not read/],
  ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /"ISO-8859-1", and only UTF-8/],
])('%s is refused, and why is said', (_what, text, told) => {
  expect(() => read(text)).toThrow(told);
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'body-invalid' }));
});

it('bytes that are no UTF-8 are refused', () => {
  expect(() => readXml(Buffer.from([0x3c, 0x61, 0xff, 0x2f, 0x3e]))).toThrow('UTF-8');
});

const MILLION = 1_000_000;

it.each<[what: string, text: string]>([
  ['deep', '<a>'.repeat(MILLION / 3)],
  ['of very many elements', `<a>${'<b/>'.repeat(MILLION / 4)}</a>`],
  [
    'of one tag of very many attributes',
    `<a ${Array.from({ length: MILLION / 10 }, (_, n) => `a${n}="" `).join('')}/>`,
  ],
])('a document that is %s is refused, and long before it was read to its end', (_what, text) => {
  const began = process.threadCpuUsage();
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'too-complex' }));
  expect(process.threadCpuUsage(began).user / 1000).toBeLessThan(2000);
});
