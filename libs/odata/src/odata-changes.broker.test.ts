import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ODataTrial, ROOT, type TrialAnswer } from './service-trial.js';
import { NAMESPACES } from './xml.js';

let trial: ODataTrial;

beforeAll(async () => {
  trial = await ODataTrial.open('changes');
});

afterAll(() => trial.close());

beforeEach(async () => {
  trial.mayChange = true;
  await sql`truncate trial_order`.execute(trial.db);
});

const errorOf = ({ body }: { body: string }): { code: string; message: { value: string } } =>
  (JSON.parse(body) as { error: { code: string; message: { value: string } } }).error;

describe('a change', () => {
  it('needs the token that a read was given, and says so', async () => {
    const read = await trial.get('/', { 'x-csrf-token': 'Fetch' });
    expect(read.headers['x-csrf-token']).toBe('the token');
    const none = await trial.get("/A_Order('9')", { 'x-csrf-token': 'fetch' });
    expect(none).toMatchObject({ status: 404, headers: { 'x-csrf-token': 'the token' } });
    for (const token of ['', 'Fetch', 'another']) {
      const refused = await trial.ask('POST', '/A_Order', { Order: '7' }, { 'x-csrf-token': token });
      expect(refused).toMatchObject({ status: 403, headers: { 'x-csrf-token': 'Required' } });
    }
    expect(await trial.get('/A_Order/$count')).toMatchObject({ body: '0' });
    expect((await trial.ask('POST', '/A_Order', { Order: '7' })).status).toBe(201);
  });

  it('creates an entity with what comes along, and answers with it', async () => {
    const made = await trial.ask('POST', '/A_Order?$expand=to_Item', {
      Order: '0000000007',
      Amount: '1.50',
      Day: `/Date(${Date.UTC(2026, 10, 21)})/`,
      At: '2026-11-21T10:00:00Z',
      to_Item: { results: [{ Order: '7', Item: '10', Text: 'one', Amount: 2, to_Line: [] }] },
    });
    expect(made).toMatchObject({ status: 201, headers: { location: `${ROOT}/A_Order('7')`, etag: 'W/"1"' } });
    expect(made.d).toMatchObject({
      Order: '7',
      Amount: '1.5',
      Day: '/Date(1795219200000)/',
      to_Item: { results: [{ Item: '10', Amount: '2' }] },
    });
    const below = await trial.ask('POST', "/A_Order('7')/to_Item", { Item: '20' });
    expect(below).toMatchObject({ status: 201, headers: { location: `${ROOT}/A_Item(Order='7',Item='20')` } });
  });

  it('names the version that it is of', async () => {
    await trial.put('7', { Text: 'before', Note: 'stays' });
    const change = (ifMatch?: string, method = 'PATCH') =>
      trial.ask(method, "/A_Order('7')", { Text: method }, ifMatch === undefined ? {} : { 'if-match': ifMatch });
    expect(await change()).toMatchObject({ status: 428 });
    expect(await change('W/"9"')).toMatchObject({ status: 412 });
    expect(await change('W/"1"')).toMatchObject({ status: 204, headers: { etag: 'W/"2"' }, body: '' });
    expect((await change('*', 'MERGE')).status).toBe(204);
    expect((await trial.get("/A_Order('7')")).d).toMatchObject({ Text: 'MERGE', Note: 'stays' });
    expect((await change('*', 'PUT')).status).toBe(204);
    expect((await trial.get("/A_Order('7')")).d).toMatchObject({ Text: 'PUT', Note: null });
    const tunnelled = { 'x-http-method': 'MERGE', 'if-match': '*' };
    expect((await trial.ask('POST', "/A_Order('7')", { Text: 'x' }, tunnelled)).status).toBe(204);
    expect((await trial.ask('DELETE', "/A_Order('7')", undefined, { 'if-match': '*' })).status).toBe(204);
    expect((await trial.get("/A_Order('7')")).status).toBe(404);
  });

  it('by a function answers with the entity as it is then', async () => {
    await trial.put('7', { IsOpen: true });
    expect((await trial.ask('POST', "/closeOrder?Order='0007'")).d).toMatchObject({ Order: '7', IsOpen: false });
    expect((await trial.ask('POST', '/closeOrder?Order=7')).status).toBe(400);
    expect((await trial.ask('POST', '/closeOrder')).status).toBe(400);
    expect((await trial.get("/closeOrder?Order='7'")).status).toBe(405);
  });

  it.each<[what: string, method: string, url: string, body: unknown, status: number, text: string]>([
    ['a field there is not', 'POST', '/A_Order', { Order: '7', Nothing: 1 }, 422, 'Nothing: is no property of A_Order'],
    ['a field of the service', 'POST', '/A_Order', { Order: '7', Id: 'x' }, 422, 'Id: is set by the service alone'],
    ['a number that is none', 'POST', '/A_Order', { Order: '7', Amount: '1,5' }, 422, 'Amount: must be a decimal'],
    ['a flag that is none', 'POST', '/A_Order', { Order: '7', IsOpen: 'yes' }, 422, 'IsOpen: must be true or false'],
    ['a day there is not', 'POST', '/A_Order', { Order: '7', Day: '2026-02-30T00:00:00' }, 422, 'Day: must be a day'],
    ['a field below', 'POST', '/A_Order', { Order: '7', to_Item: [{ Item: 1 }] }, 422, 'to_Item.0.Item: must be text'],
    ['what comes along with nothing', 'PATCH', "/A_Order('1')", { to_Item: [] }, 422, 'to_Item: is changed by itself'],
    ['no object', 'POST', '/A_Order', [1], 422, 'body: must be an object'],
    ['no JSON', 'POST', '/A_Order', '{', 400, ''],
    ['a set', 'PATCH', '/A_Order', {}, 405, 'GET, POST'],
    [
      'a link',
      'POST',
      "/A_Order('1')/$links/to_Item",
      { uri: "A_Item(Order='2',Item='10')" },
      405,
      'Links are only read',
    ],
    [
      'a link to one',
      'DELETE',
      "/A_Order('1')/$links/to_Item(Order='1',Item='10')",
      undefined,
      405,
      'Links are only read',
    ],
    ['what is not created here', 'POST', '/A_Buyer', { Order: '7' }, 405, 'A_Buyer'],
    ['what is not changed here', 'PATCH', "/A_Item(Order='1',Item='10')", {}, 405, 'GET, POST'],
    ['what there is not', 'PATCH', "/A_Order('9')", { Text: 'x' }, 404, 'A_Order'],
    ['a rule of the service', 'POST', '/A_Order', { Order: '7', Text: 'refused' }, 409, 'This text is refused.'],
  ])('of %s is refused, naming it', async (_what, method, url, body, status, text) => {
    await trial.put('1', { to_Item: [{ Item: '10', Text: '', Amount: '0', to_Line: [] }] });
    const refused = await trial.ask(method, url, body, { 'if-match': '*' });
    expect(refused.status).toBe(status);
    expect(errorOf(refused).message.value).toContain(text);
    expect((await trial.get('/A_Order/$count')).body).toBe('1');
  });

  it('in anything but JSON and Atom is not read, and which there are is said', async () => {
    const refused = await trial.ask('POST', '/A_Order', 'Order=7', { 'content-type': 'application/x-yaml' });
    expect(refused.status).toBe(415);
    expect(errorOf(refused).message.value).toContain('application/json, application/atom+xml, application/xml');
  });

  it('of a navigation may repeat what its path says, and may not say otherwise', async () => {
    await trial.put('7');
    const repeated = await trial.ask('POST', "/A_Order('7')/to_Item", { Order: '0000000007', Item: '10' });
    expect(repeated.status).toBe(201);
    const other = await trial.ask('POST', "/A_Order('7')/to_Item", { Order: '8', Item: '20' });
    expect(other.status).toBe(422);
    expect(errorOf(other).message.value).toBe('Order: is "7" by the path');
  });
});

describe('a change in Atom', () => {
  const ATOM = { accept: 'application/atom+xml', 'content-type': 'application/atom+xml;type=entry' };
  const SPACES = `xmlns="${NAMESPACES.atom}" xmlns:m="${NAMESPACES.m}" xmlns:d="${NAMESPACES.d}"`;
  const entry = (properties: string, links = ''): string =>
    `<?xml version="1.0" encoding="utf-8"?><entry ${SPACES}>${links}<content type="application/xml"><m:properties>${properties}</m:properties></content></entry>`;

  it('creates what the same in JSON does, with what comes along, and is answered in Atom', async () => {
    const items = `<link rel="${NAMESPACES.related}to_Item"><m:inline><feed>${entry('<d:Item>10</d:Item><d:Text>ä&amp;ö</d:Text><d:Amount>2</d:Amount>').replace(/<\?xml.*?\?>/, '')}</feed></m:inline></link>`;
    const made = await trial.ask(
      'POST',
      '/A_Order?$expand=to_Item',
      entry('<d:Order>7</d:Order><d:Amount m:type="Edm.Decimal">1.50</d:Amount><d:IsOpen>1</d:IsOpen>', items),
      ATOM,
    );
    expect(made).toMatchObject({ status: 201, headers: { location: `${ROOT}/A_Order('7')`, etag: 'W/"1"' } });
    expect(made.headers['content-type']).toBe('application/atom+xml;charset=utf-8;type=entry');
    expect(made.body).toContain('<d:Text>ä&amp;ö</d:Text>');
    expect((await trial.get("/A_Order('7')?$expand=to_Item")).d).toMatchObject({
      Amount: '1.5',
      IsOpen: true,
      to_Item: { results: [{ Item: '10', Text: 'ä&ö', Amount: '2' }] },
    });
  });

  it('takes back what was answered, value for value, and changes only what was changed in it', async () => {
    await trial.put('7', {
      Text: '<&>\u00a0 ',
      Amount: '1.5',
      Day: '2026-11-21',
      At: '2026-11-21T10:00:00Z',
      IsOpen: true,
    });
    const { body } = await trial.get("/A_Order('7')?$select=Order,Text,Amount,Day,At,IsOpen,Note,to_Item", ATOM);
    const before = (await trial.get("/A_Order('7')")).d;
    for (const method of ['MERGE', 'PATCH', 'PUT']) {
      const echoed = await trial.ask(method, "/A_Order('7')", body, { ...ATOM, 'if-match': '*' });
      expect([method, echoed.status, echoed.body]).toEqual([method, 204, '']);
    }
    const after = (await trial.get("/A_Order('7')")).d;
    expect({ ...after, __metadata: undefined }).toEqual({ ...before, __metadata: undefined });
    const changed = await trial.ask('MERGE', "/A_Order('7')", entry('<d:Note m:null="true"/><d:Text>new</d:Text>'), {
      'content-type': 'application/xml',
      'if-match': '*',
    });
    expect(changed.status).toBe(204);
    expect((await trial.get("/A_Order('7')")).d).toMatchObject({ Text: 'new', Amount: '1.5', IsOpen: true });
  });

  it.each([
    ['a field there is not', entry('<d:Order>7</d:Order><d:Nothing>1</d:Nothing>'), 422, 'Nothing: is no property'],
    [
      'a flag that is none',
      entry('<d:Order>7</d:Order><d:IsOpen>yes</d:IsOpen>'),
      422,
      'IsOpen: must be true or false',
    ],
    ['what is no XML', '<entry', 400, 'cannot be read as XML'],
    ['a document type', '<!DOCTYPE entry><entry/>', 400, 'document type'],
  ])('with %s is refused in Atom, naming it', async (_what, body, status, text) => {
    const refused = await trial.ask('POST', '/A_Order', body, ATOM);
    expect([refused.status, refused.headers['content-type']]).toEqual([status, 'application/xml;charset=utf-8']);
    expect(refused.body).toContain(text);
    expect((await trial.get('/A_Order/$count')).body).toBe('0');
  });
});

describe('the methods of a path', () => {
  it.each([
    ['/', 'OPTIONS, GET, HEAD'],
    ['/$metadata', 'OPTIONS, GET, HEAD'],
    ['/A_Order', 'OPTIONS, GET, HEAD, POST'],
    ['/A_Buyer', 'OPTIONS, GET, HEAD'],
    ["/A_Order('7')", 'OPTIONS, GET, HEAD, PATCH, MERGE, PUT, DELETE'],
    ["/A_Order('7')/to_Item", 'OPTIONS, GET, HEAD, POST'],
    ["/A_Order('7')/Text", 'OPTIONS, GET, HEAD, PATCH, MERGE, PUT'],
    ["/A_Order('7')/Text/$value", 'OPTIONS, GET, HEAD, PATCH, MERGE, PUT, DELETE'],
    ["/A_Buyer('7')/Name", 'OPTIONS, GET, HEAD'],
    ["/A_Order('7')/$links/to_Item", 'OPTIONS, GET, HEAD'],
    ['/closeOrder', 'OPTIONS, POST'],
    ['/$batch', 'OPTIONS, POST'],
  ])('of %s are said to whoever asks, and to whoever uses another', async (path, allow) => {
    const asked = await trial.ask('OPTIONS', path);
    expect(asked).toMatchObject({ status: 204, headers: { allow }, body: '' });
    const method = allow.includes('DELETE') ? 'POST' : 'DELETE';
    const refused = await trial.ask(method, path, undefined, { 'if-match': '*' });
    expect(refused).toMatchObject({ status: 405, headers: { allow } });
  });

  it('of what there is not are none', async () => {
    expect((await trial.ask('OPTIONS', '/A_None')).status).toBe(404);
    const tunnelled = await trial.ask('POST', '/A_None', {}, { 'x-http-method': 'TRACE' });
    expect(tunnelled.status).toBe(405);
    expect(tunnelled.headers).not.toHaveProperty('allow');
  });
});

describe('a batch', () => {
  /** Parts of a batch, with CRLF as HTTP has it. */
  const batch = (...parts: string[]): Promise<TrialAnswer> =>
    trial.ask('POST', '/$batch', [...parts.map((part) => `--b\r\n${part}\r\n`), '--b--\r\n'].join(''), {
      'content-type': 'multipart/mixed; boundary=b',
      accept: 'multipart/mixed',
    });
  const http = (lines: string[], body = '', id = ''): string =>
    [
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      ...(id === '' ? [] : [`Content-ID: ${id}`]),
      '',
      ...lines,
      '',
      body,
    ].join('\r\n');
  const read = (url: string): string => http([`GET ${url} HTTP/1.1`, 'Accept: application/json']);
  const write = (method: string, url: string, body: object, id = ''): string => {
    const text = JSON.stringify(body);
    return http(
      [
        `${method} ${url} HTTP/1.1`,
        'Content-Type: application/json',
        'Accept: application/json',
        'If-Match: *',
        `Content-Length: ${Buffer.byteLength(text)}`,
      ],
      text,
      id,
    );
  };
  const changes = (...parts: string[]): string =>
    ['Content-Type: multipart/mixed; boundary=c', '', ...parts.map((part) => `--c\r\n${part}`), '--c--', ''].join(
      '\r\n',
    );
  const statuses = ({ body }: TrialAnswer): number[] =>
    [...body.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status));

  it('answers reads in their order, each by itself', async () => {
    await trial.put('7', { Text: 'ä😀' });
    const answer = await batch(
      read("A_Order('7')"),
      read('A_None'),
      read('/sap/opu/odata/sap/API_TRIAL/A_Order/$count'),
      read(`${ROOT}/A_Order?$top=1`),
    );
    expect(answer.status).toBe(202);
    expect(statuses(answer)).toEqual([200, 404, 200, 200]);
    expect(answer.body).toContain('"Text":"ä😀"');
    const boundary = /boundary=(.*)$/.exec(answer.headers['content-type']!)![1]!;
    expect(answer.body.split(`--${boundary}`)).toHaveLength(6);
  });

  it('makes the changes of a set all, and refers to what was made before in it', async () => {
    const answer = await batch(
      changes(
        write('POST', 'A_Order', { Order: '7', Text: 'ä' }, 'new'),
        write('POST', '$new/to_Item', { Item: '10' }),
        write('PATCH', "A_Order('7')", { Note: 'x' }),
        // As some clients do, in batches, too.
        write('POST', "A_Order('7')", { Amount: '3' }).replace('If-Match', 'X-HTTP-Method: MERGE\r\nIf-Match'),
      ),
      read("A_Order('7')?$expand=to_Item"),
    );
    expect(statuses(answer)).toEqual([201, 201, 204, 204, 200]);
    expect(answer.body).toContain('content-id: new');
    expect((await trial.get("/A_Order('7')?$expand=to_Item")).d).toMatchObject({
      Text: 'ä',
      Note: 'x',
      Amount: '3',
      to_Item: { results: [{ Item: '10' }] },
    });
  });

  it('makes none of a set when one fails, says which rule, and goes on', async () => {
    const answer = await batch(
      changes(write('POST', 'A_Order', { Order: '7' }), write('POST', 'A_Order', { Order: '8', Text: 'refused' })),
      read('A_Order/$count'),
    );
    expect(statuses(answer)).toEqual([409, 200]);
    expect(answer.body).toContain('This text is refused.');
    expect((await trial.get('/A_Order/$count')).body).toBe('0');
    const after = await batch(changes(write('POST', 'A_Order', { Order: '7' })));
    expect(statuses(after)).toEqual([201]);
  });

  it.each<[what: string, body: string, status: number]>([
    ['without an end', '--b\r\n', 400],
    ['of no HTTP', '--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--', 202],
    ['of no request', '--b\r\nContent-Type: application/http\r\n\r\nhello\r\n--b--', 202],
    ['with a broken header', '--b\r\n:\r\n\r\n--b--', 400],
    ['of a batch', '--b\r\nContent-Type: application/http\r\n\r\nPOST $batch HTTP/1.1\r\n\r\n--b--', 202],
    [
      'of another service',
      '--b\r\nContent-Type: application/http\r\n\r\nGET /sap/opu/odata/sap/OTHER/A HTTP/1.1\r\n\r\n--b--',
      202,
    ],
    ['of nothing', '--b--', 202],
  ])('%s is an answer, and changes nothing', async (_what, body, status) => {
    const answer = await trial.ask('POST', '/$batch', body, { 'content-type': 'multipart/mixed; boundary="b"' });
    expect(answer.status).toBe(status);
    for (const inner of statuses(answer)) expect(inner).toBeGreaterThanOrEqual(400);
  });

  it('has so many requests at most, and none without the token', async () => {
    expect((await batch(...Array.from({ length: 101 }, () => read('A_Order/$count')))).status).toBe(400);
    const refused = await trial.ask('POST', '/$batch', '--b--', {
      'content-type': 'multipart/mixed; boundary=b',
      'x-csrf-token': '',
    });
    expect(refused).toMatchObject({ status: 403, headers: { 'x-csrf-token': 'Required' } });
    expect((await trial.ask('POST', '/$batch', '--b--')).status).toBe(415);
  });
});
