import 'reflect-metadata';
import { type Answer, type Seen, ServiceTrial } from '@heddle/mesh/trial';
import { SalesOrderEvent } from '@heddle/schemas';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { salesOrder } from './sales-order.module.js';
import type { SalesOrderTables } from './sales-order.repository.js';

/** What a REST call causes: an event of a type, with these values besides those of every event of its kind. */
interface Cause {
  action: string;
  call: (order: CausedOrder) => Promise<Answer>;
  /** Done before, of no interest here. */
  first?: (order: CausedOrder) => Promise<Answer>;
  data?: object;
  ofItem?: boolean;
}

class CausedOrder {
  constructor(
    private readonly trial: ServiceTrial<SalesOrderTables>,
    readonly key: string,
  ) {}

  patch(body: object): Promise<Answer> {
    return this.trial.request('PATCH', `/sales-orders/${this.key}`, body, { 'if-match': '*' });
  }

  patchItem(body: object, item = '10'): Promise<Answer> {
    return this.trial.request('PATCH', `/sales-orders/${this.key}/items/${item}`, body, { 'if-match': '*' });
  }

  post(path: string, body: object): Promise<Answer> {
    return this.trial.request('POST', `/sales-orders/${this.key}/${path}`, body);
  }

  delete(path = ''): Promise<Answer> {
    return this.trial.request('DELETE', `/sales-orders/${this.key}${path}`, undefined, { 'if-match': '*' });
  }
}

const line = { ScheduleLineOrderQuantity: '10' };
const confirm = (order: CausedOrder) =>
  order.patchItem({ to_ScheduleLine: [{ ...line, ConfdOrderQtyByMatlAvailCheck: '10' }] });
const reject = (order: CausedOrder) => order.post('items/10/rejection', { reason: '61' });
const deliver = (order: CausedOrder) => order.post('items/10/delivery-status', { status: 'C' });
const status = (status: string) => ({ status });

const CAUSES: Cause[] = [
  { action: 'Created', call: (order) => order.patch({}) },
  { action: 'Changed', call: (order) => order.patch({ PurchaseOrderByCustomer: 'PO-1' }) },
  { action: 'Deleted', call: (order) => order.delete() },
  {
    action: 'ItemCreated',
    call: (order) => order.post('items', { Material: 'TG12' }),
    data: { SalesOrderItem: '20', Product: 'TG12' },
    ofItem: true,
  },
  { action: 'ItemChanged', call: (order) => order.patchItem({ SalesOrderItemText: 'soon' }), ofItem: true },
  { action: 'ItemDeleted', call: (order) => order.delete('/items/10'), ofItem: true },
  {
    action: 'ApprovalStsChanged',
    first: (order) => order.post('approval', status('A')),
    call: (order) => order.post('approval', status('B')),
    data: { SalesDocApprovalStatus: 'B', PreviousSalesDocApprovalStatus: 'A' },
  },
  {
    action: 'ItmBillgBlkStsChgd',
    call: (order) => order.patchItem({ ItemBillingBlockReason: '02' }),
    data: { BillingBlockStatus: 'C', PreviousBillingBlockStatus: 'A' },
    ofItem: true,
  },
  {
    action: 'ItmDelivBlkStsChgd',
    call: (order) => order.patchItem({ to_ScheduleLine: [{ ...line, DelivBlockReasonForSchedLine: '01' }] }),
    data: { DeliveryBlockStatus: 'C', PreviousDeliveryBlockStatus: 'A' },
    ofItem: true,
  },
  {
    action: 'ItmDelivStsChgd',
    call: deliver,
    data: { DeliveryStatus: 'C', PreviousDeliveryStatus: 'A' },
    ofItem: true,
  },
  {
    action: 'ItmDlvConfStsChgd',
    call: confirm,
    data: { DeliveryConfirmationStatus: 'C', PreviousDeliveryConfStatus: 'A' },
    ofItem: true,
  },
  {
    action: 'ItmGenIncplStsChgd',
    first: (order) => order.patchItem({ Material: '' }),
    call: (order) => order.patchItem({ Material: 'TG11' }),
    data: { ItemGeneralIncompletionStatus: 'C', PreviousItmGenIncompltnSts: 'B' },
    ofItem: true,
  },
  {
    action: 'ItmPrftCtrChanged',
    first: (order) => order.patchItem({ ProfitCenter: 'YB101' }),
    call: (order) => order.patchItem({ ProfitCenter: 'YB110' }),
    data: { ProfitCenter: 'YB110', PreviousProfitCenter: 'YB101' },
    ofItem: true,
  },
  {
    action: 'ItmRjcnStsChgd',
    call: reject,
    data: { SDDocumentRejectionStatus: 'C', PreviousSDDocRejectionStatus: 'A', SalesDocumentRjcnReason: '61' },
    ofItem: true,
  },
  {
    action: 'ItmSDProcStsChgd',
    call: deliver,
    data: { SDProcessStatus: 'C', PreviousSDProcessStatus: 'A' },
    ofItem: true,
  },
  {
    action: 'ItmWBSElmntChanged',
    call: (order) => order.patchItem({ WBSElement: 'PR-1710.1.2' }),
    data: { WBSElementInternalID: 'PR-1710.1.2', PreviousWBSElementInternalID: '' },
    ofItem: true,
  },
  {
    action: 'OvrlBlgBlkStsChgd',
    call: (order) => order.patch({ HeaderBillingBlockReason: '01' }),
    data: { OverallBillingBlockStatus: 'C', PreviousOvrlBillgBlkSts: 'A' },
  },
  {
    action: 'OvrlDelivStsChgd',
    call: (order) => order.post('delivery-status', status('B')),
    data: { OverallDeliveryStatus: 'B', PreviousOverallDeliveryStatus: 'A' },
  },
  {
    action: 'OvrlDlvBlkStsChgd',
    call: (order) => order.patch({ DeliveryBlockReason: '01' }),
    data: { OverallDeliveryBlockStatus: 'C', PreviousOvrlDelivBlkSts: 'A' },
  },
  {
    action: 'OvrlDlvConfStsChgd',
    call: confirm,
    data: { OverallDelivConfStatus: 'C', PreviousOverallDelivConfStatus: 'A' },
  },
  {
    action: 'OvrlRjcnStsChgd',
    call: reject,
    data: { OverallSDDocumentRejectionSts: 'C', PreviousOvrlSDDocRejectionSts: 'A' },
  },
  {
    action: 'OvrlSDProcStsChgd',
    call: reject,
    data: { OverallSDProcessStatus: 'C', PreviousOverallSDProcessStatus: 'A' },
  },
  {
    action: 'TotCrdtChkStsChgd',
    first: (order) => order.post('credit-check', status('B')),
    call: (order) => order.post('credit-check', status('D')),
    data: { TotalCreditCheckStatus: 'D', PreviousTotalCreditCheckStatus: 'B' },
  },
];

describe('a change over REST', () => {
  let trial: ServiceTrial<SalesOrderTables>;
  let orders = 0;

  beforeAll(async () => {
    trial = await ServiceTrial.open(salesOrder);
    const type = 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1';
    const data = { BusinessPartner: '17100002' };
    await trial.append({ topic: 'business-partner', type, key: '17100002', sequence: 1, data });
    const known = trial.db.selectFrom('known_partner').select('key');
    await vi.waitFor(async () => expect(await known.execute()).toHaveLength(1), { timeout: 10_000 });
  });

  afterAll(() => trial.close());

  const HEADER = {
    SalesOrderType: 'OR',
    SalesOrganization: '1710',
    DistributionChannel: '10',
    OrganizationDivision: '00',
    SoldToParty: '17100002',
  };
  const to_Item = [{ Material: 'TG11', RequestedQuantity: '10' }];

  const newOrder = async (): Promise<CausedOrder> => {
    orders += 1;
    const key = String(4710 + orders);
    const answer = await trial.request('POST', '/sales-orders', { ...HEADER, SalesOrder: key, to_Item });
    expect(answer, answer.text).toMatchObject({ status: 201 });
    return new CausedOrder(trial, key);
  };

  /** The one event of a type, once the log has all that the order has raised. */
  const eventOf = async (key: string, type: string): Promise<Seen> => {
    const counters = trial.db.selectFrom('object_counter').select('sequence').where('key', '=', key);
    const { sequence } = await counters.executeTakeFirstOrThrow();
    const events = await trial.eventsOf(key, sequence);
    const found = events.filter((event) => event.type === type);
    expect(found.length, events.map((event) => event.type).join()).toBeGreaterThan(0);
    return found.at(-1)!;
  };

  it.each(CAUSES)('raises $action with exactly the fields of S/4', async ({ action, first, call, data, ofItem }) => {
    const order = await newOrder();
    if (first !== undefined) expect((await first(order)).status).toBe(200);
    const answer = await call(order);
    expect([200, 201, 204], answer.text).toContain(answer.status);
    const event = await eventOf(order.key, `sap.s4.beh.salesorder.v1.SalesOrder.${action}.v1`);
    const itemFields = { SalesOrderItem: '10', SalesOrderItemCategory: 'TAN', Product: 'TG11' };
    expect(event.data).toEqual({
      SalesOrder: order.key,
      ...HEADER,
      ...(ofItem === true ? itemFields : {}),
      ...data,
      EventRaisedDateTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
    });
    expect(event.dataref).toBe(`/v1/objects/sales-order/${order.key}?version=${answer.headers['etag']!.slice(1, -1)}`);
  });

  it('has all 23 types in this table', () => {
    const types = CAUSES.map(({ action }) => `sap.s4.beh.salesorder.v1.SalesOrder.${action}.v1`);
    expect(types.toSorted()).toEqual(Object.values<string>(SalesOrderEvent).toSorted());
    expect(types).toHaveLength(23);
  });

  it('that is refused says which field, and raises nothing', async () => {
    const order = await newOrder();
    const several = [
      { ScheduleLineOrderQuantity: '4' },
      { ScheduleLineOrderQuantity: '7', ConfdOrderQtyByMatlAvailCheck: '7' },
    ];
    const refusals: [Promise<Answer>, number, string | undefined][] = [
      [order.patchItem({ to_ScheduleLine: several }), 422, 'to_ScheduleLine'],
      [order.patchItem({ to_ScheduleLine: [] }), 422, 'to_ScheduleLine'],
      [order.patchItem({ WBSElement: 'W'.repeat(25) }), 422, 'WBSElement'],
      [order.patchItem({ DeliveryStatus: 'C' }), 422, 'DeliveryStatus'],
      [order.patch({ OverallDeliveryStatus: 'C' }), 422, 'OverallDeliveryStatus'],
      [order.patch({ to_Partner: [{ PartnerFunction: 'SH', Customer: '999' }] }), 409, 'to_Partner'],
      [order.patch({ to_Partner: [{ PartnerFunction: 'SP', Customer: '17100003' }] }), 409, 'to_Partner'],
      [order.post('credit-check', { status: 'E' }), 422, 'status'],
      [order.post('items/10/rejection', {}), 422, 'reason'],
      [order.post('items/10/delivery-status', { status: 'Z' }), 422, 'status'],
      [order.post('items/99/rejection', { reason: '61' }), 404, undefined],
      [order.post('items/99/delivery-status', { status: 'B' }), 404, undefined],
    ];
    for (const [answering, expected, field] of refusals) {
      const { status: answered, body, text } = await answering;
      expect([answered, body['field']], text).toEqual([expected, field]);
    }
    expect((await trial.request('GET', `/sales-orders/${order.key}`)).headers['etag']).toBe('"1"');
    await trial.eventsOf(order.key, 2);
  });

  it('is held to the version that was named, by the actions, too', async () => {
    const order = await newOrder();
    const post = (path: string, body: object, ifMatch: string) =>
      trial.request('POST', `/sales-orders/${order.key}/${path}`, body, { 'if-match': ifMatch });
    for (const [path, body] of [
      ['credit-check', { status: 'A' }],
      ['items/10/rejection', { reason: '61' }],
      ['items/10/delivery-status', { status: 'B' }],
    ] as const) {
      expect(await post(path, body, '"9"')).toMatchObject({ status: 412 });
    }
    expect(await post('credit-check', { status: 'A' }, '"1"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    // Once more is no change.
    expect(await post('credit-check', { status: 'A' }, '"2"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
  });
});
