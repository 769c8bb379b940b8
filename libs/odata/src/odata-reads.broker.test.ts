import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ODataTrial, ROOT, trialItem as item } from './service-trial.js';

let trial: ODataTrial;

beforeAll(async () => {
  trial = await ODataTrial.open('reads', { page: 20, expandedPage: 3, along: 50 });
});

afterAll(() => trial.close());

beforeEach(async () => {
  await sql`truncate trial_order`.execute(trial.db);
});

const keysOf = (results: readonly Record<string, unknown>[], name = 'Order'): unknown[] =>
  results.map((one) => one[name]);

describe('an entity', () => {
  it('is answered in verbose JSON: decimals and 64 bits as texts, times as /Date(…)/, ways deferred', async () => {
    await trial.put('7', {
      Text: 'it\'s "7"',
      Amount: '12.500',
      Big: '9007199254740993',
      Day: '2026-11-21',
      At: '2026-11-21T10:00:00.5Z',
      Id: '00000000-0000-0000-0000-0000000000ab',
    });
    const { status, headers, d } = await trial.get("/A_Order('0000000007')");
    expect(status).toBe(200);
    expect(headers).toMatchObject({ etag: 'W/"1"', dataserviceversion: '2.0' });
    const uri = `${ROOT}/A_Order('7')`;
    expect(d).toEqual({
      __metadata: { id: uri, uri, type: 'API_TRIAL.A_OrderType', etag: 'W/"1"' },
      Order: '7',
      Text: 'it\'s "7"',
      Note: null,
      Amount: '12.5',
      Count: 0,
      Big: '9007199254740993',
      IsOpen: false,
      Day: `/Date(${Date.UTC(2026, 10, 21)})/`,
      At: `/Date(${Date.UTC(2026, 10, 21, 10) + 500}+0000)/`,
      Id: '00000000-0000-0000-0000-0000000000ab',
      to_Item: { __deferred: { uri: `${uri}/to_Item` } },
      to_Buyer: { __deferred: { uri: `${uri}/to_Buyer` } },
    });
  });

  it('is not answered again to whoever has its version, nor are its values', async () => {
    await trial.put('7', {}, 3);
    for (const path of ['/Text', '/Text/$value']) {
      const known = await trial.get(`/A_Order('7')${path}`, { 'if-none-match': '"1", W/"3"' });
      expect([path, known.status, known.headers['etag']]).toEqual([path, 304, 'W/"3"']);
    }
    expect(await trial.get("/A_Order('7')", { 'if-none-match': 'W/"3"' })).toMatchObject({ status: 304, body: '' });
    expect(await trial.get("/A_Order('7')", { 'if-none-match': 'W/"2"' })).toMatchObject({ status: 200 });
  });

  it('may be asked for one property, its value, its links, and along its ways', async () => {
    await trial.put('7', {
      Text: 'x',
      Amount: '2.50',
      to_Item: [item('10', ['1']), item('20', ['2'])],
      to_Buyer: { Name: 'Ada' },
    });
    expect((await trial.get("/A_Order('7')/Amount")).d).toEqual({ Amount: '2.5' });
    expect(await trial.get("/A_Order('7')/Amount/$value")).toMatchObject({
      body: '2.5',
      headers: { 'content-type': 'text/plain;charset=utf-8' },
    });
    expect(await trial.get("/A_Order('7')/Note/$value")).toMatchObject({ status: 404 });
    expect((await trial.get("/A_Order('7')/to_Buyer/Name")).d).toEqual({ Name: 'Ada' });
    expect((await trial.get("/A_Order('7')/to_Item('1')")).status).toBe(400);
    const lines = await trial.get("/A_Order('7')/to_Item(Order='7',Item='20')/to_Line");
    expect(keysOf(lines.d.results, 'Line')).toEqual(['2']);
    expect((await trial.get("/A_Order('7')/to_Item/$count")).body).toBe('2');
    expect((await trial.get("/A_Order('7')/$links/to_Item")).d.results).toEqual([
      { uri: `${ROOT}/A_Item(Order='7',Item='10')` },
      { uri: `${ROOT}/A_Item(Order='7',Item='20')` },
    ]);
    await trial.put('8');
    expect((await trial.get("/A_Order('8')/to_Buyer")).d).toEqual({ to_Buyer: null });
    expect((await trial.get("/A_Order('9')/to_Buyer")).status).toBe(404);
  });

  it('whose keys are those of several objects is found by its way only, and its address says so', async () => {
    await trial.put('7', { to_Item: [item('10', ['1'])] });
    const one = await trial.get("/A_Line(Item='10',Line='1')");
    const uri = (one.d['__metadata'] as { uri: string }).uri;
    expect(uri).toBe(`${ROOT}/A_Item(Order='7',Item='10')/to_Line(Item='10',Line='1')`);
    expect((await trial.get(uri.slice(ROOT.length))).d['Line']).toBe('1');
    await trial.put('8', { to_Item: [item('10', ['1'])] });
    expect(await trial.get("/A_Line(Item='10',Line='1')")).toMatchObject({ status: 409 });
    expect((await trial.get(uri.slice(ROOT.length))).status).toBe(200);
  });
});

describe('an expansion', () => {
  it('brings along what belongs to each, over several ways, in one statement for each way', async () => {
    for (const key of ['1', '2', '3']) {
      await trial.put(key, {
        to_Item: [item('20', ['2', '1']), item('100'), item('9', ['1'])],
        to_Buyer: key === '2' ? null : { Name: key },
      });
    }
    const statements = trial.countStatements();
    const { d } = await trial.get(
      '/A_Order?$expand=to_Item/to_Line,to_Buyer&$select=Order,to_Item/Item,to_Item/to_Line/Line,to_Buyer/Name',
    );
    // One of them bounds the time that the others may take.
    expect(statements()).toBe(1 + 4);
    const plain = d.results.map(({ Order, to_Item, to_Buyer }) => ({
      Order,
      buyer: (to_Buyer as { Name?: string } | null)?.Name ?? null,
      items: (to_Item as { results: { Item: string; to_Line: { results: { Line: string }[] } }[] }).results.map(
        ({ Item, to_Line }) => [Item, ...to_Line.results.map(({ Line }) => Line)],
      ),
    }));
    const items = [['9', '1'], ['20', '1', '2'], ['100']];
    expect(plain).toEqual([
      { Order: '1', buyer: '1', items },
      { Order: '2', buyer: null, items },
      { Order: '3', buyer: '3', items },
    ]);
  });

  it('that would bring too much along is refused, and a smaller one is answered', async () => {
    for (const key of ['1', '2'])
      await trial.put(key, { to_Item: Array.from({ length: 40 }, (_, index) => item(String(index + 1))) });
    expect(await trial.get('/A_Order?$expand=to_Item')).toMatchObject({
      status: 400,
      body: expect.stringContaining('$top') as string,
    });
    expect((await trial.get('/A_Order?$expand=to_Item&$top=1')).status).toBe(200);
  });
});

describe('a set', () => {
  it('is filtered, ordered, counted, and parted by $top and $skip', async () => {
    for (const key of ['1', '2', '10', '11']) await trial.put(key, { Amount: key, Text: `t${key}` });
    const filtered = await trial.get(
      '/A_Order?$filter=Amount gt 1.5M&$orderby=Amount desc&$top=2&$skip=1&$inlinecount=allpages&$select=Order',
    );
    expect(filtered.d).toMatchObject({ __count: '3', results: [{ Order: '10' }, { Order: '2' }] });
    expect(Object.keys(filtered.d.results[0]!)).toEqual(['__metadata', 'Order']);
    expect(keysOf((await trial.get('/A_Order')).d.results)).toEqual(['1', '2', '10', '11']);
    expect((await trial.get("/A_Order/$count?$filter=substringof('1', Text)")).body).toBe('3');
    for (const [part, count] of [
      ['$top=3', '3'],
      ['$skip=3', '1'],
      ['$skip=1&$top=2', '2'],
      ['$skip=9', '0'],
      ['$top=9', '4'],
    ]) {
      expect([part, (await trial.get(`/A_Order/$count?${part}`)).body]).toEqual([part, count]);
    }
    expect((await trial.get("/A_Order('10')/$count")).body).toBe('1');
    expect((await trial.get("/A_Order('12')/$count")).status).toBe(404);
    expect((await trial.get("/A_Order('10')/$links/to_Item/$count")).body).toBe('0');
    expect((await trial.get('/A_Order?$top=0&$inlinecount=allpages')).d).toEqual({ __count: '4', results: [] });
  });

  it('larger than a page is read to its end by following links, whatever it is ordered by and what changes meanwhile', async () => {
    const notes = [null, 'a', 'b'];
    for (let key = 1; key <= 70; key += 1)
      await trial.put(String(key), {
        Note: notes[key % 3]!,
        Count: key % 5,
        At: key % 2 === 0 ? null : '2026-01-01T10:00:00.25Z',
      });
    await fc.assert(
      fc.asyncProperty(
        fc.subarray(['Note', 'Count', 'At', 'length(Text)'], { minLength: 0 }),
        fc.boolean(),
        fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined }),
        async (names, isDescending, top) => {
          const order =
            names.length === 0
              ? ''
              : `&$orderby=${names.map((name) => `${name}${isDescending ? ' desc' : ''}`).join(',')}`;
          const whole = await trial.get(`/A_Order?$select=Order${order}&$top=20`);
          const seen: unknown[] = [];
          let url: string | undefined = `/A_Order?$select=Order${order}${top === undefined ? '' : `&$top=${top}`}`;
          for (let page = 0; url !== undefined; page += 1) {
            const { d, status } = await trial.get(url);
            expect(status).toBe(200);
            seen.push(...keysOf(d.results));
            url = (d['__next'] as string | undefined)?.slice(ROOT.length);
            // In front of where the reader is: nothing of the rest shifts.
            if (page === 0) await sql`delete from trial_order where key = '0'`.execute(trial.db);
          }
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.length).toBe(Math.min(70, top ?? 70));
          expect(seen.slice(0, 20)).toEqual(keysOf(whole.d.results).slice(0, top ?? 20));
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a version', () => {
  it('is the least that is answered: behind is 503 and to be tried again, deleted is 410', async () => {
    await trial.put('7', { to_Item: [item('10')] }, 4);
    expect((await trial.get("/A_Order('7')?version=4")).status).toBe(200);
    expect((await trial.get("/A_Order('7')/to_Item?version=3")).status).toBe(200);
    const behind = await trial.get("/A_Order('7')?version=5&$expand=to_Item");
    expect(behind).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(JSON.parse(behind.body)).toMatchObject({
      error: { code: 'object-behind', innererror: { retryable: true } },
    });
    expect((await trial.get("/A_Order('8')", { 'heddle-version': '1' })).status).toBe(503);
    await sql`update trial_order set is_deleted = true, version = 5`.execute(trial.db);
    expect((await trial.get("/A_Order('7')?version=5")).status).toBe(410);
    expect((await trial.get("/A_Order('7')")).status).toBe(404);
    expect((await trial.get('/A_Order?version=5')).status).toBe(400);
  });
});

describe('the version of the protocol', () => {
  it.each([
    [{ dataserviceversion: '1.0', maxdataserviceversion: '3.0;NetFx' }, 200],
    [{ dataserviceversion: '2.0', maxdataserviceversion: '2.0' }, 200],
    [{ dataserviceversion: '3.0' }, 400],
    [{ dataserviceversion: 'two' }, 400],
    [{ maxdataserviceversion: '1.0' }, 400],
  ])('%o is %i', async (headers, status) => {
    const answer = await trial.get('/A_Order', headers);
    expect([answer.status, answer.headers['dataserviceversion']]).toEqual([status, '2.0']);
    const batch = await trial.ask('POST', '/$batch', '--b--', {
      ...headers,
      'content-type': 'multipart/mixed; boundary=b',
    });
    expect(batch.status).toBe(status === 200 ? 202 : status);
  });
});

describe('what is refused', () => {
  it('says the field and the rule, in JSON and in XML', async () => {
    const json = await trial.get('/A_Order?$filter=None eq 1');
    expect(JSON.parse(json.body)).toEqual({
      error: {
        code: 'parameter-invalid',
        message: { lang: 'en', value: '$filter: "None" is no property of A_Order' },
        innererror: {
          retryable: false,
          errordetails: [
            {
              code: 'parameter-invalid',
              message: '"None" is no property of A_Order',
              propertyref: '$filter',
              severity: 'error',
            },
          ],
        },
      },
    });
    const xml = await trial.get('/A_Order?$top=<', { accept: 'application/xml' });
    expect(xml.headers['content-type']).toBe('application/xml;charset=utf-8');
    expect(xml.body).toContain('<code>parameter-invalid</code><message xml:lang="en">$top: ');
  });

  it.each([
    "/A_Order('7')?$top=1",
    "/A_Order('7')/Text?$select=Text",
    '/A_Order/$count?$expand=to_Item',
    '/A_Order?$skiptoken=x',
    '/A_Order?$skiptoken=WyJhIiwiYiJd',
    '/A_Order?$orderby=Day&$skiptoken=WyIyMDI2LTAyLTMwIDAwOjAwOjAwIiwiMSJd',
    '/A_Order?$orderby=null',
    '/A_Order?$orderby=to_Item/Text',
    `/A_Order?$filter=${'Count mul 9999999999999999999999999999999999999999M '.repeat(1)}gt 1&$filter=1`,
  ])('%s is 400', async (url) => {
    expect((await trial.get(url)).status).toBe(400);
  });

  it('is nothing but 4xx, whatever a URL says', async () => {
    await trial.put('7', { Day: '2026-01-01', to_Item: [item('10', ['1'])] });
    const expressions = fc.constantFrom(
      "Text eq 'x'",
      'Count div 0 eq 1',
      'Count mod 0 eq 1',
      "substring(Text, 9999999999999999999) eq ''",
      "substring(Text,-5,-5) eq ''",
      'Count mul 1e308D mul 1e308D gt 1',
      'year(Day) eq 1',
      "At gt datetimeoffset'9999-12-31T23:59:59Z'",
      "At gt datetimeoffset'0001-01-01T00:00:00+14:00'",
      '-(-(Big)) eq 9223372036854775808',
      "replace(Text,'a',Text) eq ''",
      'to_Buyer/Name eq null',
      'not IsOpen',
      'Amount div Amount eq 1',
      'round(Amount) eq 1.5e-300',
      "Id eq guid'00000000-0000-0000-0000-000000000000'",
      "Text gt '\u{10ffff}'",
      "length(concat(Text,'\ud800')) eq 1",
      'Note',
      '1',
      "tolower(toupper(trim(Text))) lt 'ß'",
    );
    const options = fc.oneof(
      expressions.map((text) => `$filter=${encodeURIComponent(text.toWellFormed())}`),
      expressions.map((text) => `$orderby=${encodeURIComponent(text.toWellFormed())}`),
      fc.constantFrom(
        '$top=3',
        '$skip=1',
        '$expand=to_Item/to_Line,to_Buyer',
        '$select=Text',
        '$inlinecount=allpages',
        '$format=json',
        'sap-client=100',
        '$skiptoken=W10',
      ),
      fc.string().map((text) => `$filter=${encodeURIComponent(text.toWellFormed())}`),
      fc
        .array(fc.oneof(fc.constantFrom(null), fc.string()), { maxLength: 3 })
        .map((values) => `$skiptoken=${Buffer.from(JSON.stringify(values)).toString('base64url')}`),
    );
    const paths = fc.constantFrom(
      '/A_Order',
      '/A_Item',
      '/A_Line',
      '/A_Order/$count',
      "/A_Order('7')",
      "/A_Order('7')/to_Item",
      "/A_Order('7')/Text",
      "/A_Order('7')/to_Buyer",
      '/A_Order(%27%27)',
      '/$metadata',
      '/',
    );
    await fc.assert(
      fc.asyncProperty(paths, fc.array(options, { maxLength: 4 }), async (path, query) => {
        const { status } = await trial.get(`${path}?${query.join('&')}`);
        expect([200, 400, 404]).toContain(status);
      }),
      { numRuns: 600 },
    );
  });

  it('is a statement that would take too long, and the next one is answered', async () => {
    await sql`insert into trial_order (key, version, state) select n::text, 1, jsonb_build_object('Order', n::text, 'Text', repeat('a', 2000), 'to_Item', '[]'::jsonb) from generate_series(1, 20000) n`.execute(
      trial.db,
    );
    const slow = Array.from(
      { length: 30 },
      (_, index) => `indexof(toupper(replace(Text,'a','${'b'.repeat(100)}')),'c${index}') eq 1`,
    ).join(' or ');
    expect(await trial.get(`/A_Order/$count?$filter=${encodeURIComponent(slow)}`)).toMatchObject({
      status: 400,
      body: expect.stringContaining('5 s') as string,
    });
    expect((await trial.get('/A_Order/$count')).body).toBe('20000');
  });
});

it('$metadata is not answered again to whoever has it', async () => {
  const { headers } = await trial.get('/$metadata');
  expect(await trial.get('/$metadata', { 'if-none-match': headers['etag']! })).toMatchObject({ status: 304, body: '' });
  expect((await trial.get('/$metadata', { 'if-none-match': '"another"' })).status).toBe(200);
});

it('$metadata and the service document say what there is', async () => {
  const { body, headers } = await trial.get('/$metadata');
  expect(headers['content-type']).toBe('application/xml;charset=utf-8');
  expect(body).toContain('<EntitySet Name="A_Order" EntityType="API_TRIAL.A_OrderType" sap:content-version="1"/>');
  expect(body).toContain('<Property Name="Amount" Type="Edm.Decimal" Nullable="false" Precision="16" Scale="3"/>');
  expect(body).toContain('<FunctionImport Name="closeOrder"');
  expect((await trial.get('/')).d).toEqual({ EntitySets: ['A_Order', 'A_Item', 'A_Line', 'A_Buyer'] });
  const xml = await trial.get('/', { accept: 'application/atomsvc+xml' });
  expect(xml.body).toContain('<app:collection href="A_Order"><atom:title>A_Order</atom:title></app:collection>');
});
