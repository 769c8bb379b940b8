import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { callerFor } from '../identity/identity-trial.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import { messageOf } from '../messages/message.js';
import type { Grant } from '../queues/lease-book.js';

const WAIT = { timeout: 10_000 };
const RECEIVER = { kind: 'amqp' as const, name: 'trial' };
const BYTES = Buffer.from([0, 1, 255]);
const all = callerFor('local', ['*'], 'all-of-local');
const other = callerFor('acme', ['*'], 'all-of-acme');
const reader = callerFor('local', ['consume:topic:looked/*'], 'reader');
const stranger = callerFor('local', ['consume:type:*', 'consume:topic:else/*'], 'stranger');

let trial: GatewayTrial;

beforeAll(async () => {
  trial = await GatewayTrial.start();
});

afterAll(() => trial.stop());

async function make(name: string, body: object): Promise<void> {
  const answer = await trial.ask(all, 'PUT', `/v1/queues/${name}`, { order: 'none', ...body });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
}

async function publish(message: Partial<IncomingMessage>): Promise<string> {
  const given = { address: '', contentType: 'image/png', body: BYTES, ...message };
  const [outcome] = await trial.gateway.publisher.publishMessages(all, [given]);
  return (outcome as { id: string }).id;
}

function bookOf(name: string) {
  return trial.gateway.engine.queues.open('local', name).book;
}

async function take(name: string): Promise<Grant> {
  const [grant] = await bookOf(name).waitFor({ max: 1, receiver: RECEIVER }, WAIT.timeout);
  expect(grant, `nothing came to ${name}`).toBeDefined();
  return grant!;
}

async function settle(name: string, { token }: Grant, action: 'accept' | 'reject'): Promise<void> {
  bookOf(name).settle([{ token, action }]);
  await trial.gateway.engine.queues.open('local', name).settled();
}

it('a raw message is found by its id, by whoever may consume its address, and nobody else', async () => {
  const id = await publish({ address: 'topic:looked/at' });
  const { json } = await trial.ask(reader, 'GET', `/v1/events/${id}`);
  expect(json).toMatchObject({
    events: [
      {
        event: { id, topic: 'heddle.raw', key: 'topic:looked/at' },
        stored: {
          attributes: { address: 'topic:looked/at', datacontenttype: 'image/png' },
          data: BYTES.toString('base64'),
        },
      },
    ],
  });
  for (const caller of [stranger, other]) expect((await trial.ask(caller, 'GET', `/v1/events/${id}`)).status).toBe(404);
  const named = await trial.ask(
    reader,
    'GET',
    `/v1/objects/heddle.raw/${encodeURIComponent('topic:looked/at')}/events`,
  );
  expect(named.json).toMatchObject({ events: [{ event: { id } }] });
});

it('filters are tried on raw messages of the addresses that somebody may consume', async () => {
  const id = await publish({ address: 'topic:looked/tried' });
  const ask = async (caller: typeof all): Promise<unknown> => {
    const filter = [{ prefix: { address: 'topic:looked/tried' } }];
    const { json } = await trial.ask(caller, 'POST', '/v1/filters/test', { filter, last: 100 });
    return (json['events'] as { id: string; matches: boolean }[])
      .filter(({ matches }) => matches)
      .map((event) => event.id);
  };
  expect(await ask(all)).toEqual([id]);
  expect(await ask(stranger)).toEqual([]);
});

it('what was given up of it is a dead letter with its bytes, and is redriven as it was', async () => {
  await make('letters', { topicPatterns: ['letters/*'] });
  const id = await publish({ address: 'topic:letters/x', expiresAt: Date.now() + 3000 });
  await settle('letters', await take('letters'), 'reject');
  let letter = '';
  await vi.waitFor(async () => {
    const { json } = await trial.ask(all, 'GET', '/v1/dead-letters?queue=letters');
    expect(json).toMatchObject({ deadLetters: [{ state: 'open', event: { id, topic: 'heddle.raw' } }] });
    letter = (json['deadLetters'] as { id: string }[])[0]!.id;
  }, WAIT);
  const detail = await trial.ask(all, 'GET', `/v1/dead-letters/${letter}`);
  expect(detail.json).toMatchObject({
    stored: { attributes: { address: 'topic:letters/x' }, data: BYTES.toString('base64') },
  });
  const begun = await trial.ask(all, 'POST', '/v1/dead-letters/redrive', { ids: [letter] });
  expect(begun.json).toMatchObject({ selected: 1 });
  const grant = await take('letters');
  expect(grant.lease).toMatchObject({ redelivery: 'yes', cycle: begun.json['id'] });
  const message = messageOf(grant.lease, 'structured', trial.gateway.namespaces);
  expect(message).toMatchObject({ id, body: BYTES, contentType: 'image/png', address: 'topic:letters/x', isRaw: true });
  await settle('letters', grant, 'accept');
});

it('it is replayed to the queue that wanted it, and to no other', async () => {
  await make('again', { topicPatterns: ['again/*'] });
  await make('not-again', { topicPatterns: ['not/*'] });
  const id = await publish({ address: 'topic:again/x' });
  await settle('again', await take('again'), 'accept');
  const counted = await trial.ask(all, 'POST', '/v1/queues/again/replay', { from: 'earliest', dryRun: true });
  expect(counted.json).toMatchObject({ events: 1 });
  const none = await trial.ask(all, 'POST', '/v1/queues/not-again/replay', { from: 'earliest', dryRun: true });
  expect(none.json).toMatchObject({ events: 0 });
  const begun = await trial.ask(all, 'POST', '/v1/queues/again/replay', { from: 'earliest' });
  const grant = await take('again');
  expect(grant.lease).toMatchObject({ cycle: begun.json['id'] });
  expect(messageOf(grant.lease, 'binary', trial.gateway.namespaces)).toMatchObject({ id, body: BYTES });
  await settle('again', grant, 'accept');
});

it('a queue that is purged lets go of what was published to it by name', async () => {
  await make('purged', { types: ['heddle.contract.*'], topics: ['contract'] });
  await publish({ address: 'queue:purged' });
  await vi.waitFor(() => expect(bookOf('purged')).toBeDefined(), WAIT);
  expect((await trial.ask(all, 'POST', '/v1/queues/purged/purge', {})).status).toBe(200);
  const kept = await publish({ address: 'queue:purged' });
  expect((await take('purged')).lease.event.stored.attributes.id).toBe(kept);
});
