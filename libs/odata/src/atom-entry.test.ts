import { describe, expect, it } from 'vitest';
import { readEntry } from './atom-entry.js';
import { TRIAL_SERVICE } from './model-trial.js';

const SPACES =
  'xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"';
const RELATED = 'http://schemas.microsoft.com/ado/2007/08/dataservices/related';
const entry = (inner: string): string => `<entry ${SPACES}>${inner}</entry>`;
const content = (properties: string): string =>
  `<content type="application/xml"><m:properties>${properties}</m:properties></content>`;
const read = (text: string): object => readEntry(TRIAL_SERVICE, TRIAL_SERVICE.entities['A_Order']!, Buffer.from(text));

it('an entry says what the same entity says in JSON: flags as such, all other values as texts, null as null', () => {
  const properties =
    '<d:Order>7</d:Order><d:Text> &lt;x&gt; </d:Text><d:Note m:null="true"/><d:Amount m:type="Edm.Decimal"> 1.50 </d:Amount>' +
    '<d:IsOpen m:type="Edm.Boolean">true</d:IsOpen><d:Day m:type="Edm.DateTime">2026-11-21T00:00:00</d:Day>';
  const wanted = {
    Order: '7',
    Text: ' <x> ',
    Note: null,
    Amount: '1.50',
    IsOpen: true,
    Day: '2026-11-21T00:00:00',
  };
  expect(read(entry(content(properties)))).toEqual(wanted);
  // As media link entries have them, and with what an answer says besides.
  const besides =
    '<id>x</id><title>y</title><updated/><author><name/></author><category term="z"/><link href="h" rel="edit"/>';
  expect(read(entry(`${besides}<m:properties>${properties}</m:properties>`))).toEqual(wanted);
});

it('what comes along stands in links: one, several, or none; what a link only names is passed over', () => {
  const link = (name: string, inner: string): string => `<link rel="${RELATED}/${name}" href="h">${inner}</link>`;
  const item = (number: string): string => `<entry>${content(`<d:Item>${number}</d:Item>`)}</entry>`;
  const feed = `<m:inline><feed><title/>${item('10')}${item('20')}</feed></m:inline>`;
  const made = read(
    entry(`${link('to_Item', feed)}${link('to_Buyer', '<m:inline/>')}${content('<d:Order>7</d:Order>')}`),
  );
  expect(made).toEqual({ Order: '7', to_Item: [{ Item: '10' }, { Item: '20' }], to_Buyer: null });
  expect(read(entry(link('to_Item', '') + content('')))).toEqual({});
  expect(read(entry(link('to_Item', '<m:inline/>')))).toEqual({ to_Item: [] });
});

describe('what is no entry is refused, naming the place', () => {
  it.each<[what: string, text: string, told: string]>([
    ['a feed', `<feed ${SPACES}/>`, 'begins with "feed"'],
    ['an entry of no namespace', '<entry/>', 'begins with "entry"'],
    ['a value of no namespace', entry(content('<Text>x</Text>')), 'Text: must be of the namespace'],
    ['a value with elements', entry(content('<d:Text><b/></d:Text>')), 'Text: must be a value'],
    ['a value twice', entry(content('<d:Text/><d:Text/>')), 'Text: is there twice'],
    [
      'a way there is not',
      entry(`<link rel="${RELATED}/to_None"><m:inline/></link>`),
      'to_None: is no navigation of A_Order',
    ],
    [
      'something else along',
      entry(`<link rel="${RELATED}/to_Item"><m:inline><m:x/></m:inline></link>`),
      'to_Item: must have an Atom entry',
    ],
    [
      'a value twice, below',
      entry(
        `<link rel="${RELATED}/to_Item"><m:inline><feed><entry>${content('<d:Item/><d:Item/>')}</entry></feed></m:inline></link>`,
      ),
      'to_Item.0.Item: is there twice',
    ],
  ])('%s', (_what, text, told) => {
    expect(() => read(text)).toThrow(told);
  });
});
