import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const TERMINATED = 'heddle.contract.v1.Contract.Terminated.v1';
const RETRY = { attempts: 2, firstMs: 1, capMs: 1, factor: 1 };
const PATIENT = { timeout: 10_000 };
const admin = callerFor();

interface Counts {
  type: string;
  published: number;
  acknowledged: number;
  consumed: number;
  failed: number;
  open: number;
}
interface Listed {
  event: {
    id: string;
    type: string;
    key: string;
    partition: number;
    offset: number;
    appendedAt?: string;
    bytes?: number;
  };
  status: string;
  deadLetter?: string;
  retried?: string;
}
interface Delivered {
  lease: string;
  event: { id: string; type: string; heddletest?: string; data: Record<string, string> };
}

describe('channels', () => {
  let trial: GatewayTrial;
  let status = 500;
  const receiver = createServer((request, response) => {
    request.resume();
    response.statusCode = status;
    response.end();
  });
  let hook = '';

  beforeAll(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    trial = await GatewayTrial.start();
  });

  afterAll(async () => {
    await trial.stop();
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
  });

  const ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
    trial.ask(admin, method, path, body, headers);
  const made = async (name: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await ask('PUT', `/v1/channels/${name}`, body);
    expect(answer, answer.text).toMatchObject({ status: 201 });
    return answer.json;
  };
  const publish = async (type: string, id: string, data: object = {}): Promise<void> => {
    const json = { ...(trial.catalogue.get(type)!.example as object), ...data };
    const outcome = await trial.gateway.publisher.publish(admin, [
      { attributes: { id, source: '/test', type }, data: { json } },
    ]);
    expect(outcome).toMatchObject([{ duplicate: false }]);
  };
  /** What comes out of a channel until an event of this id does. */
  const received = async (name: string, lastId: string): Promise<Delivered['event'][]> => {
    const events: Delivered['event'][] = [];
    await vi.waitFor(async () => {
      const { json } = await ask('POST', `/v1/queues/${name}/receive`, { max: 100, waitMs: 200 });
      const deliveries = json['deliveries'] as Delivered[];
      const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' }));
      if (deliveries.length > 0) await ask('POST', `/v1/queues/${name}/settle`, { settlements });
      events.push(...deliveries.map(({ event }) => event));
      expect(events.map(({ id }) => id)).toContain(lastId);
    }, PATIENT);
    return events;
  };
  const listed = async (name: string, query = ''): Promise<Listed[]> =>
    (await ask('GET', `/v1/channels/${name}/events${query}`)).json['events'] as Listed[];
  const counted = async (name: string): Promise<Counts[]> =>
    (await ask('GET', `/v1/channels/${name}/monitor`)).json['bindings'] as Counts[];

  it('let out what they are bound to, as far as the filters say, and nothing else', async () => {
    const filters = [
      { data: 'Contract', exclude: ['C-2'] },
      { data: 'Contract', include: [{ low: 'C-1', high: 'C-3' }, 'X'] },
    ];
    const channel = await made('FILTERED', { bindings: [{ type: SIGNED, filters }] });
    expect(channel).toMatchObject({ name: 'FILTERED', active: true, bindings: [{ type: SIGNED, filters }] });
    for (const [id, type, Contract] of [
      ['f1', SIGNED, 'C-1'],
      ['f2', SIGNED, 'C-2'],
      ['f3', TERMINATED, 'C-1'],
      ['f4', SIGNED, 'C-4'],
      ['f5', SIGNED, 'X'],
    ] as const) {
      await publish(type, id, { Contract });
    }
    expect((await received('FILTERED', 'f5')).map(({ id }) => id).toSorted()).toEqual(['f1', 'f5']);
  });

  it('are queues: seen as such, changed as what they are only', async () => {
    const { json } = await ask('GET', '/v1/queues/FILTERED');
    expect(json).toMatchObject({ types: [SIGNED], bindings: [{ type: SIGNED }] });
    const names = ((await ask('GET', '/v1/channels')).json['channels'] as { name: string }[]).map(({ name }) => name);
    await ask('PUT', '/v1/queues/plain', { types: [SIGNED] });
    expect(names).toContain('FILTERED');
    expect((await ask('GET', '/v1/channels')).text).not.toContain('"plain"');
    expect((await ask('GET', '/v1/channels/plain')).json).toMatchObject({ status: 404, code: 'not-found' });
    expect((await ask('DELETE', '/v1/channels/plain')).json).toMatchObject({ code: 'not-found' });
    const taken = await ask('PUT', '/v1/channels/plain', { bindings: [{ type: SIGNED }] });
    expect(taken.json).toMatchObject({ status: 409, code: 'conflict', field: 'name' });
    const other = await ask('PUT', '/v1/queues/FILTERED', { types: ['*'] });
    expect(other.json).toMatchObject({ status: 409, code: 'conflict', field: 'name' });
    expect(other.json['detail']).toContain('/v1/channels/FILTERED');
  });

  it('are described for whoever receives what leaves them: the types that are bound, and no others', async () => {
    await made('DESCRIBED', { bindings: [{ type: 'sap.s4.beh.businesspartner.*' }, { type: SIGNED }] });
    const { status: answered, json } = await ask('GET', '/v1/channels/DESCRIBED/asyncapi');
    expect([answered, json]).toMatchObject([200, { asyncapi: '3.0.0', info: { title: 'Heddle channel DESCRIBED' } }]);
    const { messages } = json['components'] as { messages: Record<string, unknown> };
    expect(
      Object.keys(messages)
        .filter((name) => /^[a-z].*[.]v1$/.test(name))
        .toSorted(),
    ).toEqual([
      SIGNED,
      'sap.s4.beh.businesspartner.v1.BusinessPartner.Changed.v1',
      'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1',
    ]);
    expect((await ask('GET', '/v1/channels/none/asyncapi')).status).toBe(404);
  });

  it('are changed with their position, if nobody changed them meanwhile', async () => {
    const { version } = await made('CHANGED', { bindings: [{ type: SIGNED }], leaseMs: 5000 });
    await publish(SIGNED, 'c1');
    const bindings = [{ type: TERMINATED }, { type: SIGNED }];
    const match = { 'if-match': `"${String(version)}"` };
    const changed = await ask('PUT', '/v1/channels/CHANGED', { bindings }, match);
    expect(changed).toMatchObject({ status: 200, json: { bindings, leaseMs: 30_000 } });
    expect((await ask('PUT', '/v1/channels/CHANGED', { bindings }, match)).status).toBe(412);
    await publish(TERMINATED, 'c2');
    expect((await received('CHANGED', 'c2')).map(({ id }) => id).toSorted()).toEqual(['c1', 'c2']);
  });

  it('keep their events while they are not active', async () => {
    await made('STILL', { bindings: [{ type: SIGNED }], active: false });
    await publish(SIGNED, 's1');
    const { json } = await ask('POST', '/v1/queues/STILL/receive', { max: 1, waitMs: 300 });
    expect(json['deliveries']).toEqual([]);
    await vi.waitFor(async () => {
      expect((await ask('GET', '/v1/channels/STILL/monitor')).json).toMatchObject({ active: false, held: 1 });
    }, PATIENT);
    const check = (await ask('GET', '/v1/channels/STILL/check')).json;
    expect(check).toMatchObject({ ok: false });
    expect(check['checks']).toContainEqual(expect.objectContaining({ of: 'activation', ok: false }));
    expect((await ask('POST', '/v1/channels/STILL/activate', {})).json).toMatchObject({ active: true });
    expect((await received('STILL', 's1')).map(({ id }) => id)).toEqual(['s1']);
    expect((await ask('GET', '/v1/channels/STILL/check')).json).toMatchObject({ ok: true });
    expect((await ask('POST', '/v1/channels/STILL/deactivate', {})).json).toMatchObject({ active: false });
  });

  it('take test events of what they are bound to, and say which a filter holds back', async () => {
    const filters = [
      { attribute: 'source', exclude: ['/elsewhere'] },
      { data: 'Contract', include: ['none such'] },
    ];
    await made('TRIED', { bindings: [{ type: TERMINATED }, { type: SIGNED, filters }] });
    await made('BESIDE', { bindings: [{ type: TERMINATED }] });
    const { json } = await ask('POST', '/v1/channels/TRIED/test-events', { count: 2 });
    const events = json['events'] as { id: string; type: string }[];
    expect(events.map(({ type }) => type)).toEqual([TERMINATED, TERMINATED]);
    expect(json['held']).toEqual([{ type: SIGNED, reason: 'bindings.1.filters.1 does not let its Contract through' }]);
    const out = await received('TRIED', events[1]!.id);
    expect(out.map(({ heddletest }) => heddletest)).toEqual(['true', 'true']);
    // Another one of the same type has none of them, and now gets something.
    await publish(TERMINATED, 't1');
    expect((await received('BESIDE', 't1')).map(({ id }) => id)).toEqual(['t1']);
    const unbound = await ask('POST', '/v1/channels/TRIED/test-events', { types: ['sap.*'] });
    expect(unbound.json).toMatchObject({ status: 422, code: 'data-invalid', field: 'types' });
    expect(unbound.json['detail']).toContain(TERMINATED);
    const held = await ask('POST', '/v1/channels/TRIED/test-events', { types: [SIGNED] });
    expect(held).toMatchObject({ status: 202, json: { events: [] } });
  });

  it('show what failed, try it again, and then what was acknowledged', async () => {
    await made('HOOKED', { bindings: [{ type: SIGNED }, { type: TERMINATED }], retry: RETRY });
    const webhook = await ask('PUT', '/v1/webhooks/hooked', { queue: 'HOOKED', url: hook });
    expect(webhook, webhook.text).toMatchObject({ status: 201 });
    await publish(SIGNED, 'h1', { Contract: 'H-1' });
    await publish(SIGNED, 'h2', { Contract: 'H-2' });
    await publish(TERMINATED, 'h3', { Contract: 'H-3' });
    const failed = await vi.waitFor(async () => {
      const events = await listed('HOOKED', '?status=failed');
      expect(events).toHaveLength(3);
      for (const { deadLetter } of events) expect(deadLetter).toMatch(/^\d+-\d+$/);
      return events;
    }, PATIENT);
    expect(await counted('HOOKED')).toMatchObject([
      { type: SIGNED, published: 2, acknowledged: 0, failed: 2, open: 2 },
      { type: TERMINATED, published: 1, acknowledged: 0, failed: 1, open: 1 },
    ]);
    // As they stand in the log, however the receiver gets them.
    const { events: stored } = await trial.eventLog.fetch({
      topic: 'contract',
      partition: failed[0]!.event.partition,
      offset: failed[0]!.event.offset,
    });
    for (const { event } of failed) expect(Date.now() - Date.parse(event.appendedAt!)).toBeLessThan(60_000);
    expect(failed[0]!.event.bytes).toBe(stored[0]!.value.length);
    const check = (await ask('GET', '/v1/channels/HOOKED/check')).json;
    expect(check).toMatchObject({ ok: false });
    expect(check['checks']).toContainEqual(
      expect.objectContaining({ of: 'webhook', name: 'hooked', ok: false, lastFailureAt: expect.any(String) }),
    );
    status = 200;
    const first = failed.find(({ event }) => event.id === 'h1')!;
    const one = await ask('POST', '/v1/channels/HOOKED/retry', { ids: [first.deadLetter] });
    expect(one, one.text).toMatchObject({ status: 202, json: { selected: 1, queues: { HOOKED: 1 } } });
    const ofType = await ask('POST', '/v1/channels/HOOKED/retry', { type: TERMINATED });
    expect(ofType).toMatchObject({ status: 202, json: { selected: 1 } });
    await vi.waitFor(async () => {
      const acknowledged = await listed('HOOKED', '?status=acknowledged');
      expect(acknowledged.map(({ event }) => event.id).toSorted()).toEqual(['h1', 'h3']);
      expect(await counted('HOOKED')).toMatchObject([
        { type: SIGNED, published: 3, acknowledged: 1, failed: 2, open: 1 },
        { type: TERMINATED, published: 2, acknowledged: 1, failed: 1, open: 0 },
      ]);
    }, PATIENT);
    const again = (await listed('HOOKED', '?status=failed')).find(({ event }) => event.id === 'h1');
    expect(again).toMatchObject({ retried: one.json['id'] });
    expect(await ask('POST', '/v1/channels/HOOKED/retry', { dryRun: true })).toMatchObject({
      status: 200,
      json: { selected: 1, state: 'counted' },
    });
    expect((await ask('GET', '/v1/channels/HOOKED/check')).json).toMatchObject({ ok: true });
  });

  it('say of each webhook why nothing is delivered to it, and what helps', async () => {
    await made('CHECKED', { bindings: [{ type: SIGNED }] });
    const nobody = callerFor('local', ['consume:queue:CHECKED'], 'nobody');
    for (const [name, more] of [
      ['asked', { handshake: { origin: 'me.example' } }],
      ['stopped', { paused: true }],
    ] as const) {
      const put = await ask('PUT', `/v1/webhooks/${name}`, { queue: 'CHECKED', url: hook, ...more });
      expect(put, put.text).toMatchObject({ status: 201 });
    }
    const check = (await ask('GET', '/v1/channels/CHECKED/check')).json;
    expect(check).toMatchObject({ channel: 'CHECKED', ok: false });
    const about = (name: string) =>
      (check['checks'] as { name?: string; detail: string }[]).find((one) => one.name === name);
    expect(about('asked')).toMatchObject({ of: 'webhook', ok: false });
    expect(about('asked')!.detail).toContain('has not agreed');
    expect(about('stopped')).toMatchObject({ ok: false });
    expect(about('stopped')!.detail).toContain('/v1/webhooks/stopped/resume');
    // Whoever may not know of the webhooks does not hear of them.
    expect((await trial.ask(nobody, 'GET', '/v1/channels/CHECKED/check')).text).not.toContain('stopped');
    for (const name of ['asked', 'stopped']) await ask('DELETE', `/v1/webhooks/${name}`);
  });

  it('retry nothing of another channel', async () => {
    const [failed] = (await listed('HOOKED', `?status=failed&type=${SIGNED}`)).filter(
      ({ retried }) => retried === undefined,
    );
    const foreign = await ask('POST', '/v1/channels/CHANGED/retry', { ids: [failed!.deadLetter] });
    expect(foreign.json).toMatchObject({ status: 422, code: 'data-invalid', field: 'ids' });
  });

  it('list their events by page and status, as the monitor counts them', async () => {
    const all = await listed('HOOKED');
    const counts = await counted('HOOKED');
    for (const [state, name] of [
      ['published', 'published'],
      ['acknowledged', 'acknowledged'],
      ['failed', 'failed'],
    ] as const) {
      const sum = counts.reduce((total, one) => total + one[name], 0);
      expect([state, (await listed('HOOKED', `?status=${state}`)).length]).toEqual([state, sum]);
    }
    const paged: Listed[] = [];
    let next = '';
    do {
      const { json } = await ask('GET', `/v1/channels/HOOKED/events?limit=2${next}`);
      paged.push(...(json['events'] as Listed[]));
      next = json['next'] === undefined ? '' : `&cursor=${json['next'] as string}`;
    } while (next !== '');
    expect(paged).toEqual(all);
    expect(all).toHaveLength(5);
  });

  it('say what is wrong with a request by field, rule and what is meant', async () => {
    const misspelt = await ask('PUT', '/v1/channels/WRONG', {
      bindings: [{ type: SIGNED.replace('Signed', 'Singed') }],
    });
    expect(misspelt.json).toMatchObject({ status: 404, code: 'type-unknown', field: 'bindings.0.type' });
    expect(misspelt.json['detail']).toContain(SIGNED);
    const field = await ask('PUT', '/v1/channels/WRONG', { binding: [] });
    expect(field.json).toMatchObject({ code: 'data-invalid' });
    expect(field.text).toContain('did you mean bindings?');
    expect((await ask('GET', '/v1/channels/WRONG')).status).toBe(404);
    expect((await ask('GET', '/v1/channels/HOOKED/events?status=lost')).json).toMatchObject({ code: 'data-invalid' });
  });

  it('are deleted with what they hold', async () => {
    await ask('DELETE', '/v1/webhooks/hooked');
    expect((await ask('DELETE', '/v1/channels/HOOKED')).status).toBe(204);
    expect((await ask('GET', '/v1/queues/HOOKED')).status).toBe(404);
  });
});
