import { randomUUID } from 'node:crypto';
import { createLog } from '@heddle/runtime';
import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../gateway-trial.js';
import { callerFor } from '../../identity/identity-trial.js';
import { Limits } from '../../limits/limits.js';
import { Sessions } from '../sessions.js';
import { AmqpDoor } from './amqp-door.js';
import { AmqpListener } from './amqp-listener.js';
import { AmqpClient, type TrialReceiver } from './amqp-trial.js';
import { AMQP_VALUES } from './amqp.settings.js';

const TOPIC = 'topic:default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';
const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const ADMIN = callerFor();
const SOON = { timeout: 10_000 };

let trial: GatewayTrial;
let door: AmqpDoor;
let listener: AmqpListener;
let sessions: Sessions;
const clients: AmqpClient[] = [];

beforeAll(async () => {
  trial = await GatewayTrial.start();
  const { guard, gateway } = trial;
  sessions = new Sessions(guard);
  const doors = {
    ...{ guard, sessions, publisher: gateway.publisher, streams: gateway.streams, queues: gateway.engine.queues },
    ...{ hop: gateway.hop, namespaces: gateway.namespaces, log: createLog('test', 'silent'), limits: new Limits() },
    amqp: { ...AMQP_VALUES, amqpPort: 0, amqpMessageBytes: 100_000 },
  };
  door = new AmqpDoor(doors);
  listener = AmqpListener.of(door, doors)!;
  await listener.listen();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await vi.waitFor(() => expect(door.size).toBe(0), SOON);
});

afterAll(async () => {
  door.close();
  await listener.stop();
  sessions.stop();
  await trial.stop();
});

async function tcp(caller = ADMIN, user = 'any'): Promise<AmqpClient> {
  const password = trial.guard.tokenFor(caller);
  const client = await AmqpClient.overTcp(listener.port, { username: user, password });
  clients.push(client);
  return client;
}

async function webSocket(options: Record<string, unknown> = {}, caller = ADMIN): Promise<AmqpClient> {
  const client = await AmqpClient.overWebSocket(trial.url, trial.guard.bearerFor(caller), options);
  clients.push(client);
  return client;
}

async function newQueue(definition: Record<string, unknown> = {}): Promise<string> {
  const name = `q-${randomUUID()}`;
  const body = { types: [TYPE], order: 'none', retry: { firstMs: 1, jitter: 0, attempts: 5 }, ...definition };
  const { status, text } = await trial.ask(ADMIN, 'PUT', `/v1/queues/${name}`, body);
  expect(status, text).toBe(201);
  return name;
}

function contract(key: string): string {
  const { example } = trial.catalogue.get(TYPE)!;
  return JSON.stringify({ ...(example as object), Contract: key });
}

/** Publishes so many contracts over HTTP; gives their ids. */
async function publish(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const id = randomUUID();
    const event = { specversion: '1.0', id, source: '/test', type: TYPE, data: JSON.parse(contract(`K${n}`)) as unknown };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const { status, text } = await trial.ask(ADMIN, 'POST', '/v1/events', event, headers);
    expect(status, text).toBe(202);
    ids.push(id);
  }
  return ids;
}

async function until(receiver: TrialReceiver, count: number): Promise<void> {
  await vi.waitFor(() => expect(receiver.messages.length).toBeGreaterThanOrEqual(count), SOON);
}

async function statistics(queue: string): Promise<Record<string, number>> {
  const { json } = await trial.ask(ADMIN, 'GET', `/v1/queues/${queue}`);
  return json['statistics'] as Record<string, number>;
}

describe('who comes in over AMQP', () => {
  it('has a token, by SASL PLAIN over TCP or in the upgrade, and may say anything by SASL then', async () => {
    await tcp();
    await webSocket({ username: 'guest', password: 'guest' });
    await webSocket({ username: 'anonymous' });
    await webSocket();
    expect(door.size).toBe(1);
  });

  it('is a client with its id and its secret', async () => {
    const { json } = await trial.ask(ADMIN, 'PUT', '/v1/clients/amqp-client', { permissions: ['consume:queue:*'] });
    const { clientId, clientSecret } = json as { clientId: string; clientSecret: string };
    clients.push(await AmqpClient.overTcp(listener.port, { username: clientId, password: clientSecret }));
    await expect(AmqpClient.overTcp(listener.port, { username: clientId, password: 'wrong' })).rejects.toThrow();
  });

  it('is refused without, and with one that is none', async () => {
    await expect(AmqpClient.overTcp(listener.port, { username: 'x', password: 'a.b.c' })).rejects.toThrow();
    await expect(AmqpClient.overTcp(listener.port, {})).rejects.toThrow();
    await expect(AmqpClient.overWebSocket(trial.url, 'Bearer a.b.c')).rejects.toThrow('401');
  });

  it('goes when its rights are taken', async () => {
    const caller = callerFor('local', ['*'], 'taken');
    const client = await tcp(caller);
    const closed = client.closed();
    trial.guard.revoke(caller);
    expect(await closed).toBe('amqp:unauthorized-access');
  });
});

describe('a receiver of a queue', () => {
  it('gets as many as it has credit for, each as a structured event, and settles them', async () => {
    const queue = await newQueue();
    const receiver = await (await webSocket()).receiver(`queue:${queue}`);
    const ids = await publish(5);
    receiver.link.add_credit(2);
    await until(receiver, 2);
    const [first] = receiver.messages;
    expect(first!.message).toMatchObject({
      message_id: ids[0],
      to: TOPIC,
      content_type: 'application/cloudevents+json',
      delivery_count: 0,
      first_acquirer: true,
      durable: true,
    });
    expect(JSON.parse(first!.text)).toMatchObject({ id: ids[0], type: TYPE, data: { Contract: 'K0' } });
    expect((await statistics(queue)).leased).toBe(2);
    for (const { delivery } of receiver.messages) delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(2), SOON);
    expect(await statistics(queue)).toMatchObject({ leased: 0, ready: 3 });
    receiver.link.add_credit(10);
    await until(receiver, 5);
    expect(new Set(receiver.ids)).toEqual(new Set(ids));
  });

  it('gets events in binary mode when it asks for that', async () => {
    const queue = await newQueue();
    const receiver = await (await tcp()).receiver(`queue:${queue}`, {
      properties: { 'heddle:mode': 'binary' },
      credit_window: 10,
    } as never);
    const [id] = await publish(1);
    await until(receiver, 1);
    const { message, text } = receiver.messages[0]!;
    expect(message.content_type).toBe('application/json');
    expect(message.application_properties).toMatchObject({
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': id,
      'cloudEvents:type': TYPE,
    });
    expect(JSON.parse(text)).toMatchObject({ Contract: 'K0' });
  });

  it('has what it released, modified or rejected come again, counted, until attempts end', async () => {
    const queue = await newQueue();
    const receiver = await (await webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await publish(1);
    await until(receiver, 1);
    receiver.messages[0]!.delivery.release();
    await until(receiver, 2);
    receiver.messages[1]!.delivery.modified({ delivery_failed: true });
    await until(receiver, 3);
    receiver.messages[2]!.delivery.reject({ condition: 'my:trouble', description: 'no stock' });
    await until(receiver, 4);
    receiver.messages[3]!.delivery.modified({
      delivery_failed: true,
      message_annotations: { 'x-opt-delivery-delay': 300 },
    } as never);
    const released = performance.now();
    await until(receiver, 5);
    expect(performance.now() - released).toBeGreaterThan(280);
    expect(receiver.messages.map(({ message }) => [message.delivery_count, message.first_acquirer])).toEqual([
      [0, true],
      [1, false],
      [2, false],
      [3, false],
      [4, false],
    ]);
    receiver.messages[4]!.delivery.reject({ condition: 'my:trouble', description: 'no stock' });
    await vi.waitFor(async () => expect((await statistics(queue)).dead).toBe(1), SOON);
  });

  it('gives up at once what it says it will never understand', async () => {
    const queue = await newQueue();
    const receiver = await (await webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await publish(1);
    await until(receiver, 1);
    receiver.messages[0]!.delivery.reject({ condition: 'amqp:decode-error', description: 'not for me' });
    await vi.waitFor(async () => expect((await statistics(queue)).dead).toBe(1), SOON);
  });

  it('gives back what it had when its link, or its connection, ends', async () => {
    const queue = await newQueue();
    for (const end of ['detach', 'cut'] as const) {
      const client = await tcp();
      const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
      if (end === 'detach') await publish(3);
      await until(receiver, 3);
      expect((await statistics(queue)).leased).toBe(3);
      if (end === 'detach') receiver.link.close();
      else client.cut();
      await vi.waitFor(async () => expect((await statistics(queue)).leased).toBe(0), SOON);
    }
    const receiver = await (await tcp()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 3);
    expect(receiver.messages.map(({ message }) => message.delivery_count)).toEqual([2, 2, 2]);
  });

  it('keeps a delivery for as long as its link lives, beyond the lease of the queue', async () => {
    const queue = await newQueue({ leaseMs: 1000 });
    const receiver = await (await webSocket()).receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await publish(1);
    await until(receiver, 1);
    const { book } = trial.gateway.engine.queues.open('local', queue);
    const settle = vi.spyOn(book, 'settle');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 6000);
    await vi.waitFor(() => expect(settle).toHaveBeenCalledWith([expect.objectContaining({ action: 'renew' })]), SOON);
    vi.restoreAllMocks();
    receiver.messages[0]!.delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(1), SOON);
    expect(receiver.settled[0]!.remote_state!.constructor).toHaveProperty('composite_type', 'accepted');
  });

  it('is told when its settlement came too late', async () => {
    const queue = await newQueue();
    const receiver = await (await webSocket()).receiver(`queue:${queue}`, {
      properties: { 'heddle:lease-ms': 1000 },
      credit_window: 10,
    } as never);
    await publish(1);
    await until(receiver, 2);
    receiver.messages[0]!.delivery.accept();
    await vi.waitFor(() => expect(receiver.settled).toHaveLength(1), SOON);
    expect(receiver.settled[0]!.remote_state).toMatchObject({ error: { condition: 'heddle:lease-expired' } });
  });

  it('drains: gets what is there, and gives up the rest of its credit', async () => {
    const queue = await newQueue();
    const receiver = await (await tcp()).receiver(`queue:${queue}`);
    await publish(2);
    receiver.link.add_credit(10);
    receiver.link.drain_credit();
    await vi.waitFor(() => expect(receiver.drained).toBe(1), SOON);
    expect(receiver.messages).toHaveLength(2);
    expect((receiver.link as unknown as { credit: number }).credit).toBe(0);
    await publish(1);
    receiver.link.drain = false;
    receiver.link.add_credit(1);
    await until(receiver, 3);
  });

  it('that asks for settled messages gets each once, and nothing comes again', async () => {
    const queue = await newQueue();
    const receiver = await (await tcp()).receiver(`queue:${queue}`, { snd_settle_mode: 1, credit_window: 10 } as never);
    await publish(2);
    await until(receiver, 2);
    await vi.waitFor(async () => expect(await statistics(queue)).toMatchObject({ messages: 0, leased: 0 }), SOON);
  });

  it('is starved by nothing: thousands of deliveries go by one that is not settled', async () => {
    const queue = await newQueue({ maxInFlight: 10_000 });
    // By itself, this client stops at 2,048 as long as the first is not settled.
    const client = await webSocket({ session_buffer_size: 8192 });
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 500, rcv_settle_mode: 0 } as never);
    const sender = await (await tcp()).sender(TOPIC);
    receiver.link.on('message', ({ delivery }) => {
      if (receiver.messages.length > 1) delivery!.accept();
    });
    const COUNT = 3000;
    for (let n = 0; n < COUNT; n += 1) {
      await vi.waitFor(() => expect(sender.link.sendable()).toBe(true), SOON);
      sender.link.send({ body: rhea.message.data_section(Buffer.from(contract(`K${n}`))), content_type: 'application/json' });
    }
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(COUNT), { timeout: 30_000 });
    await vi.waitFor(() => expect(receiver.messages).toHaveLength(COUNT), { timeout: 30_000 });
    await vi.waitFor(async () => expect(await statistics(queue)).toMatchObject({ messages: 1, leased: 1 }), SOON);
  }, 60_000);

  it('is refused with the reason, and the connection goes on', async () => {
    const queue = await newQueue();
    const client = await tcp(callerFor('local', [`consume:queue:${queue}`]));
    await expect(client.receiver('queue:not-there')).rejects.toMatchObject({ condition: 'amqp:not-allowed' });
    await expect(client.receiver('nonsense')).rejects.toMatchObject({ condition: 'amqp:invalid-field' });
    const other = await tcp();
    await expect(other.receiver('queue:not-there')).rejects.toMatchObject({ condition: 'amqp:not-found' });
    await client.receiver(`queue:${queue}`);
  });

  it('is told when its queue is deleted', async () => {
    const queue = await newQueue();
    const receiver = await (await tcp()).receiver(`queue:${queue}`, { credit_window: 1 } as never);
    expect((await trial.ask(ADMIN, 'DELETE', `/v1/queues/${queue}`)).status).toBe(204);
    await vi.waitFor(() => expect(receiver.detachedWith).toBe('amqp:resource-deleted'), SOON);
  });

  it('is found again under the same name: the link before is taken over', async () => {
    const queue = await newQueue();
    const client = await tcp();
    const receiver = await client.receiver(`queue:${queue}`, { name: 'same' } as never);
    receiver.link.close();
    await vi.waitFor(() => expect(receiver.detachedWith).toBe('closed'), SOON);
    const again = await client.receiver(`queue:${queue}`, { name: 'same', credit_window: 1 } as never);
    await publish(1);
    await until(again, 1);
  });
});

describe('a receiver of a topic', () => {
  it('gets what is published while it is there, by credit, and nothing of before', async () => {
    await publish(1);
    const receiver = await (await webSocket()).receiver('topic:default/heddle/s4/ce/heddle/+/v1/Contract/*');
    const ids = await publish(3);
    receiver.link.add_credit(2);
    await until(receiver, 2);
    receiver.link.add_credit(2);
    await until(receiver, 3);
    expect(receiver.ids).toEqual(ids);
    expect(receiver.messages[0]!.message.to).toBe(TOPIC);
  });

  it('gets messages of topics that no event type knows', async () => {
    const client = await webSocket();
    const receiver = await client.receiver('topic:my/own/*', { credit_window: 10 } as never);
    const sender = await client.sender('topic:my/own/things');
    sender.link.send({ body: 'hello' });
    await until(receiver, 1);
    expect(receiver.messages[0]).toMatchObject({ text: 'hello', message: { to: 'topic:my/own/things' } });
  });

  it('has to ask for a queue where messages are to be kept', async () => {
    const client = await webSocket();
    await expect(
      client.receiver('topic:my/own/*', { source: { address: 'topic:my/own/*', durable: 2 } } as never),
    ).rejects.toThrow('make one with this topic pattern');
  });
});

describe('a sender', () => {
  it('is told that an event is in the log, and a receiver gets it', async () => {
    const queue = await newQueue();
    const client = await webSocket();
    const sender = await client.sender(TOPIC);
    sender.link.send({ body: rhea.message.data_section(Buffer.from(contract('S-1'))), content_type: 'application/json' });
    await vi.waitFor(() => expect(sender.outcomes).toEqual([expect.objectContaining({ outcome: 'accepted' })]), SOON);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    expect(JSON.parse(receiver.messages[0]!.text)).toMatchObject({ type: TYPE, subject: 'S-1', source: '/clients/tester' });
  });

  it('sends to a target without address what says its own, to queues as well', async () => {
    const queue = await newQueue({ types: undefined, topicPatterns: [] });
    const client = await webSocket();
    const sender = await client.sender();
    sender.link.send({ to: `queue:${queue}`, body: rhea.message.data_section(Buffer.from([1, 2, 3])), content_type: 'application/x-own' });
    sender.link.send({ to: TOPIC, body: contract('S-2') });
    sender.link.send({ body: 'nowhere' });
    await vi.waitFor(() => expect(sender.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'rejected']), SOON);
    expect(sender.outcomes[2]!.condition).toBe('amqp:invalid-field');
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    const { message } = receiver.messages[0]!;
    expect(message).toMatchObject({ to: `queue:${queue}`, content_type: 'application/x-own' });
    expect([...(message.body as { content: Buffer }).content]).toEqual([1, 2, 3]);
  });

  it('sends CloudEvents in both modes, and their attributes stay', async () => {
    const queue = await newQueue();
    const client = await webSocket();
    const sender = await client.sender(TOPIC);
    const data = JSON.parse(contract('S-3')) as unknown;
    const binary = { 'cloudEvents:specversion': '1.0', 'cloudEvents:id': 'b-1', 'cloudEvents_source': '/mine', 'cloudEvents:type': TYPE, 'cloudEvents:myext': true };
    sender.link.send({ application_properties: binary, body: rhea.message.data_section(Buffer.from(JSON.stringify(data))), content_type: 'application/json' });
    const structured = { specversion: '1.0', id: 's-1', source: '/mine', type: TYPE, myext: 'x', data };
    sender.link.send({ body: rhea.message.data_section(Buffer.from(JSON.stringify(structured))), content_type: 'application/cloudevents+json' });
    await vi.waitFor(() => expect(sender.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']), SOON);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 2 } as never);
    await until(receiver, 2);
    expect(receiver.messages.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      expect.objectContaining({ id: 'b-1', source: '/mine', myext: 'true' }),
      expect.objectContaining({ id: 's-1', source: '/mine', myext: 'x' }),
    ]);
  });

  it('is told why a message is not taken, each for itself', async () => {
    const sender = await (await webSocket()).sender();
    sender.link.send({ to: TOPIC, body: '{"Contract":1}' });
    sender.link.send({ to: TOPIC, body: 'no json', content_type: 'application/json' });
    sender.link.send({ to: 'queue:not-there', body: 'x' });
    sender.link.send({ to: 'topic:default/heddle/s4/ce/sap/s4/beh/salesorder/v1/SalesOrder/Created/v1', body: '{}' });
    sender.link.send({ to: TOPIC, body: { a: 1 } });
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(5), SOON);
    expect(sender.outcomes.map(({ condition }) => condition).toSorted()).toEqual(
      ['amqp:decode-error', 'amqp:decode-error', 'amqp:not-found', 'amqp:not-allowed', 'amqp:not-implemented'].toSorted(),
    );
  });

  it('may not send where it may not publish', async () => {
    const client = await tcp(callerFor('local', ['publish:queue:mine']));
    await expect(client.sender(TOPIC)).rejects.toMatchObject({ condition: 'amqp:not-allowed' });
    const sender = await client.sender();
    sender.link.send({ to: TOPIC, body: contract('S-4') });
    await vi.waitFor(() => expect(sender.outcomes[0]?.condition).toBe('amqp:not-allowed'), SOON);
  });

  it('is detached when a message is too large, or a settled one is refused', async () => {
    const client = await tcp();
    const large = await client.sender(TOPIC);
    large.link.send({ body: rhea.message.data_section(Buffer.alloc(200_000)) });
    await vi.waitFor(() => expect(large.detachedWith).toBe('amqp:link:message-size-exceeded'), SOON);
    const settled = await client.sender(TOPIC, { snd_settle_mode: 1 } as never);
    settled.link.send({ body: '{"Contract":1}' });
    await vi.waitFor(() => expect(settled.detachedWith).toBe('amqp:decode-error'), SOON);
  });

  it('sends a message of many frames', async () => {
    const queue = await newQueue({ types: undefined, topicPatterns: [] });
    const client = await tcp();
    const sender = await client.sender(`queue:${queue}`);
    const body = Buffer.alloc(90_000, 'x');
    sender.link.send({ body: rhea.message.data_section(body), content_type: 'text/plain' });
    await vi.waitFor(() => expect(sender.outcomes[0]?.outcome).toBe('accepted'), SOON);
    const small = await AmqpClient.overTcp(listener.port, {
      ...{ username: 'x', password: trial.guard.tokenFor(ADMIN) },
      max_frame_size: 1024,
    });
    clients.push(small);
    const receiver = await small.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    expect(receiver.messages[0]!.text).toBe(body.toString());
  });
});
