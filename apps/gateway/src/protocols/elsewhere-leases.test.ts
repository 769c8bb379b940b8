import { createLog } from '@heddle/runtime';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../gateway-trial.js';
import { Hop } from '../hop.js';
import { callerFor } from '../identity/identity-trial.js';
import type { IncomingMessage } from '../messages/incoming-message.js';
import { messageOf } from '../messages/message.js';
import type { Grant } from '../queues/lease-book.js';
import { ElsewhereLeases } from './elsewhere-leases.js';
import type { OpenQueue } from './open-queue.js';

const SIGNED = 'heddle.contract.v1.Contract.Signed.v1';
const PATIENT = { timeout: 10_000 };
const RECEIVER = { kind: 'amqp', name: '192.0.2.1' } as const;
const all = callerFor();

let trial: GatewayTrial;
/** Another instance, as far as it asks the first one. */
let hop: Hop;
let queues = 0;

beforeAll(async () => {
  trial = await GatewayTrial.start();
  const directory = { webhook: () => undefined, ownerOf: () => ({ instance: 'i', epoch: 1, address: trial.url }) };
  hop = new Hop(directory, { owns: () => false }, 'http://other.test', trial.guard, createLog('test', 'silent'));
});

afterAll(async () => {
  await hop.close();
  await trial.stop();
});

/** A queue, where it is at work and as another instance has it. */
async function make(definition: object = {}): Promise<{ name: string; here: OpenQueue; there: ElsewhereLeases }> {
  const name = `q-${(queues += 1)}`;
  const { status } = await trial.ask(all, 'PUT', `/v1/queues/${name}`, {
    order: 'none',
    topicPatterns: [],
    ...definition,
  });
  expect(status).toBe(201);
  return { name, here: trial.gateway.engine.queues.open('local', name), there: new ElsewhereLeases(hop, all, name) };
}

async function publish(address: string, message: Partial<IncomingMessage> = {}): Promise<void> {
  const whole = { contentType: 'text/plain', body: Buffer.from('x'), ...message, address };
  expect(await trial.gateway.publisher.publishMessages(all, [whole])).toMatchObject([{ duplicate: false }]);
}

function wish(max = 10, waitMs = 10_000) {
  return { max, waitMs, leaseMs: 30_000, receiver: RECEIVER };
}

describe('a lease of a queue at another instance', () => {
  const JSON_TEXT = '{ "amount": 1.00,\n\t"big": 12345678901234567890, "twice": 1, "twice": 2 }\n';
  const EVENT_TEXT = `{ "specversion":"1.0", "id":"s1", "source":"/s", "type":"any.thing", "data": ${JSON_TEXT} }`;
  it.each([
    ['JSON', 'application/json', JSON_TEXT],
    ['an event of no known type', 'application/cloudevents+json', EVENT_TEXT],
    ['what only says that it is JSON', 'application/json; charset=utf-8', '{'],
    ['no text', 'application/octet-stream', Buffer.from([0, 0xff, 0x80])],
  ])('is the message that it is where the queue is at work, to the byte: %s', async (_, contentType, text) => {
    const { name, here, there } = await make();
    const body = Buffer.from(text);
    await publish(`queue:${name}`, {
      contentType,
      body,
      headers: { correlationid: 'c' },
      expiresAt: Date.now() + 60_000,
    });
    const lent = await there.receive(wish(), undefined);
    there.handBack(lent);
    const [own] = await here.book.waitFor({ max: 1, receiver: RECEIVER }, PATIENT.timeout);
    for (const mode of ['structured', 'binary'] as const) {
      const message = messageOf(lent[0]!.lease, mode, trial.gateway.namespaces);
      expect(message).toMatchObject({ contentType, body, isRaw: true });
      expect({ ...message, eventAttributes: {} }).toEqual({
        ...messageOf(own!.lease, mode, trial.gateway.namespaces),
        eventAttributes: {},
      });
    }
    expect(lent[0]!.lease.event.stored.appendedAt).toBe(own!.lease.event.stored.appendedAt);
  });

  it('is the event that it is there, and so is the copy of one in a dead message queue', async () => {
    const dead = await make();
    const { name, here, there } = await make({ types: [SIGNED], deadLetterQueue: dead.name });
    const json = { ...(trial.catalogue.get(SIGNED)!.example as object), Contract: 'K1' };
    const event = { attributes: { id: 'typed', source: '/test', type: SIGNED }, data: { json } };
    expect(await trial.gateway.publisher.publish(all, [event])).toMatchObject([{ duplicate: false }]);
    const bodyOf = ({ lease }: Grant): unknown => {
      const { body, ...message } = messageOf(lease, 'structured', trial.gateway.namespaces);
      const text = body.toString();
      return { ...message, eventAttributes: {}, text, event: JSON.parse(text) as unknown };
    };
    const [lent] = await there.receive(wish(), undefined);
    there.handBack([lent!]);
    const [own] = await here.book.waitFor({ max: 1, receiver: RECEIVER }, PATIENT.timeout);
    expect(bodyOf(lent!)).toEqual(bodyOf(own!));
    expect(bodyOf(lent!)).toMatchObject({ isRaw: false, event: { id: 'typed', data: json } });
    here.book.settle([{ token: own!.token, action: 'reject', reason: 'no use' }]);
    const [copy] = await dead.there.receive(wish(), undefined);
    dead.there.handBack([copy!]);
    const [ownCopy] = await dead.here.book.waitFor({ max: 1, receiver: RECEIVER }, PATIENT.timeout);
    expect(bodyOf(copy!)).toEqual(bodyOf(ownCopy!));
    expect(bodyOf(copy!)).toMatchObject({ isRaw: false, event: { id: 'typed', data: json, deadletterqueue: name } });
  });

  it('that no client has seen is handed back without an attempt, and one that ends otherwise counts', async () => {
    const { name, there } = await make({ retry: { firstMs: 1, attempts: 5 } });
    await publish(`queue:${name}`);
    for (let round = 0; round < 3; round += 1) {
      const [untouched] = await there.receive(wish(), undefined);
      expect(untouched!.lease).toMatchObject({ attempt: 1, redelivery: 'no' });
      there.handBack([untouched!]);
    }
    const [first] = await there.receive(wish(), undefined);
    expect(await there.settle([{ token: first!.token, action: 'release', delayMs: 0 }])).toMatchObject([
      { state: 'released' },
    ]);
    const [second] = await there.receive(wish(), undefined);
    expect(second!.lease).toMatchObject({ attempt: 2, redelivery: 'yes' });
    expect(await there.settle([{ token: second!.token, action: 'accept' }])).toMatchObject([{ state: 'accepted' }]);
  });

  it('is waited for no longer than somebody wants it, and one on its way then is neither lost nor an attempt', async () => {
    const { name, here, there } = await make();
    const rounds = 30;
    for (let round = 0; round < rounds; round += 1) {
      const leaving = new AbortController();
      const waiting = there.receive(wish(), leaving.signal).catch(() => []);
      await vi.waitFor(() => expect(here.book.counts.waiting).toBe(1), PATIENT);
      const published = publish(`queue:${name}`);
      if (round % 3 !== 0) await published;
      leaving.abort();
      there.handBack(await waiting);
      await published;
      await vi.waitFor(() => expect(here.book.counts).toEqual({ leased: 0, waiting: 0 }), PATIENT);
      const [grant] = await here.book.waitFor({ max: 1, receiver: RECEIVER }, PATIENT.timeout);
      expect(grant!.lease).toMatchObject({ attempt: 1, redelivery: 'no' });
      here.book.settle([{ token: grant!.token, action: 'accept' }]);
    }
    expect(trial.gateway.engine.queues.atWork('local', name)!.statistics).toMatchObject({ accepted: rounds, dead: 0 });
  });

  it('goes to one link at a time where the queue is exclusive, though they have the same address', async () => {
    const { name, here, there } = await make({ accessType: 'EXCLUSIVE' });
    const standby = new ElsewhereLeases(hop, all, name);
    await publish(`queue:${name}`);
    await publish(`queue:${name}`);
    const [first] = await there.receive(wish(1), undefined);
    expect(await standby.receive(wish(1, 0), undefined)).toEqual([]);
    const [second] = await there.receive(wish(1), undefined);
    await there.settle([first!, second!].map(({ token }) => ({ token, action: 'accept' as const })));
    await publish(`queue:${name}`);
    expect(await standby.receive(wish(1), undefined)).toHaveLength(1);
    expect(here.book.counts.leased).toBe(1);
  });

  it('is shown in the attempts as what its receiver is', async () => {
    const { name, there } = await make();
    await publish(`queue:${name}`);
    const [grant] = await there.receive(wish(), undefined);
    await there.settle([{ token: grant!.token, action: 'reject', reason: 'because' }]);
    await vi.waitFor(async () => {
      const { json } = await trial.ask(all, 'GET', `/v1/attempts?queue=${name}`);
      expect(json['attempts']).toMatchObject([{ outcome: 'rejected', receiver: RECEIVER }]);
    }, PATIENT);
  });
});
