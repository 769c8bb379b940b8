import 'reflect-metadata';
import { ServiceTrial } from '@heddle/mesh/trial';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { completeSalesOrders } from './migrations/003-complete-orders.js';
import { salesOrder } from './sales-order.module.js';
import type { SalesOrderTables } from './sales-order.repository.js';

type Document = Record<string, unknown> & { to_Item: (Record<string, unknown> & Record<'to_Partner', object[]>)[] };

const partner = { PartnerFunction: 'SH', Customer: '17100002' };
const element = {
  PricingProcedureStep: '11',
  ConditionType: 'DRN1',
  ConditionAmount: '-12.5',
  ConditionRateValue: '-5',
};
const ORDER = {
  SalesOrganization: '1710',
  DistributionChannel: '10',
  OrganizationDivision: '00',
  SoldToParty: '17100002',
  RequestedDeliveryDate: '2026-03-01',
  to_PricingElement: [element],
  to_Text: [{ Language: 'EN', LongTextID: 'TX01', LongText: 'Ring twice' }],
  to_Item: [
    {
      Material: 'TG11',
      NetAmount: '99.9',
      RequestedQuantity: '10',
      to_ScheduleLine: [{ ScheduleLineOrderQuantity: '4' }, { ScheduleLineOrderQuantity: '6' }],
      to_Partner: [partner],
      to_PricingElement: [element],
    },
    { Material: 'TG12', ProfitCenter: 'YB110' },
  ],
};

describe('the entities of orders', () => {
  let trial: ServiceTrial<SalesOrderTables>;

  beforeAll(async () => {
    trial = await ServiceTrial.open(salesOrder);
    const type = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
    const data = { BusinessPartner: '17100002' };
    await trial.append({ topic: 'business-partner', type, key: '17100002', sequence: 1, data });
    const known = trial.db.selectFrom('known_partner').select('key');
    await vi.waitFor(async () => expect(await known.execute()).toHaveLength(1), { timeout: 10_000 });
  });

  afterAll(() => trial.close());

  const documentOf = async (key: string): Promise<Document> =>
    (await trial.request('GET', `/sales-orders/${key}`)).body as Document;

  /** Rows of a view, without what every one of them has. */
  const rowsOf = async (view: string, key: string, version: number): Promise<object[]> => {
    const { rows } = await sql<Record<string, unknown>>`
      select * from ${sql.table(view)} where key = ${key} order by 3, 4, 5
    `.execute(trial.db);
    for (const row of rows) expect(row).toMatchObject({ key, version, SalesOrder: key });
    return rows.map((row) => {
      const { key: _, version: __, SalesOrder: ___, ...own } = row;
      return own;
    });
  };

  it('are in the views as they are in the order, field by field, as soon as the change is answered', async () => {
    await trial.request('POST', '/sales-orders', { ...ORDER, SalesOrder: '1' });
    await trial.request('POST', '/sales-orders/1/items/10/rejection', { reason: '61' });
    const order = await documentOf('1');
    const plain = (document: Record<string, unknown>): object =>
      Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('to_')));
    const inItem = (name: string): object[] =>
      order.to_Item.flatMap((item) => {
        const parts = item[name] as object[];
        return parts.map((part) => ({ SalesOrderItem: item['SalesOrderItem'], ...part }));
      });
    const { SalesOrder: _, ...header } = plain(order) as Record<string, unknown>;
    const expected: [string, unknown][] = [
      ['a_sales_order', [header]],
      ['a_sales_order_item', order.to_Item.map(plain)],
      ['a_sales_order_schedule_line', inItem('to_ScheduleLine')],
      ['a_sales_order_header_partner', order['to_Partner']],
      ['a_sales_order_item_partner', inItem('to_Partner')],
      ['a_sales_order_header_pr_element', order['to_PricingElement']],
      ['a_sales_order_item_pr_element', inItem('to_PricingElement')],
      ['a_sales_order_text', order['to_Text']],
    ];
    for (const [view, rows] of expected) {
      expect([view, sorted(await rowsOf(view, '1', 2))]).toEqual([view, sorted(rows as object[])]);
    }
  });

  it('are not there once the order is deleted', async () => {
    await trial.request('POST', '/sales-orders', { ...ORDER, SalesOrder: '2' });
    await trial.request('DELETE', '/sales-orders/2', undefined, { 'if-match': '"1"' });
    expect(await trial.db.selectFrom('a_sales_order').select('key').where('key', '=', '2').execute()).toEqual([]);
    expect(await trial.db.selectFrom('a_sales_order_item').select('key').where('key', '=', '2').execute()).toEqual([]);
  });

  it('are sorted and compared as what they are: decimals by value, days in order', async () => {
    for (const [key, NetAmount, RequestedDeliveryDate] of [
      ['31', '9', '2026-10-01'],
      ['32', '10', '2026-09-30'],
      ['33', '100.5', null],
    ] as const) {
      const to_Item = [{ NetAmount }];
      await trial.request('POST', '/sales-orders', { ...ORDER, RequestedDeliveryDate, to_Item, SalesOrder: key });
    }
    const view = trial.db.selectFrom('a_sales_order').select('key').where('key', 'like', '3_');
    expect(await view.orderBy('TotalNetAmount').execute()).toEqual([{ key: '31' }, { key: '32' }, { key: '33' }]);
    expect(await view.where('TotalNetAmount', '>', '9.5').orderBy('key').execute()).toHaveLength(2);
    const late = view.where('RequestedDeliveryDate', '>', '2026-09-30');
    expect(await late.execute()).toEqual([{ key: '31' }]);
  });

  it('are those of orders of before items had statuses, too, whose versions stay', async () => {
    const before = {
      ...{ SalesOrderType: 'OR', SalesOrganization: '1710', DistributionChannel: '10', OrganizationDivision: '00' },
      ...{ SoldToParty: '17100002', SalesOrderDate: '2026-01-31', OverallDeliveryStatus: 'B', TotalNetAmount: '12.5' },
      ...{ SalesDocApprovalStatus: 'B', DeliveryBlockReason: '01', HeaderBillingBlockReason: '' },
      ...{ CreationDate: '2026-01-31', LastChangeDateTime: '2026-01-31T12:00:00.000Z' },
      to_Item: [
        {
          SalesOrderItem: '10',
          Material: 'TG11',
          RequestedQuantity: '10',
          NetAmount: '12.5',
          SalesDocumentRjcnReason: '',
        },
        { SalesOrderItem: '20', Material: '', RequestedQuantity: '1', NetAmount: '0', SalesDocumentRjcnReason: '61' },
      ],
    };
    for (const SalesOrder of ['41', '42']) {
      const state = JSON.stringify({ ...before, SalesOrder });
      await sql`insert into sales_order (key, version, state) values (${SalesOrder}, 7, ${state})`.execute(trial.db);
    }
    // One is read before it is stored anew, as by a process that is ahead of the migration; the other after it.
    const first = await documentOf('41');
    await completeSalesOrders.up(trial.db);
    const { SalesOrder: _, ...same } = await documentOf('42');
    expect(first).toEqual({ SalesOrder: '41', ...same });
    expect(first).toMatchObject({
      Contract: '',
      OverallDeliveryStatus: 'B',
      OverallSDDocumentRejectionSts: 'B',
      OverallDeliveryBlockStatus: 'C',
      to_Item: [
        { DeliveryStatus: 'B', SDProcessStatus: 'B', to_ScheduleLine: [{ ScheduleLineOrderQuantity: '10' }] },
        { SDProcessStatus: 'C', SDDocumentRejectionStatus: 'C', ItemGeneralIncompletionStatus: 'B' },
      ],
    });
    const [row] = await rowsOf('a_sales_order', '42', 7);
    expect(row).toMatchObject({ OverallSDDocumentRejectionSts: 'B', TotalNetAmount: '12.5' });
    const patched = await trial.request(
      'PATCH',
      '/sales-orders/41',
      { ShippingCondition: '01' },
      { 'if-match': '"7"' },
    );
    expect(patched).toMatchObject({ status: 200, headers: { etag: '"8"' } });
    expect((await trial.eventsOf('41', 1)).map(({ type }) => type.split('.').at(-2))).toEqual(['Changed']);
  });
});

function sorted(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted();
}
