import { DOMParser } from '@xmldom/xmldom';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ODataTrial, ROOT, trialItem as item } from './service-trial.js';
import { NAMESPACES } from './xml.js';

let trial: ODataTrial;

beforeAll(async () => {
  trial = await ODataTrial.open('atom', { page: 20 });
});

afterAll(() => trial.close());

beforeEach(async () => {
  await sql`truncate trial_order`.execute(trial.db);
});

it('Atom is what whoever does not ask for JSON gets, and $format stands before what is asked for', async () => {
  await trial.put('7', { Text: '<&>', Amount: '12.5', to_Item: [item('10')], to_Buyer: null });
  const { headers, body } = await trial.get("/A_Order('7')?$expand=to_Item,to_Buyer", { accept: '*/*' });
  expect(headers['content-type']).toBe('application/atom+xml;charset=utf-8;type=entry');
  expect(body).toContain(
    '<d:Text>&lt;&amp;&gt;</d:Text><d:Note m:null="true"/><d:Amount m:type="Edm.Decimal">12.5</d:Amount>',
  );
  expect(body).toContain(`<m:inline><feed><title type="text">to_Item</title><id>${ROOT}/A_Order('7')/to_Item</id>`);
  expect(body).toContain('title="to_Buyer"><m:inline/></link>');
  for (const accept of [
    'application/json',
    'application/atom+xml;q=0.1, application/json;q=0.9',
    'text/html, application/json;odata=verbose',
  ])
    expect((await trial.get("/A_Order('7')", { accept })).headers['content-type']).toContain('application/json');
  const forced = await trial.get("/A_Order('7')?$format=json", { accept: 'application/atom+xml' });
  expect(forced.headers['content-type']).toContain('application/json');
});

it('a set is a feed in Atom, with its count and the link to its next part', async () => {
  for (let key = 1; key <= 21; key += 1) await trial.put(String(key));
  const { body, headers } = await trial.get('/A_Order?$inlinecount=allpages&$select=Order', {
    accept: 'application/atom+xml',
  });
  expect(headers['content-type']).toBe('application/atom+xml;charset=utf-8');
  expect(body.match(/<entry/g)).toHaveLength(20);
  expect(body).toContain('<m:count>21</m:count>');
  const [, next] = /<link rel="next" href="([^"]*)"/.exec(body) ?? [];
  const rest = await trial.get(next!.replaceAll('&amp;', '&').slice(ROOT.length), { accept: 'application/atom+xml' });
  expect(rest.body.match(/<entry/g)).toHaveLength(1);
});

it('an answer is well-formed XML of the namespaces of V2, whatever is asked for in Atom', async () => {
  await trial.put('7', { Text: 'a<b>&"\'\u0001', Note: ']]>', to_Item: [item('10', ['1'])], to_Buyer: { Name: 'Ä' } });
  const paths: [path: string, root: string, space: string][] = [
    ['/', 'service', NAMESPACES.app],
    ['/$metadata', 'Edmx', NAMESPACES.edmx],
    ['/A_Order', 'feed', NAMESPACES.atom],
    ['/A_Order?$expand=to_Item/to_Line,to_Buyer&$inlinecount=allpages', 'feed', NAMESPACES.atom],
    ["/A_Order('7')?$expand=to_Item", 'entry', NAMESPACES.atom],
    ["/A_Order('7')/to_Buyer", 'entry', NAMESPACES.atom],
    ["/A_Order('7')/Text", 'Text', NAMESPACES.d],
    ["/A_Order('7')/$links/to_Item", 'links', NAMESPACES.d],
    ["/A_Order('7')/$links/to_Buyer", 'uri', NAMESPACES.d],
    ["/A_Order('9')", 'error', NAMESPACES.m],
    ["/A_Order?$filter=Text eq 'x' and", 'error', NAMESPACES.m],
  ];
  // It warns of characters that stand for what XML does not have.
  const onError = (level: string, message: string): void => {
    if (level !== 'warning') throw new Error(message);
  };
  for (const [path, root, space] of paths) {
    const { body } = await trial.get(path, { accept: 'application/atom+xml,application/xml' });
    const { documentElement } = new DOMParser({ onError }).parseFromString(body, 'text/xml');
    expect([path, documentElement?.localName, documentElement?.namespaceURI]).toEqual([path, root, space]);
  }
});
