import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serviceDoorsContract } from '../../../test/src/contract/service-doors.contract.js';
import { type KnownContract, KnownContracts } from './known-contracts.js';
import { salesOrder } from './sales-order.module.js';
import type { SalesOrderTables } from './sales-order.repository.js';

describe('sales orders over REST', () => {
  let trial: ServiceTrial<SalesOrderTables>;

  beforeAll(async () => {
    trial = await ServiceTrial.open(salesOrder);
    await partnerExists('17100002');
  });

  afterAll(() => trial.close());

  beforeEach(() => trial.forgetEvents());

  const header = {
    SalesOrganization: '1710',
    DistributionChannel: '10',
    OrganizationDivision: '00',
    SoldToParty: '17100002',
  };
  const create = (more: object = {}) => trial.request('POST', '/sales-orders', { ...header, ...more });

  const partnerSequence = async (key: string): Promise<number | undefined> => {
    const partners = trial.db.selectFrom('known_partner').select('sequence');
    return (await partners.where('key', '=', key).executeTakeFirst())?.sequence;
  };

  /** A partner's event is in the log, and the service has taken note of it. */
  const partnerExists = async (key: string, sequence = 1): Promise<void> => {
    const type = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
    await trial.append({ topic: 'business-partner', type, key, sequence, data: { BusinessPartner: key } });
    await vi.waitFor(
      async () => {
        if ((await partnerSequence(key)) === undefined) throw new Error(`partner ${key} is not known`);
      },
      { timeout: 10_000 },
    );
  };

  /** What happened to a contract is in the log, and the service has taken note of it. */
  const contractIs = async (
    key: string,
    action: 'Signed' | 'Terminated',
    sequence: number | undefined,
    partner = '17100002',
  ): Promise<void> => {
    const at = '2026-02-14T09:30:00.000Z';
    const Document = { href: '/x', mediaType: 'text/plain', sizeBytes: 1, sha256: 'a'.repeat(64) };
    const data = {
      Signed: { NetAmount: '1', Currency: 'EUR', EffectiveFrom: '2026-04-01', SignedAt: at, SignedBy: null, Document },
      Terminated: { Reason: 'Notice', EffectiveOn: '2026-06-30', TerminatedAt: at },
    }[action];
    await trial.append({
      topic: 'contract',
      type: `heddle.contract.v1.Contract.${action}.v1`,
      key,
      sequence,
      data: { Contract: key, Counterparty: partner, ...data },
    });
    const rank = action === 'Signed' ? 1 : 2;
    await vi.waitFor(async () => expect(await rankOf(key)).toBe(rank), { timeout: 10_000 });
  };
  const rankOf = async (key: string): Promise<number | undefined> => {
    const contracts = trial.db.selectFrom('known_contract').select('rank');
    return (await contracts.where('key', '=', key).executeTakeFirst())?.rank;
  };

  it('are created under the number given, and their events reach the log with number, reference and origin', async () => {
    const answer = await trial.request(
      'POST',
      '/sales-orders',
      { ...header, SalesOrder: '0000004711', to_Item: [{ Material: 'TG11' }] },
      { 'x-correlation-id': 'corr-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    );
    expect(answer).toMatchObject({ status: 201, body: { SalesOrder: '4711', SoldToParty: '17100002' } });
    expect(answer.headers).toMatchObject({ etag: '"1"', location: '/sales-orders/4711' });
    const events = await trial.eventsOf('4711', 2);
    expect(events.map(({ type }) => type.split('.').at(-2))).toEqual(['Created', 'ItemCreated']);
    expect(events[0]).toMatchObject({
      source: '/test/sales-order',
      subject: '4711',
      partitionkey: '4711',
      sequence: '000000000001',
      datacontenttype: 'application/avro',
      dataref: '/v1/objects/sales-order/4711?version=1',
      correlationid: 'corr-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      data: { SalesOrder: '4711', SoldToParty: '17100002', SalesOrderType: 'OR' },
    });
    expect(events[1]).toMatchObject({ sequence: '000000000002', data: { SalesOrderItem: '10', Product: 'TG11' } });
  });

  it('get the next number when none is given, past those that are taken', async () => {
    const first = Number((await create()).body['SalesOrder']);
    await create({ SalesOrder: String(first + 1) });
    expect(Number((await create()).body['SalesOrder'])).toBe(first + 2);
  });

  it('are refused under a number that is taken, and for a partner not heard of, which may be tried again', async () => {
    await create({ SalesOrder: 'TAKEN' });
    expect(await create({ SalesOrder: 'TAKEN' })).toMatchObject({
      status: 409,
      body: { code: 'conflict', retryable: false },
    });
    const unknown = await create({ SoldToParty: '999' });
    expect(unknown).toMatchObject({
      status: 409,
      body: { code: 'reference-unknown', retryable: true, field: 'SoldToParty' },
    });
    expect(unknown.headers['retry-after']).toBe('1');
    await partnerExists('999');
    expect(await create({ SoldToParty: '999' })).toMatchObject({ status: 201 });
  });

  it('are read with their version, and not again by who has it', async () => {
    await create({ SalesOrder: 'READ' });
    const answer = await trial.request('GET', '/sales-orders/READ');
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"1"' }, body: { SalesOrder: 'READ' } });
    const again = await trial.request('GET', '/sales-orders/READ', undefined, { 'if-none-match': 'W/"1"' });
    expect(again).toMatchObject({ status: 304, headers: { etag: '"1"' }, text: '' });
    expect(await trial.request('GET', '/sales-orders/NONE')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
  });

  it('change only for who says which version, and only if it is that one', async () => {
    await create({ SalesOrder: 'PATCH' });
    const patch = (value: object, ifMatch?: string) =>
      trial.request('PATCH', '/sales-orders/PATCH', value, ifMatch === undefined ? {} : { 'if-match': ifMatch });
    expect(await patch({ ShippingCondition: '01' })).toMatchObject({
      status: 428,
      body: { code: 'precondition-required' },
    });
    expect(await patch({ ShippingCondition: '01' }, '"2"')).toMatchObject({ status: 412 });
    expect(await patch({ ShippingCondition: '01' }, '"1"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    const events = await trial.eventsOf('PATCH', 2);
    expect(events[1]).toMatchObject({ dataref: '/v1/objects/sales-order/PATCH?version=2', sequence: '000000000002' });
  });

  it('that do not really change raise nothing and keep their version', async () => {
    await create({ SalesOrder: 'SAME' });
    const answer = await trial.request(
      'PATCH',
      '/sales-orders/SAME',
      { SoldToParty: '0017100002' },
      { 'if-match': '"1"' },
    );
    expect(answer).toMatchObject({ status: 200, headers: { etag: '"1"' } });
    await trial.request('POST', '/sales-orders/SAME/approval', { status: 'B' });
    const events = await trial.eventsOf('SAME', 2);
    expect(events.map(({ type }) => type.split('.').at(-2))).toEqual(['Created', 'ApprovalStsChanged']);
  });

  it('leave a tombstone when deleted, and go on in version and event number when created again', async () => {
    await create({ SalesOrder: 'GONE' });
    expect(await trial.request('DELETE', '/sales-orders/GONE')).toMatchObject({ status: 428 });
    const deleted = await trial.request('DELETE', '/sales-orders/GONE', undefined, { 'if-match': '"1"' });
    expect(deleted).toMatchObject({ status: 204, headers: { etag: '"2"' } });
    const read = await trial.request('GET', '/sales-orders/GONE');
    expect(read).toMatchObject({ status: 410, headers: { etag: '"2"' }, body: { code: 'object-gone' } });
    expect(await trial.request('PATCH', '/sales-orders/GONE', {}, { 'if-match': '*' })).toMatchObject({ status: 410 });
    expect(await create({ SalesOrder: 'GONE' })).toMatchObject({ status: 201, headers: { etag: '"3"' } });
    const events = await trial.eventsOf('GONE', 3);
    expect(events.map(({ sequence, dataref }) => [Number(sequence), dataref?.split('=')[1]])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '3'],
    ]);
  });

  it('have items that are added, changed and deleted, each raising its event', async () => {
    await create({ SalesOrder: 'ITEMS' });
    const added = await trial.request('POST', '/sales-orders/ITEMS/items', { Material: 'TG11', NetAmount: '12.50' });
    expect(added).toMatchObject({ status: 201, headers: { location: '/sales-orders/ITEMS/items/10', etag: '"2"' } });
    const changed = await trial.request(
      'PATCH',
      '/sales-orders/ITEMS/items/0010',
      { RequestedQuantity: '3' },
      { 'if-match': '"2"' },
    );
    expect(changed).toMatchObject({ status: 200, body: { TotalNetAmount: '12.5' } });
    const deleted = await trial.request('DELETE', '/sales-orders/ITEMS/items/10', undefined, { 'if-match': '"3"' });
    expect(deleted).toMatchObject({ status: 204, headers: { etag: '"4"' } });
    const events = await trial.eventsOf('ITEMS', 4);
    expect(events.map(({ type }) => type.split('.').at(-2))).toEqual([
      'Created',
      'ItemCreated',
      'ItemChanged',
      'ItemDeleted',
    ]);
  });

  it('are approved and delivered', async () => {
    await create({ SalesOrder: 'STATUS', to_Item: [{ Material: 'TG11' }] });
    await trial.request('POST', '/sales-orders/STATUS/approval', { status: 'A' });
    expect(await trial.request('POST', '/sales-orders/STATUS/delivery-status', { status: 'B' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    });
    await trial.request('POST', '/sales-orders/STATUS/approval', { status: 'B' });
    expect(await trial.request('POST', '/sales-orders/STATUS/delivery-status', { status: 'B' })).toMatchObject({
      status: 200,
      body: { OverallDeliveryStatus: 'B', SalesDocApprovalStatus: 'B' },
    });
    expect(await trial.request('POST', '/sales-orders/STATUS/approval', { status: 'Z' })).toMatchObject({
      status: 422,
      body: { field: 'status' },
    });
    const events = await trial.eventsOf('STATUS', 8);
    expect(events.slice(2).map(({ type }) => type.split('.').at(-2))).toEqual([
      'ApprovalStsChanged',
      'ApprovalStsChanged',
      'ItmDelivStsChgd',
      'ItmSDProcStsChgd',
      'OvrlDelivStsChgd',
      'OvrlSDProcStsChgd',
    ]);
    expect(events[6]).toMatchObject({ data: { OverallDeliveryStatus: 'B', PreviousOverallDeliveryStatus: 'A' } });
  });

  it('are listed page by page, each once', async () => {
    for (const number of ['P1', 'P2', 'P3', 'P4', 'P5']) await create({ SalesOrder: number });
    const seen: unknown[] = [];
    for (let path: string | null = '/sales-orders?limit=2&after=P'; path !== null;) {
      const page = await trial.request('GET', path);
      expect(page.status).toBe(200);
      seen.push(...(page.body['value'] as { SalesOrder: string }[]).map(({ SalesOrder }) => SalesOrder));
      path = page.body['next'] as string | null;
    }
    expect(seen.slice(0, 6)).toEqual(['P1', 'P2', 'P3', 'P4', 'P5', 'PATCH']);
    expect(new Set(seen).size).toBe(seen.length);
    expect(await trial.request('GET', '/sales-orders?limit=0')).toMatchObject({
      status: 422,
      body: { field: 'limit' },
    });
  });

  it('that are wrong are answered with every wrong field, a broken body with 400, another type with 415', async () => {
    const wrong = await create({ SalesOrganization: '17100', to_Item: [{ Material: 'M'.repeat(41) }] });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'data-invalid' } });
    expect(wrong.headers['content-type']).toContain('application/problem+json');
    expect((wrong.body['errors'] as { field: string }[]).map(({ field }) => field)).toEqual([
      'SalesOrganization',
      'to_Item.0.Material',
    ]);
    const broken = await trial.raw('POST', '/sales-orders', '{"SalesOrder":', 'application/json');
    expect(broken).toMatchObject({ status: 400, body: { code: 'body-invalid' } });
    const foreign = await trial.raw('POST', '/sales-orders', '<a/>', 'application/xml');
    expect(foreign).toMatchObject({ status: 415, body: { code: 'content-type-unsupported' } });
  });

  serviceDoorsContract('sap.s4.beh.salesorder.v1.*', () => trial);

  const onContract = (Contract: string, more: object = {}) => create({ Contract, ...more });

  it('are on a contract only that is signed, with their partner, and not terminated', async () => {
    await partnerExists('41');
    expect(await onContract('C-1')).toMatchObject({
      status: 409,
      body: { code: 'reference-unknown', retryable: true, field: 'Contract' },
    });
    await contractIs('C-1', 'Signed', 3);
    await contractIs('C-41', 'Signed', 3, '0000000041');
    const answer = await onContract('C-1', { SalesOrder: 'ON' });
    expect(answer).toMatchObject({ status: 201, body: { Contract: 'C-1' } });
    const foreign = { status: 409, body: { code: 'conflict', field: 'Contract' } };
    expect(await onContract('C-41')).toMatchObject(foreign);
    expect(await onContract('C-41', { SoldToParty: '41' })).toMatchObject({ status: 201 });
    const patch = (value: object) => trial.request('PATCH', '/sales-orders/ON', value, { 'if-match': '*' });
    expect(await patch({ SoldToParty: '41' })).toMatchObject(foreign);
    expect(await patch({ SoldToParty: '41', Contract: 'C-41' })).toMatchObject({ status: 200 });
    await contractIs('C-41', 'Terminated', 4, '41');
    expect(await onContract('C-41', { SoldToParty: '41' })).toMatchObject(foreign);
    // What it is on already stays, and it may go on without.
    expect(await patch({ ShippingCondition: '01' })).toMatchObject({ status: 200, body: { Contract: 'C-41' } });
    expect(await patch({ Contract: '' })).toMatchObject({ status: 200, body: { Contract: '' } });
    expect(await patch({ Contract: 'C-41' })).toMatchObject(foreign);
  });

  it('are on no contract once it was terminated, whatever is told again, in whatever order, and by whom', async () => {
    const contracts = new KnownContracts();
    const know = (told: KnownContract) => trial.db.transaction().execute((tx) => contracts.know(tx, 'C-2', told));
    const told = { SIGNED: 3, TERMINATED: 4 } as const;
    for (const status of ['TERMINATED', 'SIGNED', 'TERMINATED', 'SIGNED'] as const) {
      await know({ partner: '17100002', status, sequence: told[status] });
      expect(await rankOf('C-2')).toBe(2);
    }
    await know({ partner: '41', status: 'SIGNED', sequence: 0 });
    expect(await onContract('C-2')).toMatchObject({ status: 409, body: { code: 'conflict' } });
    // From elsewhere, without a number.
    await contractIs('C-3', 'Signed', undefined);
    expect(await onContract('C-3')).toMatchObject({ status: 201 });
    await contractIs('C-3', 'Terminated', undefined);
    expect(await onContract('C-3')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it('of before there were contracts are on none', async () => {
    await create({ SalesOrder: 'BEFORE' });
    await sql`update sales_order set state = state - 'Contract' where key = 'BEFORE'`.execute(trial.db);
    const answer = await trial.request('GET', '/sales-orders/BEFORE');
    expect(answer.body).toMatchObject({ Contract: '' });
    const same = await trial.request('PATCH', '/sales-orders/BEFORE', { Contract: '' }, { 'if-match': '"1"' });
    expect(same).toMatchObject({ status: 200, headers: { etag: '"1"' } });
  });

  it('learn a partner once, whatever the order and number of its events', async () => {
    await partnerExists('31', 2);
    await partnerExists('31', 1);
    await partnerExists('31', 2);
    await vi.waitFor(async () => expect(await create({ SoldToParty: '31' })).toMatchObject({ status: 201 }), {
      timeout: 10_000,
    });
    expect(await partnerSequence('31')).toBe(2);
  });
});
