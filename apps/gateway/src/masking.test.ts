import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AvroSchema, subjectOf } from '@heddle/schema';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from './gateway-trial.js';
import { callerFor } from './identity/identity-trial.js';

const TYPE = 'heddle.contract.v1.Contract.Witnessed.v1';
const NAME = 'Ada of the canary';
const PATIENT = { timeout: 10_000 };
/** Sees what is personal. */
const sees = callerFor('local', ['*'], 'sees');
/** May do all else, but does not. */
const blind = callerFor(
  'local',
  ['consume:type:*', 'consume:queue:*', 'manage:queue:*', 'replay:queue:*', 'fetch:type:*'],
  'blind',
);

function schemaOf(personal: boolean): AvroSchema {
  const heddle = { type: TYPE, topic: 'contract', key: 'Contract', summary: 'Somebody saw it.' };
  return {
    type: 'record',
    namespace: 'heddle.contract.v1',
    name: 'ContractWitnessed',
    heddle: { ...heddle, example: { Contract: 'C1', Witness: 'W', Age: 3 } },
    fields: [
      { name: 'Contract', type: 'string' },
      { name: 'Witness', type: 'string', ...(personal ? { heddle: { personal: true } } : {}) },
      { name: 'Age', type: 'int', ...(personal ? { heddle: { personal: true } } : {}) },
    ],
  };
}

const MASKED = { Contract: 'C1', Witness: '***', Age: null };
const CLEAR = { Contract: 'C1', Witness: NAME, Age: 42 };

let trial: GatewayTrial;
const bodies = new Map<string, string>();
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    bodies.set(request.url ?? '', body);
    response.statusCode = request.url === '/refused' ? 500 : 204;
    response.end();
  });
});
let hook = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  trial = await GatewayTrial.start();
  await register(false);
  await publish('e0');
  for (const [caller, name] of [
    [sees, 'clear'],
    [blind, 'masked'],
  ] as const) {
    await made(caller, `/v1/queues/${name}`, { types: [TYPE] });
    await made(caller, `/v1/queues/filtered-${name}`, {
      types: [TYPE],
      filter: [{ cel: `data.Witness == "${NAME}"` }],
    });
    await made(caller, `/v1/webhooks/hook-${name}`, { types: [TYPE], url: `${hook}/${name}` });
  }
  const retry = { attempts: 1, firstMs: 1, capMs: 1, factor: 1 };
  await made(sees, '/v1/webhooks/refused', { types: [TYPE], url: `${hook}/refused`, retry });
});

afterAll(async () => {
  await trial.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

async function register(personal: boolean): Promise<void> {
  const schema = schemaOf(personal);
  await trial.registry.register(subjectOf('contract', schema), schema);
  await trial.catalogue.refresh();
}

async function made(caller: typeof sees, path: string, body: unknown): Promise<void> {
  const { status, text } = await trial.ask(caller, 'PUT', path, body);
  expect([status, text]).toEqual([201, expect.any(String)]);
}

async function publish(id: string): Promise<void> {
  const event = { attributes: { id, source: '/test', type: TYPE }, data: { json: CLEAR } };
  expect(await trial.gateway.publisher.publish(sees, [event])).toMatchObject([{ duplicate: false }]);
}

async function received(caller: typeof sees, queue: string): Promise<{ id: string; data: unknown }[]> {
  const wish = { max: 10, waitMs: 200 };
  const { json } = await trial.ask(caller, 'POST', `/v1/queues/${queue}/receive`, wish);
  const deliveries = json['deliveries'] as { lease: string; event: { id: string; data: unknown } }[];
  const settlements = deliveries.map(({ lease }) => ({ lease, action: 'accept' }));
  if (settlements.length > 0) await trial.ask(caller, 'POST', `/v1/queues/${queue}/settle`, { settlements });
  return deliveries.map(({ event: { id, data } }) => ({ id, data }));
}

describe('what is personal in an event', () => {
  beforeAll(async () => {
    await register(true);
    await publish('e1');
    await vi.waitFor(() => expect([...bodies.keys()].toSorted()).toEqual(['/clear', '/masked', '/refused']), PATIENT);
  });

  it('is masked in what a queue delivers, unless its maker may see it, whoever receives it', async () => {
    expect(await received(blind, 'clear')).toEqual([{ id: 'e1', data: CLEAR }]);
    expect(await received(sees, 'masked')).toEqual([{ id: 'e1', data: MASKED }]);
    expect(JSON.parse(bodies.get('/clear')!)).toMatchObject({ data: CLEAR });
    expect(JSON.parse(bodies.get('/masked')!)).toMatchObject({ data: MASKED });
  });

  it('cannot be found out by the filter of a queue that does not show it', async () => {
    expect(await received(sees, 'filtered-clear')).toEqual([{ id: 'e1', data: CLEAR }]);
    expect(await received(sees, 'filtered-masked')).toEqual([]);
    const window = { types: [TYPE], start: 'earliest', end: 'now', filter: [{ cel: 'data.Witness == "***"' }] };
    await made(blind, '/v1/queues/window', window);
    expect(await received(blind, 'window')).toEqual([{ id: 'e0', data: MASKED }]);
    expect(await received(blind, 'window')).toEqual([{ id: 'e1', data: MASKED }]);
    const dryRun = { from: 'earliest', dryRun: true, filter: [{ cel: `data.Witness == "${NAME}"` }] };
    expect((await trial.ask(blind, 'POST', '/v1/queues/masked/replay', dryRun)).json).toMatchObject({ events: 0 });
    expect((await trial.ask(sees, 'POST', '/v1/queues/clear/replay', dryRun)).json).toMatchObject({ events: 2 });
    // What the queue shows is for its receivers; whoever replays it learns nothing by what it asks for.
    expect((await trial.ask(blind, 'POST', '/v1/queues/clear/replay', dryRun)).json).toMatchObject({ events: 0 });
    const begun = await trial.ask(blind, 'POST', '/v1/queues/clear/replay', { ...dryRun, dryRun: false });
    const { id } = begun.json as { id: string };
    await vi.waitFor(async () => {
      const { json } = await trial.ask(blind, 'GET', `/v1/queues/clear/replays/${id}`);
      expect(json).toMatchObject({ state: 'done', report: { taken: 0 } });
    }, PATIENT);
  });

  it('is masked in timelines, dead letters and filter trials for whoever may not see it', async () => {
    const letters = await trial.ask(blind, 'GET', '/v1/dead-letters');
    const [{ id }] = letters.json['deadLetters'] as [{ id: string }];
    // The first was written when nothing of it was said to be personal; what is so today, was so before.
    for (const path of ['/v1/events/e0', '/v1/events/e1', `/v1/dead-letters/${id}`]) {
      expect((await trial.ask(blind, 'GET', path)).text).not.toContain(NAME);
      expect((await trial.ask(sees, 'GET', path)).text).toContain(NAME);
    }
    const filter = [{ cel: 'data.Witness == "nobody"' }];
    const tried = await trial.ask(blind, 'POST', '/v1/filters/test', { filter, types: [TYPE] });
    expect(tried.json).toMatchObject({ matched: 0, events: [{ id: 'e1' }, { id: 'e0' }] });
    expect(tried.text).not.toContain(NAME);
    const guess = [{ cel: `data.Witness == "${NAME}"` }];
    const asked = { filter: guess, types: [TYPE] };
    expect((await trial.ask(blind, 'POST', '/v1/filters/test', asked)).json).toMatchObject({ matched: 0 });
    expect((await trial.ask(sees, 'POST', '/v1/filters/test', asked)).json).toMatchObject({ matched: 2 });
  });

  it('is masked in a test of a webhook by whoever may not see it', async () => {
    await trial.ask(blind, 'POST', '/v1/webhooks/hook-clear/test', { id: 'e1' });
    expect(JSON.parse(bodies.get('/clear')!)).toMatchObject({ id: 'e1', data: MASKED });
    await trial.ask(sees, 'POST', '/v1/webhooks/hook-clear/test', { id: 'e1' });
    expect(JSON.parse(bodies.get('/clear')!)).toMatchObject({ id: 'e1', data: CLEAR });
  });

  it('stays in the log and in dead letters as it is, and a queue that is changed by another is as that one may see it', async () => {
    const changed = await trial.ask(blind, 'PUT', '/v1/queues/clear', { types: [TYPE] });
    expect(changed.status).toBe(200);
    await publish('e2');
    expect(await vi.waitFor(async () => (await received(sees, 'clear'))[0]!, PATIENT)).toEqual({
      id: 'e2',
      data: MASKED,
    });
    expect((await trial.ask(sees, 'GET', '/v1/events/e2')).text).toContain(NAME);
  });
});

it('who signed a contract is hidden, as its schema says', async () => {
  const type = 'heddle.contract.v1.Contract.Signed.v1';
  const json = { ...(trial.catalogue.get(type)!.example as object), SignedBy: NAME };
  const event = { attributes: { id: 'signed', source: '/test', type }, data: { json } };
  expect(await trial.gateway.publisher.publish(sees, [event])).toMatchObject([{ duplicate: false }]);
  for (const [caller, SignedBy] of [
    [sees, NAME],
    [blind, '***'],
  ] as const) {
    await vi.waitFor(async () => {
      const { json: answer } = await trial.ask(caller, 'GET', '/v1/events/signed');
      expect(answer).toMatchObject({ events: [{ stored: { data: { SignedBy, Currency: 'EUR' } } }] });
    }, PATIENT);
  }
});
