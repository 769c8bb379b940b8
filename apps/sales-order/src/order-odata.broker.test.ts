import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { salesOrder } from './sales-order.module.js';
import type { SalesOrderTables } from './sales-order.repository.js';

const ROOT = '/sap/opu/odata/sap/API_SALES_ORDER_SRV';
const JSON_TYPE = { accept: 'application/json' };
const ORDER = {
  SalesOrganization: '1710',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: '17100002',
};

let trial: ServiceTrial<SalesOrderTables>;
let token: string;

type Entity = Record<string, unknown>;

beforeAll(async () => {
  trial = await ServiceTrial.open(salesOrder);
  await trial.append({
    topic: 'business-partner',
    type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1',
    key: '17100002',
    sequence: 1,
    data: { BusinessPartner: '17100002' },
  });
  const { headers } = await trial.request('GET', `${ROOT}/`, undefined, { ...JSON_TYPE, 'x-csrf-token': 'Fetch' });
  token = headers['x-csrf-token']!;
  await vi.waitFor(async () => expect((await create('K0')).status).toBe(201), { timeout: 10_000 });
});

afterAll(() => trial.close());

const change = (method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: object) =>
  trial.request(method, `${ROOT}/${path}`, body, { ...JSON_TYPE, 'x-csrf-token': token, 'if-match': '*' });

const create = (key: string, more: object = {}) =>
  change('POST', 'A_SalesOrder?$expand=to_Item/to_ScheduleLine', { SalesOrder: key, ...ORDER, ...more });

async function get(path: string): Promise<Entity & { results: Entity[] }> {
  const { status, text, body } = await trial.request('GET', `${ROOT}/${path}`, undefined, JSON_TYPE);
  expect([path, status, text]).toEqual([path, 200, text]);
  return body['d'] as Entity & { results: Entity[] };
}

describe('sales orders over OData', () => {
  it('are created with items, raise their events, and are read with all that belongs to them', async () => {
    const made = await create('K1', {
      to_Item: [
        { Material: 'TG11', RequestedQuantity: '3', NetAmount: '10.50' },
        { Material: 'TG12', NetAmount: '4.5' },
      ],
    });
    expect(made).toMatchObject({
      status: 201,
      headers: { etag: 'W/"1"' },
      body: { d: { SalesOrder: 'K1', TotalNetAmount: '15' } },
    });
    const events = await trial.eventsOf('K1', 3);
    expect(events.map(({ type }) => type.split('.').at(-2))).toEqual(['Created', 'ItemCreated', 'ItemCreated']);
    const ways =
      'to_Item/to_ScheduleLine,to_Item/to_Partner,to_Item/to_PricingElement,to_Partner,to_PricingElement,to_Text';
    const order = await get(`A_SalesOrder('K1')?$expand=${ways}`);
    const items = (order['to_Item'] as { results: Entity[] }).results;
    expect(items.map(({ SalesOrderItem, NetAmount }) => [SalesOrderItem, NetAmount])).toEqual([
      ['10', '10.5'],
      ['20', '4.5'],
    ]);
    expect(items[0]).toMatchObject({
      to_ScheduleLine: { results: [{ ScheduleLine: '1', ScheduleLineOrderQuantity: '3' }] },
    });
    const partners = (order['to_Partner'] as { results: Entity[] }).results;
    expect(partners.map(({ PartnerFunction }) => PartnerFunction)).toEqual(['BP', 'PY', 'SH', 'SP']);
  });

  it('are changed, with their items, approved and deleted', async () => {
    await create('K2', { to_Item: [{ NetAmount: '1' }] });
    expect(
      (await change('PATCH', "A_SalesOrder('K2')", { PurchaseOrderByCustomer: 'PO-1', DeliveryBlockReason: '01' }))
        .status,
    ).toBe(204);
    expect(
      (await change('PATCH', "A_SalesOrderItem(SalesOrder='K2',SalesOrderItem='000010')", { NetAmount: 2.5 })).status,
    ).toBe(204);
    const added = await change('POST', "A_SalesOrder('K2')/to_Item", { NetAmount: '1' });
    expect(added).toMatchObject({ status: 201, body: { d: { SalesOrderItem: '20' } } });
    expect((await change('DELETE', "A_SalesOrderItem(SalesOrder='K2',SalesOrderItem='20')")).status).toBe(204);
    expect((await change('POST', "rejectApprovalRequest?SalesOrder='K2'")).body['d']).toMatchObject({
      SalesDocApprovalStatus: 'C',
    });
    expect((await change('POST', "releaseApprovalRequest?SalesOrder='K2'")).body['d']).toMatchObject({
      SalesDocApprovalStatus: 'B',
    });
    expect(await get("A_SalesOrder('K2')")).toMatchObject({
      PurchaseOrderByCustomer: 'PO-1',
      TotalNetAmount: '2.5',
      OverallDeliveryBlockStatus: 'C',
    });
    expect((await change('DELETE', "A_SalesOrder('K2')")).status).toBe(204);
    const gone = await trial.request('GET', `${ROOT}/A_SalesOrder('K2')`, undefined, JSON_TYPE);
    expect(gone).toMatchObject({ status: 404, body: { error: { code: 'not-found' } } });
    const notified = await trial.request('GET', `${ROOT}/A_SalesOrder('K2')?version=2`, undefined, JSON_TYPE);
    expect(notified).toMatchObject({ status: 410, body: { error: { code: 'object-gone' } } });
  });

  it('are found by what is in them, part by part', async () => {
    for (const amount of [5, 15, 25])
      await create(`F${amount}`, {
        to_Item: [{ NetAmount: String(amount) }],
        RequestedDeliveryDate: `/Date(${Date.UTC(2026, 10, amount)})/`,
      });
    const found = await get(
      "A_SalesOrder?$filter=TotalNetAmount gt 4.99M and startswith(SalesOrder,'F') and RequestedDeliveryDate lt datetime'2026-11-20T00:00:00'&$orderby=TotalNetAmount desc&$inlinecount=allpages&$top=1",
    );
    expect(found).toMatchObject({
      __count: '2',
      results: [{ SalesOrder: 'F15', RequestedDeliveryDate: `/Date(${Date.UTC(2026, 10, 15)})/` }],
    });
    const items = await get(
      "A_SalesOrderItem?$filter=to_SalesOrder/SoldToParty eq '0017100002' and NetAmount eq 25M&$select=SalesOrder",
    );
    expect(items.results.map(({ SalesOrder }) => SalesOrder)).toEqual(['F25']);
  });

  it('go by the index of their table when they are named', async () => {
    const plan = await trial.db.transaction().execute(async (tx) => {
      await sql`set local enable_seqscan = off`.execute(tx);
      const { rows } = await sql<
        Record<string, string>
      >`explain select "TotalNetAmount" from a_sales_order as t where t.key = ${'K1'}::text`.execute(tx);
      return rows.map((row) => Object.values(row)[0]).join('\n');
    });
    expect(plan).toContain('sales_order_pkey');
  });
});
