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
    // And back again, from what belongs to it.
    const lines = await get(
      "A_SalesOrderScheduleLine?$filter=to_SalesOrderItem/NetAmount eq 4.5M and to_SalesOrder/SalesOrder eq 'K1'&$expand=to_SalesOrderItem/to_SalesOrder",
    );
    expect(lines.results).toMatchObject([
      { ScheduleLine: '1', to_SalesOrderItem: { SalesOrderItem: '20', to_SalesOrder: { SalesOrder: 'K1' } } },
    ]);
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

  describe('have parts, which are created, changed and deleted by themselves, each raising what it changes:', () => {
    const item = (key: string) => `A_SalesOrderItem(SalesOrder='${key}',SalesOrderItem='10')`;
    const kindsOf = (events: { type: string }[]) => events.map(({ type }) => type.split('.').at(-2));

    it('items, by way of their order or by name', async () => {
      await create('P1');
      const below = await change('POST', "A_SalesOrder('P1')/to_Item", { Material: 'TG11' });
      expect(below).toMatchObject({ status: 201, body: { d: { SalesOrder: 'P1', SalesOrderItem: '10' } } });
      const named = await change('POST', 'A_SalesOrderItem', { SalesOrder: 'P1', NetAmount: '4.5' });
      expect(named).toMatchObject({ status: 201, body: { d: { SalesOrderItem: '20', NetAmount: '4.5' } } });
      expect((await change('POST', 'A_SalesOrderItem', { NetAmount: '1' })).text).toContain('SalesOrder must be named');
      expect((await change('POST', 'A_SalesOrderItem', { SalesOrder: 'P99' })).status).toBe(404);
      const events = await trial.eventsOf('P1', 3);
      expect(kindsOf(events)).toEqual(['Created', 'ItemCreated', 'ItemCreated']);
    });

    it('partners of the header, without whom no order is left that it needs', async () => {
      await create('P2');
      const made = await change('POST', "A_SalesOrder('P2')/to_Partner", {
        PartnerFunction: 'ZA',
        Customer: '0017100002',
      });
      expect(made).toMatchObject({ status: 201, body: { d: { PartnerFunction: 'ZA', Customer: '17100002' } } });
      const za = "A_SalesOrderHeaderPartner(SalesOrder='P2',PartnerFunction='ZA')";
      expect(made.headers['location']).toContain(za);
      const again = await change('POST', 'A_SalesOrderHeaderPartner', {
        SalesOrder: 'P2',
        PartnerFunction: 'ZA',
        Customer: '17100002',
      });
      expect(again).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
      const unknown = await change('PATCH', za, { Customer: '99' });
      expect(unknown.body).toMatchObject({ error: { code: 'reference-unknown' } });
      expect((await change('DELETE', za)).status).toBe(204);
      const needed = await change('DELETE', "A_SalesOrderHeaderPartner(SalesOrder='P2',PartnerFunction='SH')");
      expect(needed).toMatchObject({ status: 409 });
      expect(needed.text).toContain('Every order has a SH');
      const { results } = await get("A_SalesOrder('P2')/to_Partner");
      expect(results.map(({ PartnerFunction }) => PartnerFunction)).toEqual(['BP', 'PY', 'SH', 'SP']);
      expect(kindsOf(await trial.eventsOf('P2', 3))).toEqual(['Created', 'Changed', 'Changed']);
    });

    it('schedule lines, which together say how much of the item is wanted', async () => {
      await create('P3', { to_Item: [{ RequestedQuantity: '3' }] });
      const made = await change('POST', `${item('P3')}/to_ScheduleLine`, {
        ScheduleLineOrderQuantity: '2',
        RequestedDeliveryDate: '2026-12-01T00:00:00',
      });
      expect(made).toMatchObject({ status: 201, body: { d: { ScheduleLine: '2', ScheduleLineOrderQuantity: '2' } } });
      expect(await get(item('P3'))).toMatchObject({ RequestedQuantity: '5' });
      const line = (number: string) =>
        `A_SalesOrderScheduleLine(SalesOrder='P3',SalesOrderItem='10',ScheduleLine='${number}')`;
      expect((await change('PATCH', line('0001'), { ScheduleLineOrderQuantity: 1.5 })).status).toBe(204);
      expect(await get(item('P3'))).toMatchObject({ RequestedQuantity: '3.5' });
      expect((await change('DELETE', line('1'))).status).toBe(204);
      expect(await get(item('P3'))).toMatchObject({ RequestedQuantity: '2' });
      const last = await change('DELETE', line('2'));
      expect(last).toMatchObject({ status: 422 });
      expect(last.text).toContain('must be at least one schedule line');
      expect(kindsOf(await trial.eventsOf('P3', 5)).slice(2)).toEqual(['ItemChanged', 'ItemChanged', 'ItemChanged']);
    });

    it('partners and prices of items, prices and texts of the header', async () => {
      await create('P4', { to_Item: [{}] });
      const step = { PricingProcedureStep: '010', ConditionType: 'PR00', ConditionRateValue: '10.5' };
      const steps: [method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object | undefined, status: number][] = [
        ['POST', `${item('P4')}/to_Partner`, { PartnerFunction: 'SH', Customer: '17100002' }, 201],
        ['POST', `${item('P4')}/to_PricingElement`, step, 201],
        [
          'PATCH',
          "A_SalesOrderItemPrElement(SalesOrder='P4',SalesOrderItem='10',PricingProcedureStep='10',PricingProcedureCounter='1')",
          { ConditionAmount: '-3' },
          204,
        ],
        ['POST', 'A_SalesOrderHeaderPrElement', { SalesOrder: 'P4', ...step }, 201],
        [
          'DELETE',
          "A_SalesOrderHeaderPrElement(SalesOrder='P4',PricingProcedureStep='010',PricingProcedureCounter='001')",
          undefined,
          204,
        ],
        ['POST', "A_SalesOrder('P4')/to_Text", { Language: 'EN', LongTextID: 'TX01', LongText: 'a' }, 201],
        ['PATCH', "A_SalesOrderText(SalesOrder='P4',Language='EN',LongTextID='TX01')", { LongText: 'b' }, 204],
        ['POST', "A_SalesOrder('P4')/to_Text", { Language: 'EN', LongTextID: 'TX01', LongText: 'c' }, 409],
      ];
      for (const [method, path, body, status] of steps) {
        const answer = await change(method, path, body);
        expect([path, answer.status, answer.text]).toEqual([path, status, answer.text]);
      }
      const order = await get(
        "A_SalesOrder('P4')?$expand=to_Text,to_PricingElement,to_Item/to_Partner,to_Item/to_PricingElement",
      );
      expect(order).toMatchObject({
        to_Text: { results: [{ LongText: 'b' }] },
        to_PricingElement: { results: [] },
        to_Item: {
          results: [
            {
              to_Partner: { results: [{ PartnerFunction: 'SH', Customer: '17100002' }] },
              to_PricingElement: { results: [{ ConditionRateValue: '10.5', ConditionAmount: '-3' }] },
            },
          ],
        },
      });
    });

    it('by If-Match, and none of a set of a batch when one of them cannot be', async () => {
      await create('P5');
      const late = await trial.request(
        'POST',
        `${ROOT}/A_SalesOrder('P5')/to_Text`,
        { Language: 'EN', LongTextID: 'TX01', LongText: 'a' },
        { ...JSON_TYPE, 'x-csrf-token': token, 'if-match': 'W/"9"' },
      );
      expect(late.status).toBe(412);
      const part = (url: string, body: object): string =>
        `--c\r\nContent-Type: application/http\r\n\r\nPOST ${url} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(body)}\r\n`;
      const parts = [
        part("A_SalesOrder('P5')/to_Item", { NetAmount: '1' }),
        part("A_SalesOrder('P5')/to_Partner", { PartnerFunction: 'SH', Customer: '17100002' }),
      ];
      const batch = await trial.raw(
        'POST',
        `${ROOT}/$batch`,
        `--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n${parts.join('')}--c--\r\n--b--\r\n`,
        'multipart/mixed; boundary=b',
        { 'x-csrf-token': token },
      );
      expect(batch.text).toContain('HTTP/1.1 409');
      expect((await get("A_SalesOrder('P5')/to_Item")).results).toEqual([]);
      expect(await trial.eventsOf('P5', 1)).toHaveLength(1);
    });
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
