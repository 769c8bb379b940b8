import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { digestHeader } from '@heddle/mesh';
import { type Answer, ServiceTrial } from '@heddle/mesh/trial';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serviceDoorsContract } from '../../../test/src/contract/service-doors.contract.js';
import { contractService } from './contract.module.js';
import type { ContractTables } from './contract.repository.js';

const LIMIT_BYTES = 1_000_000;
const PARTNER = '1000667';
/** As a body that is read, it would be refused for its key. */
const REFUSED_JSON = '{ "__proto__":   1 }';

describe('contracts over REST', () => {
  let trial: ServiceTrial<ContractTables>;

  beforeAll(async () => {
    trial = await ServiceTrial.open(contractService({ limitDocumentBytes: LIMIT_BYTES }));
    const type = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
    const data = { BusinessPartner: PARTNER };
    await trial.append({ topic: 'business-partner', type, key: PARTNER, sequence: 1, data });
    await vi.waitFor(async () => expect(await partners()).toEqual([PARTNER]), { timeout: 10_000 });
  });

  afterAll(() => trial.close());

  beforeEach(() => trial.forgetEvents());

  const terms = { Title: 'Supply of bearings', Counterparty: PARTNER, NetAmount: '125000', ValidFrom: '2026-04-01' };
  const create = (more: object = {}) => trial.request('POST', '/contracts', { ...terms, ...more });
  const partners = async (): Promise<string[]> =>
    (await trial.db.selectFrom('known_partner').select('key').execute()).map(({ key }) => key);
  const put = (key: string, body: string | Uint8Array<ArrayBuffer>, type = 'text/plain', headers = {}) =>
    trial.raw('PUT', `/contracts/${key}/document`, body, type, headers);
  const get = (key: string, headers: Record<string, string> = {}, query = '') =>
    trial.request('GET', `/contracts/${key}/document${query}`, undefined, headers);
  const sign = (key: string, ifMatch: string) =>
    trial.request('POST', `/contracts/${key}/signature`, { SignedBy: 'Ada' }, { 'if-match': ifMatch });
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  /** What is stored of documents: those that belong to a contract, others, and the bytes of all. */
  const stored = async (): Promise<{ attached: number; loose: number; bytes: number }> => {
    const documents = await trial.db.selectFrom('document').select('contract').execute();
    const chunks = await trial.db.selectFrom('document_chunk').select('bytes').execute();
    const attached = documents.filter(({ contract }) => contract !== null).length;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0);
    return { attached, loose: documents.length - attached, bytes };
  };
  const shortTypes = (events: readonly { type: string }[]) => events.map(({ type }) => type.split('.').at(-2));

  it('are drafted, changed, given a document, signed and terminated, and each of that reaches the log in its order', async () => {
    const created = await create({ Contract: 'C-1' });
    expect(created).toMatchObject({ status: 201, headers: { etag: '"1"', location: '/contracts/C-1' } });
    const patch = (value: object, ifMatch: string) =>
      trial.request('PATCH', '/contracts/C-1', value, { 'if-match': ifMatch });
    expect(await patch({ Remark: 'Prices of January' }, '"1"')).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
    });
    expect(await patch({ Remark: 'Prices of January' }, '"2"')).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
    });
    expect(await sign('C-1', '"2"')).toMatchObject({ status: 409, body: { code: 'conflict', field: 'Document' } });
    expect(await put('C-1', 'We agree.')).toMatchObject({ status: 200, headers: { etag: '"3"' } });
    const document = {
      href: `/v1/objects/contract/C-1/document?sha256=${sha256('We agree.')}`,
      mediaType: 'text/plain',
      sizeBytes: 9,
      sha256: sha256('We agree.'),
    };
    const unseen = await trial.request('POST', '/contracts/C-1/signature', {});
    expect(unseen).toMatchObject({ status: 428 });
    expect(await sign('C-1', '"2"')).toMatchObject({ status: 412 });
    const signed = await sign('C-1', '"3"');
    expect(signed).toMatchObject({ status: 200, body: { Status: 'SIGNED', EffectiveFrom: '2026-04-01' } });
    expect(await put('C-1', 'We do not.')).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(await patch({ Title: 'x' }, '*')).toMatchObject({ status: 409, body: { code: 'conflict' } });
    const ended = await trial.request('POST', '/contracts/C-1/termination', { Reason: 'Notice' });
    expect(ended).toMatchObject({ status: 200, headers: { etag: '"5"' }, body: { Status: 'TERMINATED' } });
    const events = await trial.eventsOf('C-1', 5);
    expect(shortTypes(events)).toEqual(['DraftCreated', 'DraftChanged', 'DraftChanged', 'Signed', 'Terminated']);
    expect(events.map(({ sequence, dataref }) => [Number(sequence), dataref])).toEqual(
      [1, 2, 3, 4, 5].map((version) => [version, `/v1/objects/contract/C-1?version=${version}`]),
    );
    expect(events[2]).toMatchObject({ data: { Document: document } });
    expect(events[3]).toMatchObject({ data: { Document: document, SignedBy: 'Ada', NetAmount: '125000.000' } });
    expect(events[4]).toMatchObject({ data: { Reason: 'Notice', Counterparty: PARTNER } });
    expect(await get('C-1')).toMatchObject({ status: 200, text: 'We agree.' });
  });

  it('are refused for a partner not heard of, under a number that is taken, and get the next one when none is given', async () => {
    expect(await create({ Counterparty: '999' })).toMatchObject({
      status: 409,
      body: { code: 'reference-unknown', retryable: true, field: 'Counterparty' },
    });
    await create({ Contract: 'C-2' });
    expect(await create({ Contract: 'C-2' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect(Number((await create()).body['Contract'])).toBeGreaterThanOrEqual(1_000_000);
    const other = await trial.request('PATCH', '/contracts/C-2', { Counterparty: '999' }, { 'if-match': '*' });
    expect(other).toMatchObject({ status: 409, body: { code: 'reference-unknown' } });
  });

  it('are listed page by page, and read with their version', async () => {
    for (const number of ['P-0000000000000001', 'P-0000000000000002', 'P-3']) await create({ Contract: number });
    const seen: unknown[] = [];
    for (let path: string | null = '/contracts?limit=2&after=P'; path !== null;) {
      const page: Answer = await trial.request('GET', path);
      expect(page.status).toBe(200);
      seen.push(...(page.body['value'] as { Contract: string }[]).map(({ Contract }) => Contract));
      path = page.body['next'] as string | null;
    }
    expect(seen.slice(0, 3)).toEqual(['P-0000000000000001', 'P-0000000000000002', 'P-3']);
    const again = await trial.request('GET', '/contracts/P-3', undefined, { 'if-none-match': '"1"' });
    expect(again).toMatchObject({ status: 304, text: '' });
  });

  it('have a document of any media type, byte for byte, that is known by its hash', async () => {
    await create({ Contract: 'D-1' });
    for (const [type, text] of [
      ['application/json', REFUSED_JSON],
      ['text/html; charset=utf-8', '<script>alert(1)</script>'],
      ['application/vnd.oasis.opendocument.text', 'x'.repeat(700_000)],
    ] as const) {
      expect(await put('D-1', text, type)).toMatchObject({ status: 200, body: { Document: { mediaType: type } } });
      const hash = sha256(text);
      const answer = await get('D-1');
      expect(answer).toMatchObject({ status: 200, text });
      expect(answer.headers).toMatchObject({
        'content-type': type,
        'content-length': String(text.length),
        etag: `"${hash}"`,
        'content-digest': digestHeader(hash),
        'content-disposition': 'attachment',
        'x-content-type-options': 'nosniff',
      });
      expect(await get('D-1', { 'if-none-match': `"${hash}"` })).toMatchObject({ status: 304, text: '' });
      expect(await get('D-1', {}, `?sha256=${hash}`)).toMatchObject({ status: 200 });
    }
    const stale = await get('D-1', {}, `?sha256=${sha256(REFUSED_JSON)}`);
    expect(stale).toMatchObject({ status: 409, body: { code: 'conflict', field: 'sha256' } });
    expect(await get('D-1', {}, '?sha256=short')).toMatchObject({ status: 422 });
    await create({ Contract: 'D-2' });
    expect(await get('D-2')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await get('D-404')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    const before = await trial.request('GET', '/contracts/D-1');
    expect(await put('D-1', 'x'.repeat(700_000), 'application/vnd.oasis.opendocument.text')).toMatchObject({
      status: 200,
      headers: { etag: before.headers['etag'] },
    });
  });

  it('have a document whose parts are its bytes, from wherever to wherever in its chunks', async () => {
    await create({ Contract: 'D-3' });
    // Every byte tells where it is: 8 digits each.
    const text = Array.from({ length: 87_500 }, (_, index) => String(index * 8).padStart(8, '0')).join('');
    expect(await put('D-3', text)).toMatchObject({ status: 200 });
    const chunks = await trial.db
      .selectFrom('document_chunk')
      .innerJoin('document', 'document.id', 'document_chunk.document')
      .where('document.contract', '=', 'D-3')
      .orderBy('number')
      .select('bytes')
      .execute();
    const edge = chunks[0]!.bytes.length;
    expect([chunks.length > 2, edge < text.length]).toEqual([true, true]);
    for (const [first, last] of [
      [0, 0],
      [3, edge - 1],
      [edge - 1, edge],
      [edge, edge],
      [edge + 1, text.length - 2],
      [text.length - 1, text.length + 9],
      [0, text.length - 1],
    ] as const) {
      const answer = await get('D-3', { range: `bytes=${first}-${last}` });
      expect(answer).toMatchObject({ status: 206, text: text.slice(first, last + 1) });
      const range = `bytes ${first}-${Math.min(last, text.length - 1)}/${text.length}`;
      expect(answer.headers).toMatchObject({ 'content-range': range, etag: `"${sha256(text)}"` });
    }
    expect(await get('D-3', { range: 'bytes=-5' })).toMatchObject({ status: 206, text: text.slice(-5) });
    expect(await get('D-3', { range: 'bytes=5-', 'if-range': '"other"' })).toMatchObject({ status: 200, text });
    expect(await get('D-3', { range: `bytes=${text.length}-` })).toMatchObject({
      status: 416,
      headers: { 'content-range': `bytes */${text.length}` },
      body: { code: 'range-unsatisfiable', field: 'range' },
    });
  });

  it('keep one document each, and of one that is refused nothing', async () => {
    await create({ Contract: 'R-1' });
    await put('R-1', 'first');
    const before = await stored();
    expect(before.loose).toBe(0);
    const refusals: [Promise<Answer>, number, string, string?][] = [
      [put('R-1', new Uint8Array(LIMIT_BYTES + 1)), 413, 'too-large'],
      [put('R-1', ''), 400, 'body-invalid'],
      [
        put('R-1', 'second', 'text/plain', { 'content-digest': digestHeader(sha256('third')) }),
        400,
        'body-invalid',
        'content-digest',
      ],
      [put('R-1', 'second', 'text/plain', { 'content-encoding': 'gzip' }), 415, 'encoding-unsupported'],
      [put('R-1', 'second', 'nonsense'), 415, 'content-type-unsupported'],
      [put('R-1', 'second', 'text/plain', { 'if-match': '"1"' }), 412, 'precondition-failed'],
      [put('R-404', 'second'), 404, 'not-found'],
    ];
    for (const [answer, status, code, field] of refusals) {
      expect(await answer).toMatchObject({ status, body: { code, ...(field === undefined ? {} : { field }) } });
    }
    expect(await stored()).toEqual(before);
    expect(await get('R-1')).toMatchObject({ text: 'first' });
    const announced = { 'repr-digest': digestHeader(sha256('second')), 'if-match': '"2"' };
    expect(await put('R-1', 'second', 'text/plain', announced)).toMatchObject({ status: 200 });
    expect(await stored()).toEqual({ ...before, bytes: before.bytes + 1 });
  });

  it('take no more than the limit from a document whose size nobody has said, or that ends too soon', async () => {
    await create({ Contract: 'R-2' });
    const before = await stored();
    let given = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const refused = await trial.stream('PUT', '/contracts/R-2/document', endless).catch((error: unknown) => error);
    // Whether the answer is read or the connection found closed is up to who never stops sending.
    if (!(refused instanceof Error)) expect(refused).toMatchObject({ status: 413, body: { code: 'too-large' } });
    expect(given).toBeLessThan(100 * LIMIT_BYTES);
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(300_000));
        controller.error(new Error('gone'));
      },
    });
    await expect(trial.stream('PUT', '/contracts/R-2/document', broken)).rejects.toThrow();
    await vi.waitFor(async () => expect(await stored()).toEqual(before), { timeout: 10_000 });
    expect(await put('R-2', new Uint8Array(LIMIT_BYTES))).toMatchObject({ status: 200 });
  });

  it('forget what a process that died has left of a document, and not what is on its way in', async () => {
    const row = (id: string, hours: number) =>
      trial.db
        .insertInto('document')
        .values({ id, media_type: 'text/plain', begun_at: new Date(Date.now() - hours * 3_600_000) })
        .execute();
    const [old, young] = ['018f0000-0000-7000-8000-000000000001', '018f0000-0000-7000-8000-000000000002'];
    await row(old, 2);
    await row(young, 0.5);
    await create({ Contract: 'L-1' });
    await put('L-1', 'text');
    const ids = (await trial.db.selectFrom('document').select('id').where('contract', 'is', null).execute()).map(
      ({ id }) => id,
    );
    expect(ids).toEqual([young]);
    await trial.db.deleteFrom('document').where('id', '=', young).execute();
  });

  serviceDoorsContract('heddle.contract.v1.*', () => trial);
});
