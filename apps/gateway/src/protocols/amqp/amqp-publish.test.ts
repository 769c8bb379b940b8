import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { AmqpTrial, SOON, TOPIC, TYPE, until } from './amqp-trial.js';

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start({ amqpMessageBytes: 100_000 });
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

describe('a receiver of a topic', () => {
  it('gets what is published while it is there, by credit, and nothing of before', async () => {
    await trial.publish(1);
    const receiver = await (await trial.webSocket()).receiver('topic:default/heddle/s4/ce/heddle/+/v1/Contract/*');
    const ids = await trial.publish(3);
    receiver.link.add_credit(2);
    await until(receiver, 2);
    receiver.link.add_credit(2);
    await until(receiver, 3);
    expect(receiver.ids).toEqual(ids);
    expect(receiver.messages[0]!.message.to).toBe(TOPIC);
  });

  it('gets messages of topics that no event type knows', async () => {
    const client = await trial.webSocket();
    const receiver = await client.receiver('topic:my/own/*', { credit_window: 10 } as never);
    const sender = await client.sender('topic:my/own/things');
    sender.link.send({ body: 'hello' });
    await until(receiver, 1);
    expect(receiver.messages[0]).toMatchObject({ text: 'hello', message: { to: 'topic:my/own/things' } });
  });

  it('has to ask for a queue where messages are to be kept', async () => {
    const client = await trial.webSocket();
    await expect(
      client.receiver('topic:my/own/*', { source: { address: 'topic:my/own/*', durable: 2 } } as never),
    ).rejects.toThrow('make one with this topic pattern');
  });
});

describe('a sender', () => {
  it('is told that an event is in the log, and a receiver gets it', async () => {
    const queue = await trial.newQueue();
    const client = await trial.webSocket();
    const sender = await client.sender(TOPIC);
    sender.link.send({
      body: rhea.message.data_section(Buffer.from(trial.contract('S-1'))),
      content_type: 'application/json',
    });
    await vi.waitFor(() => expect(sender.outcomes).toEqual([expect.objectContaining({ outcome: 'accepted' })]), SOON);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    expect(JSON.parse(receiver.messages[0]!.text)).toMatchObject({
      type: TYPE,
      subject: 'S-1',
      source: '/clients/tester',
    });
  });

  it('sends to a target without address what says its own, to queues as well', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [] });
    const client = await trial.webSocket();
    const sender = await client.sender();
    sender.link.send({
      to: `queue:${queue}`,
      body: rhea.message.data_section(Buffer.from([1, 2, 3])),
      content_type: 'application/x-own',
    });
    sender.link.send({ to: TOPIC, body: trial.contract('S-2') });
    sender.link.send({ body: 'nowhere' });
    await vi.waitFor(
      () => expect(sender.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted', 'rejected']),
      SOON,
    );
    expect(sender.outcomes[2]!.condition).toBe('amqp:invalid-field');
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    const { message } = receiver.messages[0]!;
    expect(message).toMatchObject({ to: `queue:${queue}`, content_type: 'application/x-own' });
    expect([...(message.body as { content: Buffer }).content]).toEqual([1, 2, 3]);
  });

  it('sends CloudEvents in both modes, and their attributes stay', async () => {
    const queue = await trial.newQueue();
    const client = await trial.webSocket();
    const sender = await client.sender(TOPIC);
    const data = JSON.parse(trial.contract('S-3')) as unknown;
    const binary = {
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': 'b-1',
      cloudEvents_source: '/mine',
      'cloudEvents:type': TYPE,
      'cloudEvents:myext': true,
    };
    sender.link.send({
      application_properties: binary,
      body: rhea.message.data_section(Buffer.from(JSON.stringify(data))),
      content_type: 'application/json',
    });
    const structured = { specversion: '1.0', id: 's-1', source: '/mine', type: TYPE, myext: 'x', data };
    sender.link.send({
      body: rhea.message.data_section(Buffer.from(JSON.stringify(structured))),
      content_type: 'application/cloudevents+json',
    });
    await vi.waitFor(
      () => expect(sender.outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted']),
      SOON,
    );
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 2 } as never);
    await until(receiver, 2);
    expect(receiver.messages.map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      expect.objectContaining({ id: 'b-1', source: '/mine', myext: 'true' }),
      expect.objectContaining({ id: 's-1', source: '/mine', myext: 'x' }),
    ]);
  });

  it('is told why a message is not taken, each for itself', async () => {
    const sender = await (await trial.webSocket()).sender();
    sender.link.send({ to: TOPIC, body: '{"Contract":1}' });
    sender.link.send({ to: TOPIC, body: 'no json', content_type: 'application/json' });
    sender.link.send({ to: 'queue:not-there', body: 'x' });
    sender.link.send({ to: 'topic:default/heddle/s4/ce/sap/s4/beh/salesorder/v1/SalesOrder/Created/v1', body: '{}' });
    sender.link.send({ to: TOPIC, body: { a: 1 } });
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(5), SOON);
    expect(sender.outcomes.map(({ condition }) => condition).toSorted()).toEqual(
      [
        'amqp:decode-error',
        'amqp:decode-error',
        'amqp:not-found',
        'amqp:not-allowed',
        'amqp:not-implemented',
      ].toSorted(),
    );
  });

  it('may not send where it may not publish', async () => {
    const client = await trial.tcp(callerFor('local', ['publish:queue:mine']));
    await expect(client.sender(TOPIC)).rejects.toMatchObject({ condition: 'amqp:not-allowed' });
    const sender = await client.sender();
    sender.link.send({ to: TOPIC, body: trial.contract('S-4') });
    await vi.waitFor(() => expect(sender.outcomes[0]?.condition).toBe('amqp:not-allowed'), SOON);
  });

  it('is detached when a message is too large, or a settled one is refused', async () => {
    const client = await trial.tcp();
    const large = await client.sender(TOPIC);
    large.link.send({ body: rhea.message.data_section(Buffer.alloc(200_000)) });
    await vi.waitFor(() => expect(large.detachedWith).toBe('amqp:link:message-size-exceeded'), SOON);
    const settled = await client.sender(TOPIC, { snd_settle_mode: 1 } as never);
    settled.link.send({ body: '{"Contract":1}' });
    await vi.waitFor(() => expect(settled.detachedWith).toBe('amqp:decode-error'), SOON);
  });

  it('sends a message of many frames', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [] });
    const client = await trial.tcp();
    const sender = await client.sender(`queue:${queue}`);
    const body = Buffer.alloc(90_000, 'x');
    sender.link.send({ body: rhea.message.data_section(body), content_type: 'text/plain' });
    await vi.waitFor(() => expect(sender.outcomes[0]?.outcome).toBe('accepted'), SOON);
    const small = await trial.tcp(undefined, { max_frame_size: 1024 });
    const receiver = await small.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    expect(receiver.messages[0]!.text).toBe(body.toString());
  });
});
