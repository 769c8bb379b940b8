import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import { messageOf } from '../messages/message.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const OWN = 'default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
const FOREIGN = 'partner/erp/one/ce/heddle/contract/v1/Contract/Signed/v1';
const all = callerFor('local', ['*'], 'all-of-local');
const acme = callerFor('acme', ['*'], 'all-of-acme');

let trial: GatewayTrial;
let numbers = 0;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

interface Delivery {
  lease: string;
  attempt: number;
  event: Record<string, unknown> & { id: string };
}

async function make(name: string, body: object, caller = all): Promise<void> {
  const answer = await trial.ask(caller, 'PUT', `/v1/queues/${encodeURIComponent(name)}`, { order: 'none', ...body });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
}

async function receive(name: string, caller = all): Promise<Delivery[]> {
  const path = `/v1/queues/${encodeURIComponent(name)}/receive`;
  const { json } = await trial.ask(caller, 'POST', path, { max: 100, waitMs: 0 });
  return json['deliveries'] as Delivery[];
}

/** The ids of what a queue has, as soon as there are so many. */
async function idsOf(name: string, count: number, caller = all): Promise<string[]> {
  const ids: string[] = [];
  await vi.waitFor(
    async () => {
      ids.push(...(await receive(name, caller)).map(({ event }) => event.id));
      expect(ids.length).toBeGreaterThanOrEqual(count);
    },
    { timeout: 10_000 },
  );
  return ids.toSorted();
}

async function publish(messages: Partial<IncomingMessage>[], caller = all): Promise<string[]> {
  const outcomes = await trial.gateway.publisher.publishMessages(
    caller,
    messages.map((message) => ({ address: '', contentType: 'text/plain', body: Buffer.from('x'), ...message })),
  );
  return outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.id));
}

function signed(address: string): Partial<IncomingMessage> {
  numbers += 1;
  const { example } = trial.catalogue.get(SIGNED)!;
  return {
    address,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify(example)),
    messageId: `s${numbers}`,
  };
}

describe('queues that choose by topics', () => {
  it('get raw messages and events of types under the topics they name, and nothing else', async () => {
    await make('one-level', { topicPatterns: ['plant/+/alarm'] });
    await make('below', { topicPatterns: ['plant/*'] });
    await make('typed', { topicPatterns: ['default/heddle/s4/ce/heddle/contract/*'] });
    await make('every-namespace', { topicPatterns: ['+/+/+/ce/heddle/contract/*'] });
    await make('all-types', { types: ['*'] });
    await make('both', { types: [SIGNED], topicPatterns: ['plant/7/alarm'] });
    const [alarm, deep, own, foreign] = await publish([
      { address: 'topic:plant/7/alarm' },
      { address: 'topic:plant/7/line/3' },
      signed(`topic:${OWN}`),
      signed(`topic:${FOREIGN}`),
    ]);
    expect(await idsOf('one-level', 1)).toEqual([alarm]);
    expect(await idsOf('below', 2)).toEqual([alarm, deep].toSorted());
    expect(await idsOf('typed', 1)).toEqual([own]);
    expect(await idsOf('every-namespace', 2)).toEqual([own, foreign].toSorted());
    expect(await idsOf('all-types', 2)).toEqual([own, foreign].toSorted());
    expect(await idsOf('both', 3)).toEqual([alarm, own, foreign].toSorted());
  });

  it('get what was published before they came to it, in the log', async () => {
    const [early] = await publish([{ address: 'topic:past/one' }]);
    await make('late', { topicPatterns: ['past/*'], start: 'earliest' });
    expect(await idsOf('late', 1)).toEqual([early]);
  });

  it('go by their new topics once they are changed, and by none when those are taken away', async () => {
    await make('changing', { topicPatterns: ['first/*'] });
    const put = (body: object) => trial.ask(all, 'PUT', '/v1/queues/changing', { order: 'none', ...body });
    expect((await put({ topicPatterns: ['second/*'] })).json).toMatchObject({
      topicPatterns: ['second/*'],
      version: 2,
    });
    const [, second] = await publish([{ address: 'topic:first/x' }, { address: 'topic:second/x' }]);
    expect(await idsOf('changing', 1)).toEqual([second]);
    expect((await put({ types: [SIGNED] })).json).not.toHaveProperty('topicPatterns');
    const [, typed] = await publish([{ address: 'topic:second/x' }, signed(`topic:${OWN}`)]);
    expect(await idsOf('changing', 1)).toEqual([typed]);
  });

  it('filter raw messages by their attributes and data', async () => {
    await make('red', { topicPatterns: ['paint/*'], filter: [{ exact: { colour: 'red' } }, { cel: 'data.n > 1' }] });
    const paint = (colour: string, n: number) => ({
      address: 'topic:paint/x',
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify({ n })),
      attributes: { id: `${colour}${n}`, colour },
    });
    await publish([paint('red', 1), paint('blue', 2), paint('red', 2), { address: 'topic:paint/x' }, paint('red', 3)]);
    expect(await idsOf('red', 2)).toEqual(['red2', 'red3']);
  });

  it('are made by whoever may consume those topics, or the types they stand for', async () => {
    const put = async (permissions: string[], ...topicPatterns: string[]) => {
      const caller = callerFor('local', ['manage:queue:*', ...permissions]);
      return (await trial.ask(caller, 'PUT', '/v1/queues/rights', { topicPatterns, order: 'none' })).status;
    };
    expect(await put([], 'plant/*')).toBe(403);
    expect(await put(['consume:topic:plant/+'], 'plant/*')).toBe(403);
    expect(await put(['consume:type:*'], 'plant/*')).toBe(403);
    expect(await put(['consume:type:heddle.contract.*'], '+/+/+/ce/heddle/*')).toBe(403);
    expect(await put(['consume:topic:plant/*'], 'plant/*', 'plant/7/+')).toBe(201);
    expect(await put(['consume:type:heddle.contract.*'], '+/+/+/ce/heddle/contract/*')).toBe(200);
  });
});

describe('a queue by its name', () => {
  it('gets what is published to it, whatever it chooses otherwise; others do not', async () => {
    await make('to-me', { types: [SIGNED], topics: ['contract'] });
    await make('only-to-me', { topicPatterns: [] });
    await make('not-me', { types: ['*'], topicPatterns: ['*'] });
    const [one, two, open] = await publish([
      { address: 'queue:to-me' },
      { address: 'queue:only-to-me' },
      { address: 'topic:to/you' },
    ]);
    expect(await idsOf('to-me', 1)).toEqual([one]);
    expect(await idsOf('only-to-me', 1)).toEqual([two]);
    expect(await idsOf('not-me', 1)).toEqual([open]);
  });

  it('may have a name as SAP Event Mesh gives them', async () => {
    const name = 'acme/Sales.Orders_1/in-box';
    await make(name, { topicPatterns: ['names/*'] });
    const [one, two] = await publish([{ address: `queue:${name}` }, { address: 'topic:names/x' }]);
    expect(await idsOf(name, 2)).toEqual([one, two].toSorted());
    const { json } = await trial.ask(all, 'GET', `/v1/queues/${encodeURIComponent(name)}`);
    expect(json).toMatchObject({ name });
    expect((await trial.ask(all, 'DELETE', `/v1/queues/${encodeURIComponent(name)}`)).status).toBe(204);
    for (const wrong of ['x'.repeat(112), 'a//b', 'ü', '%2E%2E/x'])
      expect((await trial.ask(all, 'PUT', `/v1/queues/${encodeURIComponent(wrong)}`, { types: ['*'] })).status).toBe(
        400,
      );
  });

  it('of another tenant is another queue', async () => {
    await make('shared', { topicPatterns: ['*'] });
    await make('shared', { topicPatterns: ['*'] }, acme);
    const [theirs] = await publish([{ address: 'queue:shared' }], acme);
    const [theirsToo] = await publish([{ address: 'topic:a/b' }], acme);
    const [ours] = await publish([{ address: 'queue:shared' }]);
    expect(await idsOf('shared', 1)).toEqual([ours]);
    // Its topic of raw messages came into being with its first one.
    expect(await idsOf('shared', 2, acme)).toEqual([theirs, theirsToo].toSorted());
  });

  it('needs types, or topics, or to say that it wants neither', async () => {
    for (const body of [{}, { types: [] }])
      expect((await trial.ask(all, 'PUT', '/v1/queues/nothing', body)).json).toMatchObject({
        status: 422,
        field: 'types',
      });
    const wrong = await trial.ask(all, 'PUT', '/v1/queues/nothing', { topicPatterns: ['a/*/b'] });
    expect(wrong.json).toMatchObject({ status: 422, field: 'topicPatterns.0' });
  });
});

describe('a delivery as a message', () => {
  async function messagesOf(name: string, mode: 'structured' | 'binary', count: number) {
    const { book } = trial.gateway.engine.queues.open('local', name);
    const receiver = { kind: 'amqp' as const, name: 'trial' };
    const grants = await book.waitFor({ max: count, receiver }, 5000);
    return grants.map(({ lease }) => messageOf(lease, mode, trial.gateway.namespaces));
  }

  it('has bytes, content type and address as they were published', async () => {
    await make('as-raw', { topicPatterns: ['bytes/*'] });
    const body = Buffer.from([0, 1, 255]);
    await publish([
      { address: 'topic:bytes/x', body, contentType: 'application/x-odd', messageId: 'm1', expiresAt: 4e12 },
    ]);
    expect(await messagesOf('as-raw', 'structured', 1)).toMatchObject([
      { id: 'm1', body, contentType: 'application/x-odd', address: 'topic:bytes/x', expiresAt: 4e12, isRaw: true },
    ]);
    await publish([{ address: 'queue:as-raw', contentType: '' }]);
    expect(await messagesOf('as-raw', 'binary', 1)).toMatchObject([{ contentType: '', address: 'queue:as-raw' }]);
  });

  it('of a type is the event as a whole, or its data with the attributes beside it, under its topic', async () => {
    await make('as-event', { types: [SIGNED] });
    const [own] = await publish([signed(`topic:${OWN}`)]);
    const [whole] = await messagesOf('as-event', 'structured', 1);
    expect(whole).toMatchObject({
      id: own,
      contentType: 'application/cloudevents+json',
      address: `topic:${OWN}`,
      isRaw: false,
    });
    expect(JSON.parse(whole!.body.toString())).toMatchObject({ specversion: '1.0', id: own, type: SIGNED });
    expect(whole!.attributes).toEqual([]);
    await publish([signed(`topic:${FOREIGN}`)]);
    const [data] = await messagesOf('as-event', 'binary', 1);
    expect(data).toMatchObject({ contentType: 'application/json', address: `topic:${FOREIGN}` });
    expect(Object.fromEntries(data!.attributes)).toMatchObject({ type: SIGNED, namespace: 'partner/erp/one' });
    expect(Object.keys(JSON.parse(data!.body.toString()) as object)).not.toContain('specversion');
  });

  it('in our own doors is an event, whose data is JSON as it was written, or base64', async () => {
    await make('as-ours', { topicPatterns: ['ours/*'] });
    await publish([
      {
        address: 'topic:ours/x',
        contentType: 'application/json',
        body: Buffer.from('{"n":1.50,"big":12345678901234567890}'),
      },
    ]);
    const path = '/v1/queues/as-ours/receive';
    const { text } = await trial.ask(all, 'POST', path, { waitMs: 5000 });
    expect(text).toContain('"datacontenttype":"application/json","data":{"n":1.50,"big":12345678901234567890}');
    await publish([{ address: 'topic:ours/x', contentType: 'image/png', body: Buffer.from([1, 2]) }]);
    const { json } = await trial.ask(all, 'POST', path, { waitMs: 5000 });
    expect(json).toMatchObject({
      deliveries: [{ event: { address: 'topic:ours/x', datacontenttype: 'image/png', data_base64: 'AQI=' } }],
    });
  });
});
