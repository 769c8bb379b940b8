import { setTimeout as delay } from 'node:timers/promises';
import rhea from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ADMIN, AmqpTrial, SOON, until } from './amqp-trial.js';

let trial: AmqpTrial;

beforeAll(async () => {
  trial = await AmqpTrial.start();
});

afterEach(() => trial.closeClients());

afterAll(() => trial.stop());

function newQueue(definition: Record<string, unknown> = {}): Promise<string> {
  return trial.newQueue({ types: undefined, topicPatterns: [], ...definition });
}

const TWENTY = Array.from({ length: 20 }, () => 's').join('/');
const LONG = `ns/${'x'.repeat(147)}`;

describe('names of addresses', () => {
  it('have up to 20 segments and 150 characters, as targets, as sources and in messages', async () => {
    const client = await trial.tcp();
    expect(LONG).toHaveLength(150);
    const anonymous = await client.sender();
    for (const topic of [TWENTY, LONG]) {
      const receiver = await client.receiver(`topic:${topic}`, { credit_window: 10 } as never);
      const sender = await client.sender(`topic:${topic}`);
      sender.link.send({ body: 'by its target' });
      anonymous.link.send({ to: `topic:${topic}`, body: 'by its own' });
      await until(receiver, 2);
    }
  });

  it.each([
    [`topic:${TWENTY}/s`, 'has 21 segments; 2 to 20 are allowed'],
    [`topic:${LONG}x`, 'has 151 characters; at most 150 are allowed'],
    ['topic:alone', 'has 1 segments; 2 to 20 are allowed'],
    ['topic:a//b', 'has an empty segment'],
    [`queue:${TWENTY}/s`, 'has 21 segments; at most 20 are allowed'],
    [`queue:${'x'.repeat(112)}`, 'at most 111 are allowed there'],
  ])('beyond that are refused with the rule: %s', async (address, rule) => {
    const client = await trial.tcp();
    const refused = { condition: 'amqp:invalid-field', message: expect.stringContaining(rule) as string };
    await expect(client.sender(address)).rejects.toMatchObject(refused);
    // A pattern of one segment is one, and so is a source.
    if (address !== 'topic:alone') {
      const ofSource = { ...refused, message: expect.stringMatching(/segment|characters|are allowed/) as string };
      await expect(client.receiver(address)).rejects.toMatchObject(ofSource);
    }
    const anonymous = await client.sender();
    anonymous.link.send({ to: address, body: 'x' });
    await vi.waitFor(() => expect(anonymous.outcomes).toHaveLength(1), SOON);
    const { outcome, condition, description } = anonymous.outcomes[0]!;
    expect([outcome, condition]).toEqual(['rejected', 'amqp:invalid-field']);
    expect(description).toContain(
      `parameter-invalid: ${JSON.stringify(address)} ${rule.startsWith('at most') ? '' : rule}`,
    );
  });
});

describe('the size of a message', () => {
  it('is a megabyte at most: more is rejected, and more than the link takes ends it', async () => {
    const queue = await newQueue();
    const client = await trial.tcp();
    const sender = await client.sender(`queue:${queue}`);
    expect(
      (sender.link as unknown as { remote: { attach: { max_message_size: number } } }).remote.attach.max_message_size,
    ).toBe(1_048_576);
    for (const bytes of [1_000_000, 1_000_001]) {
      sender.link.send({ body: rhea.message.data_section(Buffer.alloc(bytes, 'x')), content_type: 'text/plain' });
    }
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(2), SOON);
    expect(sender.outcomes.find(({ outcome }) => outcome === 'rejected')).toEqual({
      outcome: 'rejected',
      condition: 'amqp:link:message-size-exceeded',
      description: 'too-large: The message has 1000001 bytes; at most 1000000 are allowed.',
    });
    sender.link.send({ body: rhea.message.data_section(Buffer.alloc(1_048_577)) });
    await vi.waitFor(() => expect(sender.detachedWith).toBe('amqp:link:message-size-exceeded'), SOON);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 1);
    expect(receiver.messages.map(({ text }) => text.length)).toEqual([1_000_000]);
  });
});

describe('the size of an event', () => {
  const LARGE = 'heddle.trial.v1.Large.Made.v1';
  const TOPIC = `topic:default/heddle/s4/ce/${LARGE.replaceAll('.', '/')}`;

  it('of a known type is that of any message, in both modes, and what is larger is rejected and ends nothing', async () => {
    const schema = {
      type: 'record',
      namespace: 'heddle.trial.v1',
      name: 'LargeMade',
      heddle: {
        type: LARGE,
        topic: 'large',
        key: 'Large',
        owner: 'large',
        publish: 'open',
        summary: 'Large.',
        example: { Large: 'L', text: '' },
      },
      fields: ['Large', 'text'].map((name) => ({ name, type: 'string' })),
    };
    await trial.gateway.registry.register('large-heddle.trial.v1.LargeMade', schema as never);
    await trial.gateway.catalogue.refresh();
    expect(trial.gateway.catalogue.get(LARGE)).toBeDefined();
    const queue = await newQueue({ types: [LARGE], topicPatterns: undefined });
    const client = await trial.tcp();
    const sender = await client.sender(TOPIC);
    const bare = JSON.stringify({ Large: 'L', text: '' }).length;
    for (const bytes of [1_000_000, 930_000, 1_000_001]) {
      const body = rhea.message.data_section(
        Buffer.from(JSON.stringify({ Large: 'L', text: 'x'.repeat(bytes - bare) })),
      );
      sender.link.send({ body, content_type: 'application/json' });
    }
    await vi.waitFor(() => expect(sender.outcomes).toHaveLength(3), SOON);
    expect(sender.outcomes.map(({ outcome, condition }) => [outcome, condition]).toSorted()).toEqual([
      ['accepted', undefined],
      ['accepted', undefined],
      ['rejected', 'amqp:link:message-size-exceeded'],
    ]);
    const whole = await client.receiver(`queue:${queue}`, { credit_window: 0 } as never);
    whole.link.add_credit(1);

    await until(whole, 1);
    expect((JSON.parse(whole.messages[0]!.text) as { data: { text: string } }).data.text.length + bare).toBe(1_000_000);
    const binary = await client.receiver(`queue:${queue}`, {
      credit_window: 1,
      properties: { 'heddle:mode': 'binary' },
    } as never);
    await until(binary, 1);
    expect(binary.messages[0]!.text).toHaveLength(930_000);
  });
});

describe('redeliveries', () => {
  it('are 255 at most, and a consumer that rejects sees each of them, and then a dead letter', async () => {
    const retry = { firstMs: 1, capMs: 1, jitter: 0 };
    const name = 'too-often';
    const refused = await trial.gateway.ask(ADMIN, 'PUT', `/v1/queues/${name}`, {
      topicPatterns: [],
      maxRedeliveryCount: 256,
      retry,
    });
    expect([refused.status, refused.text]).toEqual([422, expect.stringContaining('maxRedeliveryCount')]);
    const queue = await newQueue({ maxRedeliveryCount: 255, retry });
    const client = await trial.tcp();
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
    receiver.link.on(
      'message',
      ({ delivery }) => void delivery!.reject({ condition: 'my:trouble', description: 'still closed' }),
    );
    (await client.sender(`queue:${queue}`)).link.send({ body: 'x' });
    await vi.waitFor(async () => expect((await trial.statistics(queue)).dead).toBe(1), { timeout: 30_000 });
    expect(receiver.messages.map(({ message }) => message.delivery_count)).toEqual(
      Array.from({ length: 256 }, (_, n) => n),
    );
  }, 60_000);
});

describe('the time that a message lives', () => {
  it('goes with it, and what is past it is not delivered but counted', async () => {
    const queue = await newQueue();
    const client = await trial.tcp();
    const sender = await client.sender(`queue:${queue}`);
    sender.link.send({ body: 'short', ttl: 200 });
    sender.link.send({ body: 'by the clock', absolute_expiry_time: new Date(Date.now() + 200) });
    sender.link.send({ body: 'long', ttl: 60_000 });
    sender.link.send({ body: 'for ever', ttl: 0 });
    await vi.waitFor(
      () => expect(sender.outcomes.map(({ outcome }) => outcome)).toEqual(Array(4).fill('accepted')),
      SOON,
    );
    await delay(300);
    const receiver = await client.receiver(`queue:${queue}`, { credit_window: 10 } as never);
    await until(receiver, 2);
    expect(receiver.messages.map(({ text }) => text)).toEqual(['long', 'for ever']);
    const [long, forEver] = receiver.messages.map(({ message }) => Number(message.absolute_expiry_time));
    expect(long).toBeGreaterThan(Date.now() + 50_000);
    expect(forEver).toBeNaN();
    await vi.waitFor(async () => expect(await trial.statistics(queue)).toMatchObject({ dropped: 2 }), SOON);
  });
});
