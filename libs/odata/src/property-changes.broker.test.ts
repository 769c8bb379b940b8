import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ODataTrial } from './service-trial.js';
import { NAMESPACES } from './xml.js';

let trial: ODataTrial;

beforeAll(async () => {
  trial = await ODataTrial.open('properties');
});

afterAll(() => trial.close());

beforeEach(async () => {
  await sql`truncate trial_order`.execute(trial.db);
});

describe('a change of one property, by its own URL', () => {
  const any = { 'if-match': '*' };
  const plain = { ...any, 'content-type': 'text/plain;charset=utf-8' };
  const xml = { ...any, 'content-type': 'application/xml' };

  it('is of that one, as a member, an element, or the value alone', async () => {
    await trial.put('7', { Text: 'before', Note: 'n', Amount: '1' });
    const changes: [method: string, path: string, body: unknown, headers: Record<string, string>][] = [
      ['PUT', 'Text', { Text: "it's ä" }, { 'if-match': 'W/"1"' }],
      ['MERGE', 'Amount', { d: { Amount: '2.50' } }, any],
      ['PATCH', 'Big', `<d:Big xmlns:d="${NAMESPACES.d}">9007199254740993</d:Big>`, xml],
      ['PUT', 'Note', `<Note xmlns="${NAMESPACES.d}" xmlns:m="${NAMESPACES.m}" m:null="true"/>`, xml],
      ['PUT', 'IsOpen/$value', 'true', plain],
      ['PUT', 'Day/$value', '2026-11-21T00:00:00', plain],
      ['PUT', 'Count/$value', '7', plain],
    ];
    for (const [index, [method, path, body, headers]] of changes.entries()) {
      const changed = await trial.ask(method, `/A_Order('7')/${path}`, body, headers);
      expect([path, changed.status, changed.headers['etag'], changed.body]).toEqual([
        path,
        204,
        `W/"${index + 2}"`,
        '',
      ]);
    }
    const wanted = { Text: "it's ä", Amount: '2.5', Big: '9007199254740993', Note: null, IsOpen: true, Count: 7 };
    expect((await trial.get("/A_Order('7')")).d).toMatchObject({ ...wanted, Day: '/Date(1795219200000)/' });
    expect((await trial.ask('DELETE', "/A_Order('7')/Day/$value", undefined, any)).status).toBe(204);
    expect((await trial.get("/A_Order('7')")).d).toMatchObject({ ...wanted, Day: null });
  });

  it.each<[what: string, method: string, path: string, body: unknown, headers: Record<string, string>, status: number]>(
    [
      ['without a version', 'PUT', 'Text', { Text: 'x' }, {}, 428],
      ['of another version', 'PUT', 'Text', { Text: 'x' }, { 'if-match': 'W/"9"' }, 412],
      ['of another one than the URL says', 'PUT', 'Text', { Note: 'x' }, any, 422],
      ['of more than the URL says', 'PUT', 'Text', { Text: 'x', Note: 'x' }, any, 422],
      ['as another element', 'PUT', 'Text', `<d:Note xmlns:d="${NAMESPACES.d}">x</d:Note>`, xml, 400],
      ['of a key', 'PUT', 'Order', { Order: '8' }, any, 422],
      ['of what the service sets', 'PUT', 'Id', { Id: 'x' }, any, 422],
      ['to no number', 'PUT', 'Amount/$value', 'much', plain, 422],
      ['to no value, of what has one always', 'DELETE', 'Amount/$value', undefined, any, 422],
      ['as a value in JSON', 'PUT', 'Text/$value', '"x"', any, 415],
      ['by POST', 'POST', 'Text', { Text: 'x' }, any, 405],
      ['by DELETE of all of it', 'DELETE', 'Text', undefined, any, 405],
    ],
  )('%s is refused', async (_what, method, path, body, headers, status) => {
    await trial.put('7', { Text: 'before' });
    expect((await trial.ask(method, `/A_Order('7')/${path}`, body, headers)).status).toBe(status);
    expect((await trial.get("/A_Order('7')")).headers['etag']).toBe('W/"1"');
  });
});
