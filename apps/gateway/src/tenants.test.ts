import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from './gateway-trial.js';
import { callerFor } from './identity/identity-trial.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const PATIENT = { timeout: 10_000 };
const here = callerFor('local', ['*'], 'one-of-local');
const there = callerFor('acme', ['*'], 'one-of-acme');
const CANARIES = { local: 'canary-of-local', acme: 'canary-of-acme' } as const;

let trial: GatewayTrial;
/** What came to receivers of webhooks, by path. */
const arrived: { path: string; body: string }[] = [];
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    arrived.push({ path: request.url ?? '', body });
    response.statusCode = request.url?.includes('refused') === true ? 500 : 204;
    response.end();
  });
});
let hook = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  trial = await GatewayTrial.start();
});

afterAll(async () => {
  await trial.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

async function publish(caller: typeof here, id: string, key: string): Promise<void> {
  const example = trial.catalogue.get(TYPE)!.example as object;
  const canary = CANARIES[caller.tenant as keyof typeof CANARIES];
  const attributes = { id, source: '/test', type: TYPE, canary };
  const json = { ...example, Contract: key };
  const [outcome] = await trial.gateway.publisher.publish(caller, [{ attributes, data: { json } }]);
  expect(outcome).toHaveProperty('position');
}

interface Delivery {
  lease: string;
  event: { id: string };
}

async function receive(caller: typeof here, queue: string, count: number): Promise<Delivery[]> {
  const received: Delivery[] = [];
  while (received.length < count) {
    const answer = await trial.ask(caller, 'POST', `/v1/queues/${queue}/receive`, { max: 50, waitMs: 5000 });
    const deliveries = answer.json['deliveries'] as Delivery[];
    expect(deliveries).not.toEqual([]);
    received.push(...deliveries);
  }
  return received;
}

describe('two tenants with things of the same names', () => {
  beforeAll(async () => {
    for (const caller of [here, there]) {
      const path = `${hook}/${caller.tenant}`;
      const started = { types: [TYPE], start: 'earliest' };
      for (const [name, body] of [
        ['queues/orders', { ...started, topics: ['contract'] }],
        ['webhooks/hook', { ...started, url: path }],
        [
          'webhooks/refused',
          { ...started, url: `${path}-refused`, retry: { attempts: 1, firstMs: 1, capMs: 1, factor: 1 } },
        ],
      ] as const) {
        const answer = await trial.ask(caller, 'PUT', `/v1/${name}`, body);
        expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
      }
    }
    for (let n = 0; n < 3; n += 1) {
      await publish(here, `e${n}`, `K${n}`);
      await publish(there, `e${n}`, `K${n}`);
    }
  });

  it('get the events of their own tenant each, and nothing of the other one', async () => {
    for (const caller of [here, there]) {
      const own = await receive(caller, 'orders', 3);
      expect(own.map(({ event }) => event.id).toSorted()).toEqual(['e0', 'e1', 'e2']);
      for (const delivery of own) {
        expect(delivery.event).toMatchObject({ canary: CANARIES[caller.tenant as keyof typeof CANARIES] });
      }
      await trial.ask(caller, 'POST', '/v1/queues/orders/settle', {
        settlements: own.map(({ lease }) => ({ lease, action: 'release', delayMs: 0 })),
      });
    }
    await vi.waitFor(() => expect(arrived.length).toBeGreaterThanOrEqual(12), PATIENT);
    for (const { path, body } of arrived) {
      const tenant = path.startsWith('/acme') ? 'acme' : 'local';
      expect(JSON.parse(body)).toMatchObject({ canary: CANARIES[tenant] });
    }
    expect(arrived.filter(({ path }) => path === '/acme')).toHaveLength(3);
  });

  it('cannot settle each other’s leases', async () => {
    const theirs = await receive(there, 'orders', 3);
    const settlements = theirs.map(({ lease }) => ({ lease, action: 'accept' }));
    const stolen = await trial.ask(here, 'POST', '/v1/queues/orders/settle', { settlements });
    expect(stolen.json['results']).toMatchObject(theirs.map(() => ({ code: 'lease-unknown' })));
    const settled = await trial.ask(there, 'POST', '/v1/queues/orders/settle', { settlements });
    expect(settled.json['results']).toMatchObject(theirs.map(() => ({ state: 'accepted' })));
  });

  it('read topics by the names of business objects, and no answer names a topic of a tenant', async () => {
    const { json, text } = await trial.ask(there, 'GET', '/v1/queues/orders');
    expect(json).toMatchObject({ name: 'orders', topics: ['contract'] });
    expect(text).not.toContain('acme.');
    const window = { types: [TYPE], start: 'earliest', end: 'now', topics: ['contract'] };
    const made = await trial.ask(there, 'PUT', '/v1/queues/window', window);
    expect(made.json['end']).toHaveProperty('contract');
    expect(made.text).not.toContain('acme.');
  });

  it('replay their own events, and do not know of each other’s replays', async () => {
    const begun = await trial.ask(there, 'POST', '/v1/queues/orders/replay', { from: 'earliest', ratePerSecond: 1 });
    expect(begun.status).toBe(202);
    const { id } = begun.json as { id: string };
    expect(begun.text).not.toContain('acme.');
    const path = `/v1/queues/orders/replays/${id}`;
    expect(await trial.ask(here, 'GET', path)).toMatchObject({ status: 404 });
    expect(await trial.ask(here, 'POST', `${path}/stop`, {})).toMatchObject({ status: 404 });
    expect((await trial.ask(here, 'GET', '/v1/queues/orders/replays')).json).toEqual({ replays: [] });
    const byIds = { eventIds: ['e1'], dryRun: true };
    expect((await trial.ask(there, 'POST', '/v1/queues/orders/replay', byIds)).json).toMatchObject({ events: 1 });
    expect(await trial.ask(there, 'POST', `${path}/stop`, {})).toMatchObject({ status: 200 });
  });

  it('look up what became of their own events only', async () => {
    for (const caller of [here, there]) {
      const [own, other] = caller === here ? (['local', 'acme'] as const) : (['acme', 'local'] as const);
      const letters = await vi.waitFor(async () => {
        const answer = await trial.ask(caller, 'GET', '/v1/dead-letters?queue=refused');
        expect(answer.json['deadLetters']).toHaveLength(3);
        return answer.json['deadLetters'] as { id: string }[];
      }, PATIENT);
      const detail = await trial.ask(caller, 'GET', `/v1/dead-letters/${letters[0]!.id}`);
      expect(detail.json).toMatchObject({ stored: { attributes: { canary: CANARIES[own] } } });
      const stranger = caller === here ? there : here;
      expect(await trial.ask(stranger, 'GET', `/v1/dead-letters/${letters[0]!.id}`)).toMatchObject({ status: 404 });
      const ids = { ids: [letters[0]!.id], dryRun: true };
      const redrive = await trial.ask(stranger, 'POST', '/v1/dead-letters/redrive', ids);
      expect(redrive.json).toMatchObject({ selected: 0 });
      for (const path of [
        '/v1/events/e1',
        '/v1/attempts?limit=500',
        '/v1/dead-letters',
        '/v1/objects/contract/K1/events',
        '/v1/operations?limit=500',
        '/v1/audit?limit=500',
        '/v1/queues',
        '/v1/webhooks',
      ]) {
        const { status, text } = await trial.ask(caller, 'GET', path);
        expect([path, status]).toEqual([path, 200]);
        expect(text, path).not.toContain(CANARIES[other]);
        expect(text, path).not.toContain(`one-of-${other}`);
        expect(text, path).not.toContain('acme.');
        expect(text.includes(`${hook}/acme`) && caller === here, path).toBe(false);
      }
      expect((await trial.ask(caller, 'GET', '/v1/events/e1')).json).toMatchObject({
        events: [{ stored: { attributes: { canary: CANARIES[own] } }, event: { topic: 'contract' } }],
      });
    }
  });

  it('redrive their own letters into their own queues', async () => {
    const before = arrived.filter(({ path }) => path === '/local-refused').length;
    const begun = await trial.ask(there, 'POST', '/v1/dead-letters/redrive', { filter: { queue: 'refused' } });
    expect(begun.status).toBe(202);
    const { id } = begun.json as { id: string };
    await vi.waitFor(async () => {
      const view = await trial.ask(there, 'GET', `/v1/dead-letters/redrives/${id}`);
      expect(view.json).toMatchObject({ state: 'done', placed: 3 });
    }, PATIENT);
    await vi.waitFor(() => expect(arrived.filter(({ path }) => path === '/acme-refused')).toHaveLength(6), PATIENT);
    expect(arrived.filter(({ path }) => path === '/local-refused')).toHaveLength(before);
    expect(await trial.ask(here, 'GET', `/v1/dead-letters/redrives/${id}`)).toMatchObject({ status: 404 });
    expect((await trial.ask(here, 'GET', '/v1/dead-letters/redrives')).json).toEqual({ redrives: [] });
  });

  it('try filters on their own events only', async () => {
    for (const caller of [here, there]) {
      const own = CANARIES[caller.tenant as keyof typeof CANARIES];
      const filter = [{ exact: { canary: own } }];
      const tried = await trial.ask(caller, 'POST', '/v1/filters/test', { filter, types: [TYPE] });
      expect(tried.json).toMatchObject({ matched: 3, events: [{ topic: 'contract' }, {}, {}] });
    }
  });

  it('do not come by each other’s topics by their names', async () => {
    const topics = { types: [TYPE], topics: ['acme.contract'] };
    const offsets = { types: [TYPE], start: { offsets: { 'acme.contract': Array.from({ length: 12 }, () => 0) } } };
    for (const body of [topics, offsets]) {
      const refused = await trial.ask(here, 'PUT', '/v1/queues/foreign', body);
      expect([refused.status, refused.json['code']]).toEqual([422, 'data-invalid']);
    }
    const events = await trial.ask(here, 'GET', '/v1/objects/acme.contract/K1/events');
    expect(events.json).toMatchObject({ events: [] });
    expect((await trial.ask(here, 'GET', '/v1/objects/contract/K1/events')).json['events']).toHaveLength(1);
  });

  it('delete theirs without touching the other’s', async () => {
    for (const path of ['/v1/queues/orders', '/v1/webhooks/hook']) {
      expect(await trial.ask(here, 'DELETE', path)).toMatchObject({ status: 204 });
      expect(await trial.ask(here, 'GET', path)).toMatchObject({ status: 404 });
      expect(await trial.ask(there, 'GET', path)).toMatchObject({ status: 200 });
    }
    await publish(there, 'later', 'K9');
    expect((await receive(there, 'orders', 1)).map(({ event }) => event.id)).toContain('later');
  });
});
