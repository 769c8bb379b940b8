import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { nativeProperties } from './message-header.js';
import { AmqpTrial, SOON, TOPIC, TYPE, until } from './amqp-trial.js';

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start();
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

const HEADER = { correlation_id: 'order-4711', reply_to: 'queue:answers', priority: 7 };

describe('what a message says of itself', () => {
  it('is there for who receives it: what it answers, where answers go, how urgent it is, and its own properties', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: ['my/*'] });
    const client = await trial.tcp();
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
    const live = await client.receiver('topic:my/own', { credit_window: 10 } as never);
    const own = {
      colour: 'grün',
      isLarge: true,
      count: 5,
      far: 5_000_000_000,
      share: 0.5,
      nothing: null,
      __proto: 'x',
    };
    const sent = { ...HEADER, subject: 'a label', group_id: 'group-1', content_encoding: 'identity' };
    (await client.sender('topic:my/own')).link.send({ ...sent, application_properties: own, body: 'x' });
    for (const one of [receiver, live]) {
      await until(one, 1);
      const { message } = one.messages[0]!;
      expect(message).toMatchObject(sent);
      expect(message.application_properties).toMatchObject(own);
      expect(message.application_properties).not.toHaveProperty('cloudEvents:amqpproperties');
    }
  });

  it('is among the attributes of an event of a type, which has its subject and its key from its object', async () => {
    const queue = await trial.newQueue();
    const client = await trial.webSocket();
    const sender = await client.sender(TOPIC);
    const body = rhea.message.data_section(Buffer.from(trial.contract('H-1')));
    sender.link.send({
      ...HEADER,
      subject: 'a label',
      group_id: 'g',
      application_properties: { a: 1 },
      content_type: 'application/json',
      body,
    });
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 1 } as never);
    await until(receiver, 1);
    const { message, text } = receiver.messages[0]!;
    expect(message).toMatchObject({ ...HEADER, application_properties: { a: 1 } });
    expect(JSON.parse(text)).toMatchObject({
      type: TYPE,
      subject: 'H-1',
      correlationid: 'order-4711',
      replyto: 'queue:answers',
      priority: '7',
    });
  });

  it('is refused where it asks for a later delivery', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [] });
    const sender = await (await trial.tcp()).sender(`queue:${queue}`);
    sender.link.send({ body: 'x', message_annotations: { 'x-opt-delivery-delay': 1000 } });
    sender.link.send({ body: 'x', message_annotations: { 'x-opt-delivery-delay': 0, 'x-opt-jms-msg-type': 5 } });
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(2), SOON);
    expect(sender.outcomes.map(({ condition }) => condition).toSorted()).toEqual(['amqp:not-implemented', undefined]);
  });

  it('may have as many properties of its own as there is room for in a message, with its body', async () => {
    const queue = await trial.newQueue({ types: undefined, topicPatterns: [] });
    const client = await trial.tcp();
    const sender = await client.sender(`queue:${queue}`);
    const properties = { large: 'x'.repeat(500_000), 'with umlauts': 'ä'.repeat(5000), number: 5, '{"quoted"}': true };
    sender.link.send({ body: 'x', application_properties: properties });
    // Its name and the braces around it have some bytes, too.
    for (const bytes of [399_988, 400_001]) {
      const body = rhea.message.data_section(Buffer.alloc(bytes, 'b'));
      sender.link.send({ body, application_properties: { p: 'x'.repeat(600_000) } });
    }
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(3), SOON);
    expect(sender.outcomes.filter(({ outcome }) => outcome === 'rejected')).toEqual([
      {
        outcome: 'rejected',
        condition: 'amqp:link:message-size-exceeded',
        description: expect.stringContaining('with the properties of its application') as string,
      },
    ]);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 2);
    const [first, second] = receiver.messages;
    expect(first!.message.application_properties).toMatchObject(properties);
    expect(second!.text).toHaveLength(399_988);
    expect((second!.message.application_properties as { p: string }).p).toHaveLength(600_000);
  });
});

it('an attribute of that name which is none of ours is passed over', () => {
  for (const amqpproperties of [undefined, '', 'no json', '[]', 'null', '{"a":{"b":1},"cloudEvents:id":"2"}']) {
    expect(nativeProperties({ amqpproperties })).toEqual([]);
  }
  expect(nativeProperties({ amqpproperties: '{"a":1,"b":null}' })).toEqual([
    ['a', 1],
    ['b', null],
  ]);
});
