import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';

interface Delivered {
  lease: string;
  event: { id: string; type: string; subject: string; datacontenttype: string; heddletest: string; data: object };
}

const admin = callerFor();
const S4 = 'sap.s4.beh.*';

describe('test events', () => {
  let trial: GatewayTrial;

  beforeAll(async () => {
    trial = await GatewayTrial.start();
    for (const name of ['erp', 'other']) await made(name, [S4]);
  });

  afterAll(() => trial.stop());

  const made = async (name: string, types: string[]): Promise<void> => {
    expect(await trial.ask(admin, 'PUT', `/v1/queues/${name}`, { types })).toMatchObject({ status: 201 });
  };
  const produce = (name: string, body: object) => trial.ask(admin, 'POST', `/v1/queues/${name}/test-events`, body);

  /** What a queue has, once that are as many as said. */
  const received = async (name: string, count: number): Promise<Delivered['event'][]> => {
    const events: Delivered['event'][] = [];
    await vi.waitFor(
      async () => {
        while (events.length < count) {
          const asked = { max: 100, waitMs: 500 };
          const { json } = await trial.ask(admin, 'POST', `/v1/queues/${name}/receive`, asked);
          const deliveries = json['deliveries'] as Delivered[];
          expect(deliveries.length, `after ${events.length}`).toBeGreaterThan(0);
          const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' }));
          await trial.ask(admin, 'POST', `/v1/queues/${name}/settle`, { settlements });
          events.push(...deliveries.map(({ event }) => event));
        }
      },
      { timeout: 10_000 },
    );
    return events;
  };

  it('come into one queue alone, one of each type that it wants, as real ones would, and marked', async () => {
    const answer = await produce('erp', {});
    expect(answer, answer.text).toMatchObject({ status: 202 });
    const produced = answer.json['events'] as { id: string; type: string }[];
    expect(produced).toHaveLength(25);
    const events = await received('erp', 25);
    const byId = new Map(events.map((event) => [event.id, event]));
    for (const { id, type } of produced) {
      const { example, key } = trial.catalogue.get(type)!;
      expect(byId.get(id)).toMatchObject({
        type,
        subject: (example as Record<string, string>)[key],
        datacontenttype: 'application/json',
        heddletest: 'true',
      });
      expect(byId.get(id)!.data).toEqual(example);
    }
    // The other one has none of them, though it wants the same; now it gets one of its own.
    await produce('other', { types: ['sap.s4.beh.salesorder.v1.SalesOrder.ItmRjcnStsChgd.v1'] });
    const [own, ...rest] = await received('other', 1);
    expect(own!.type).toContain('ItmRjcnStsChgd');
    expect(byId.has(own!.id)).toBe(false);
    expect(rest).toEqual([]);
  });

  it('are as many as asked for, each an event of its own', async () => {
    const answer = await produce('erp', { types: ['sap.s4.beh.businesspartner.*'], count: 3 });
    expect(answer, answer.text).toMatchObject({ status: 202 });
    const events = await received('erp', 6);
    expect(new Set(events.map(({ id }) => id)).size).toBe(6);
    for (const { data } of events) expect(data).toEqual({ BusinessPartner: '1000667' });
  });

  it('are refused with what is wrong', async () => {
    await made('nothing', ['nobody.knows.*']);
    const type = 'sap.s4.beh.salesorder.v1.SalesOrder.Creatd.v1';
    const unknown = await produce('erp', { types: [type] });
    expect(unknown.json).toMatchObject({ status: 404, code: 'type-unknown', field: 'types' });
    expect(unknown.json['detail']).toContain('SalesOrder.Created.v1');
    expect((await produce('nothing', {})).json).toMatchObject({ status: 409, code: 'conflict', field: 'types' });
    expect((await produce('erp', { types: ['a*b'] })).json).toMatchObject({ code: 'data-invalid', field: 'types' });
    expect((await produce('erp', { count: 21 })).json).toMatchObject({ code: 'data-invalid', field: 'count' });
    expect((await produce('erp', { types: ['*'], count: 20 })).json).toMatchObject({ code: 'data-invalid' });
    expect((await produce('unknown', {})).json).toMatchObject({ status: 404, code: 'not-found' });
  });
});
