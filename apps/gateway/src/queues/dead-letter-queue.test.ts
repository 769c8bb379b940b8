import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import { messageOf } from '../messages/message.js';
import type { Grant, Settlement } from './lease-book.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const TOPIC = `default/heddle/s4/ce/${SIGNED.replaceAll('.', '/')}`;
const RECEIVER = { kind: 'amqp' as const, name: 'trial' };
const all = callerFor('local', ['*'], 'all-of-local');

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

async function put(name: string, body: object, caller = all): Promise<Record<string, unknown>> {
  return (await trial.ask(caller, 'PUT', `/v1/queues/${name}`, { topicPatterns: [], order: 'none', ...body })).json;
}

async function statistics(name: string): Promise<Record<string, unknown>> {
  return (await trial.ask(all, 'GET', `/v1/queues/${name}`)).json['statistics'] as Record<string, unknown>;
}

async function publish(...messages: Partial<IncomingMessage>[]): Promise<string[]> {
  const outcomes = await trial.gateway.publisher.publishMessages(
    all,
    messages.map((message) => ({ address: '', contentType: 'text/plain', body: Buffer.from('x'), ...message })),
  );
  return outcomes.map((outcome) => ('error' in outcome ? outcome.error.code : outcome.id));
}

function bookOf(name: string) {
  return trial.gateway.engine.queues.open('local', name).book;
}

async function take(name: string): Promise<Grant> {
  const [grant] = await bookOf(name).waitFor({ max: 1, receiver: RECEIVER }, 10_000);
  expect(grant, `nothing came to ${name}`).toBeDefined();
  return grant!;
}

async function settle(name: string, grant: Grant, settlement: Omit<Settlement, 'token'>): Promise<void> {
  bookOf(name).settle([{ token: grant.token, ...settlement }]);
  await trial.gateway.engine.queues.open('local', name).settled();
}

describe('a dead message queue', () => {
  it('gets a raw message that was rejected, with its bytes, the reason, and where it was sent to first', async () => {
    await put('dead', {});
    await put('work', { topicPatterns: ['plant/*'], deadLetterQueue: 'dead' });
    const [id] = await publish({
      address: 'topic:plant/7',
      body: Buffer.from([0, 1]),
      contentType: 'a/b',
      attributes: { colour: 'red' },
    });
    await settle('work', await take('work'), { action: 'reject', reason: 'no\nsuch plant' });
    const grant = await take('dead');
    expect(grant.lease).toMatchObject({ attempt: 1, cycle: '' });
    const message = messageOf(grant.lease, 'binary', trial.gateway.namespaces);
    expect(message).toMatchObject({
      body: Buffer.from([0, 1]),
      contentType: 'a/b',
      address: 'topic:plant/7',
      isRaw: true,
    });
    expect(Object.fromEntries(message.attributes)).toMatchObject({
      ...{
        id,
        colour: 'red',
        deadletterqueue: 'work',
        deadletterreason: 'rejected: no such plant',
        deadlettercount: '1',
      },
    });
    const letters = await trial.ask(all, 'GET', '/v1/dead-letters?queue=work');
    expect(letters.json).toMatchObject({ deadLetters: [{ reason: 'no\nsuch plant', event: { id } }] });
    await settle('dead', grant, { action: 'accept' });
  });

  it('gets an event of a type as that event, under its topic', async () => {
    await put('dead-typed', {});
    await put('work-typed', { types: [SIGNED], deadLetterQueue: 'dead-typed' });
    const body = Buffer.from(JSON.stringify(trial.catalogue.get(SIGNED)!.example));
    const [id] = await publish({ address: `topic:${TOPIC}`, contentType: 'application/json', body });
    await settle('work-typed', await take('work-typed'), { action: 'reject' });
    const { lease } = await take('dead-typed');
    expect(lease.event.stored).toHaveProperty('schemaId');
    const message = messageOf(lease, 'structured', trial.gateway.namespaces);
    expect(message).toMatchObject({
      contentType: 'application/cloudevents+json',
      address: `topic:${TOPIC}`,
      isRaw: false,
    });
    expect(JSON.parse(message.body.toString())).toMatchObject({ id, type: SIGNED, deadletterqueue: 'work-typed' });
  });

  it('gets what expires, though nobody comes for it, and keeps it', async () => {
    await put('dead-late', {});
    await put('work-late', { topicPatterns: ['late/*'], deadLetterQueue: 'dead-late' });
    await publish({ address: 'topic:late/x', expiresAt: Date.now() + 20 });
    const { lease } = await take('dead-late');
    const { attributes } = lease.event.stored;
    expect(attributes['deadletterreason']).toBe('expired: its time to live was over');
    expect(attributes).not.toHaveProperty('expirytime');
    await vi.waitFor(async () =>
      expect(await statistics('work-late')).toMatchObject({ dead: 1, dropped: 0, messages: 0 }),
    );
  });

  it('shows what is personal to nobody who may not see it, though the event is none of its types', async () => {
    const few = callerFor('local', ['manage:queue:*', 'consume:topic:*', 'consume:queue:*'], 'few-of-local');
    await put('dead-masked', { topicPatterns: ['none/*'] }, few);
    await put('dead-clear', {});
    const body = Buffer.from(JSON.stringify(trial.catalogue.get(SIGNED)!.example));
    for (const [work, deadLetterQueue] of Object.entries({ 'work-1': 'dead-masked', 'work-2': 'dead-clear' })) {
      await put(work, { types: [SIGNED], deadLetterQueue });
      await publish({ address: `topic:${TOPIC}`, contentType: 'application/json', body });
      await settle(work, await take(work), { action: 'reject' });
    }
    const signedBy = async (name: string): Promise<unknown> => {
      const { lease } = await take(name);
      return (lease.event.stored.data as Record<string, unknown>)['SignedBy'];
    };
    expect(await signedBy('dead-masked')).toBe('***');
    expect(await signedBy('dead-clear')).not.toBe('***');
  });

  it('is one that is there, another one, and one that may be filled', async () => {
    await put('there', {});
    expect(await put('self', { deadLetterQueue: 'self' })).toMatchObject({ status: 422, field: 'deadLetterQueue' });
    expect(await put('to-none', { deadLetterQueue: 'none' })).toMatchObject({ status: 422, field: 'deadLetterQueue' });
    const caller = callerFor('local', ['manage:queue:mine']);
    expect(await put('mine', { deadLetterQueue: 'there' }, caller)).toMatchObject({ status: 403 });
    const filler = callerFor('local', ['manage:queue:mine', 'publish:queue:there']);
    expect(await put('mine', { deadLetterQueue: 'there' }, filler)).toMatchObject({ deadLetterQueue: 'there' });
    expect(await put('mine', {}, caller)).not.toHaveProperty('deadLetterQueue');
  });

  it('and another one that are each other do not pass a message on for ever', async () => {
    await put('ping', {});
    await put('pong', { deadLetterQueue: 'ping' });
    await put('ping', { deadLetterQueue: 'pong' });
    await publish({ address: 'queue:ping' });
    let moves = 0;
    for (let name = 'ping'; ; name = name === 'ping' ? 'pong' : 'ping') {
      const [grant] = await bookOf(name).waitFor({ max: 1, receiver: RECEIVER }, moves < 100 ? 10_000 : 500);
      if (grant === undefined) break;
      moves += 1;
      await settle(name, grant, { action: 'reject' });
    }
    expect(moves).toBe(101);
  });
});

describe('expiry', () => {
  it('drops what nobody came for in time, counted, where there is no dead message queue', async () => {
    await put('short', { topicPatterns: ['short/*'] });
    const [, lasting] = await publish(
      { address: 'topic:short/x', expiresAt: Date.now() - 1 },
      { address: 'topic:short/x' },
    );
    const { lease } = await take('short');
    expect(lease.event.stored.attributes.id).toBe(lasting);
    expect(await statistics('short')).toMatchObject({ dropped: 1, dead: 0 });
  });

  it('is not looked at by a queue that does not respect it', async () => {
    await put('patient', { topicPatterns: ['patient/*'], respectTtl: false });
    const [id] = await publish({ address: 'topic:patient/x', expiresAt: Date.now() - 1 });
    expect((await take('patient')).lease.event.stored.attributes.id).toBe(id);
  });
});

describe('redeliveries', () => {
  it('end when there have been so many', async () => {
    await put('three', { maxRedeliveryCount: 2, retry: { firstMs: 1, attempts: 9 } });
    await publish({ address: 'queue:three' });
    const attempts: number[] = [];
    for (let left = 3; left > 0; left -= 1) {
      const grant = await take('three');
      attempts.push(grant.lease.attempt);
      await settle('three', grant, { action: 'release', delayMs: 0 });
    }
    expect(attempts).toEqual([1, 2, 3]);
    expect(await statistics('three')).toMatchObject({ dead: 1, messages: 0 });
  });

  it('do not end by their number where that is 0', async () => {
    await put('endless', { maxRedeliveryCount: 0, retry: { firstMs: 1, attempts: 1 } });
    await publish({ address: 'queue:endless' });
    for (let attempt = 1; attempt <= 30; attempt += 1) {
      const grant = await take('endless');
      expect(grant.lease.attempt).toBe(attempt);
      await settle('endless', grant, { action: 'release', delayMs: 0 });
    }
    expect(await statistics('endless')).toMatchObject({ dead: 0, messages: 1 });
  });

  it('are 255 at most', async () => {
    expect(await put('many', { maxRedeliveryCount: 255 })).toMatchObject({ maxRedeliveryCount: 255 });
    expect(await put('more', { maxRedeliveryCount: 256 })).toMatchObject({ status: 422, field: 'maxRedeliveryCount' });
  });
});

it('a queue says how many messages it holds, and about how many bytes', async () => {
  await put('sized', {});
  await publish(...Array.from({ length: 4 }, () => ({ address: 'queue:sized', body: Buffer.alloc(500) })));
  await vi.waitFor(async () => expect(await statistics('sized')).toMatchObject({ messages: 4, bytes: 2000 }), {
    timeout: 10_000,
  });
  await take('sized');
  expect(await statistics('sized')).toMatchObject({ messages: 4, leased: 1 });
});
