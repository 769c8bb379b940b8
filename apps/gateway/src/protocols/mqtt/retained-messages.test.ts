import { randomUUID } from 'node:crypto';
import type { Caller } from '@heddle/auth';
import { CONTROL_TOPIC_SPECS, MemoryControlLog } from '@heddle/event';
import { describe, expect, it, vi } from 'vitest';
import { GatewayTrial } from '../../gateway-trial.js';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, type TrialClient, TrialClients, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';
import { RetainedMessages, type ToPublish } from './retained-messages.js';

const { clients } = await mqttTrial({ HEDDLE_MQTT_RETAINED_BYTES: '200000' });

function topicOfItsOwn(): string {
  return `test/${randomUUID()}/t`;
}

/** What a client that subscribes now is given as retained, up to what is published after that. */
async function told(filter: string, options: object = {}, version: 4 | 5 = 5): Promise<TrialClient['deliveries']> {
  const client = await clients.connected(version);
  expect(await client.subscribe(filter, options)).toEqual([1]);
  const end = filter.replace(/#$/, 'end');
  await (await clients.connected(5)).published(end, 'end');
  await vi.waitFor(() => expect(client.payloads).toContain('end'), SOON);
  return client.deliveries.filter(({ payload }) => payload.toString() !== 'end');
}

describe.each([4, 5] as const)('retained messages of MQTT version %i', (version) => {
  it('the last one of a topic is there for who subscribes later, until one without a payload comes', async () => {
    const topic = topicOfItsOwn();
    const publisher = await clients.connected(version);
    const live = await clients.connected(version);
    await live.subscribe(topic);
    for (const payload of ['old', 'new']) await publisher.published(topic, payload, { retain: true });
    await publisher.published(topic, 'passing');
    await vi.waitFor(() => expect(live.payloads).toEqual(['old', 'new', 'passing']), SOON);
    // MQTT-3.3.1-9: who was there gets it as any other.
    expect(live.deliveries.map(({ retain }) => retain)).toEqual([false, false, false]);
    expect(await told(topic, {}, version)).toMatchObject([
      { topic, payload: Buffer.from('new'), retain: true, qos: 1, dup: false },
    ]);
    await publisher.published(topic, '', { retain: true });
    await vi.waitFor(() => expect(live.payloads).toEqual(['old', 'new', 'passing', 'end', '']), SOON);
    expect(await told(topic, {}, version)).toEqual([]);
  });
});

it('a subscription says whether it wants what is retained: always, when it is new, never', async () => {
  const topic = topicOfItsOwn();
  const publisher = await clients.connected(5);
  await publisher.published(topic, 'kept', { retain: true });
  const client = await clients.connected(5);
  const heard = async (rh: number): Promise<string[]> => {
    const from = client.deliveries.length;
    await client.subscribe(topic, { rh });
    await publisher.published(topic, `end ${rh}`);
    await vi.waitFor(() => expect(client.payloads.at(-1)).toBe(`end ${rh}`), SOON);
    return client.payloads.slice(from, -1);
  };
  expect(await heard(2)).toEqual([]);
  expect(await heard(1)).toEqual([]);
  expect(await heard(0)).toEqual(['kept']);
  expect(await heard(0)).toEqual(['kept']);
  client.say({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [topic] });
  await client.next('unsuback');
  expect(await heard(1)).toEqual(['kept']);
  // MQTT-4.8.2: who shares a subscription is given nothing for that.
  expect(await client.subscribe(`$share/g/${topic}`)).toEqual([1]);
  expect(client.payloads.filter((payload) => payload === 'kept')).toHaveLength(3);
});

it('MQTT-3.3.1-12, -13: the flag is told as it was published to who asks for that', async () => {
  const topic = topicOfItsOwn();
  const asks = await clients.connected(5);
  await asks.subscribe(topic, { rap: true });
  await asks.published(topic, 'retained', { retain: true });
  await asks.published(topic, 'not');
  await vi.waitFor(() => expect(asks.payloads).toEqual(['retained', 'not']), SOON);
  expect(asks.deliveries.map(({ retain }) => retain)).toEqual([true, false]);
});

it('comes with all that was said of it and its identifier, for as long as it is good', async () => {
  const topic = topicOfItsOwn();
  const publisher = await clients.connected(5);
  const properties = { messageExpiryInterval: 1000, responseTopic: 'answers/1', userProperties: { Own: '1' } };
  await publisher.published(topic, 'good', { retain: true, properties });
  const brief = topic.replace(/t$/, 'brief');
  await publisher.published(brief, 'over', { retain: true, properties: { messageExpiryInterval: 1 } });
  const isOverAt = Date.now() + 1000;
  await vi.waitUntil(() => Date.now() > isOverAt, SOON);
  const client = await clients.connected(5);
  await client.subscribe(topic.replace(/t$/, '#'), {}, { subscriptionIdentifier: 5 });
  const delivery = await client.next('publish');
  expect(delivery.properties).toMatchObject({ responseTopic: 'answers/1', subscriptionIdentifier: 5 });
  expect(delivery.properties!.userProperties).toMatchObject({ Own: '1' });
  expect(delivery.properties!.messageExpiryInterval).toBeLessThanOrEqual(999);
  await publisher.published(topic, 'end');
  expect((await client.next('publish')).payload.toString()).toBe('end');
});

it('comes no faster than the client takes it, and what it did not acknowledge comes again', async () => {
  const topic = topicOfItsOwn();
  const publisher = await clients.connected(5);
  for (let n = 0; n < 5; n += 1) await publisher.published(topic.replace(/t$/, `t${n}`), `m${n}`, { retain: true });
  const kept = { clientId: randomUUID(), clean: false };
  const client = await clients.connected(5, { ...kept, properties: { sessionExpiryInterval: 60, receiveMaximum: 2 } });
  await client.subscribe(topic.replace(/t$/, '#'));
  await vi.waitFor(() => expect(client.deliveries).toHaveLength(2), SOON);
  client.acknowledge(client.deliveries[0]!);
  await vi.waitFor(() => expect(client.deliveries).toHaveLength(3), SOON);
  client.cut();
  const again = await clients.connected(5, { ...kept, properties: { sessionExpiryInterval: 60 } });
  await vi.waitFor(() => expect(again.deliveries).toHaveLength(2), SOON);
  expect(again.payloads).toEqual(client.payloads.slice(1));
  expect(again.deliveries.every(({ dup, retain }) => dup && retain)).toBe(true);
});

it('a will may be retained', async () => {
  const topic = topicOfItsOwn();
  const client = await clients.connected(5, { will: { topic, payload: Buffer.from('gone'), qos: 1, retain: true } });
  client.cut();
  await vi.waitFor(async () => expect(await told(topic)).toMatchObject([{ payload: Buffer.from('gone') }]), SOON);
});

it('belongs to its tenant, and is read by who may consume its topic', async () => {
  const topic = topicOfItsOwn();
  const publisher = await clients.connected(5);
  await publisher.published(topic, 'ours', { retain: true });
  const stranger = await clients.connected(5, {}, callerFor('acme'));
  await stranger.subscribe('#');
  await stranger.published('test/a/b', 'own');
  await vi.waitFor(() => expect(stranger.payloads).toContain('own'), SOON);
  expect(stranger.payloads).not.toContain('ours');
});

it('no more is retained than a tenant may have; what is refused is not published either', async () => {
  const caller = callerFor('crowded');
  const publisher = await clients.connected(5, {}, caller);
  const receiver = await clients.connected(5, {}, caller);
  await receiver.subscribe('many/#');
  const filling = 'x'.repeat(60_000);
  const retain = (n: number): Promise<number> => publisher.published(`many/t${n}`, `${n}${filling}`, { retain: true });
  for (let n = 0; n < 3; n += 1) expect(await retain(n)).toBe(0);
  expect(await retain(3)).toBe(REASONS.quotaExceeded);
  expect(await publisher.published('many/t0', '', { retain: true })).toBe(0);
  expect(await retain(4)).toBe(0);
  expect(await publisher.published('many/large', 'x'.repeat(600_000), { retain: true })).toBe(REASONS.quotaExceeded);
  const published = (): string[] => receiver.payloads.map((payload) => payload.slice(0, 1)).toSorted();
  await vi.waitFor(() => expect(published()).toEqual(['', '0', '1', '2', '4']), SOON);
});

/** Starts instances on one log, of which each tenant may retain 10,000 bytes. */
async function instances(): Promise<() => Promise<RetainedMessages>> {
  const controlLog = new MemoryControlLog();
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  const position = { topic: 'heddle.raw', partition: 0, offset: 0 };
  const publisher = {
    publishMessages: (_caller: Caller, messages: readonly object[]) =>
      Promise.resolve(messages.map(() => ({ id: 'e', position, duplicate: false }))),
  };
  return async () => {
    const instance = new RetainedMessages({ controlLog, publisher, maxBytes: 10_000 });
    await instance.start();
    return instance;
  };
}

function message(name: string, body: string, expiresAt?: number): ToPublish {
  const expiry = expiresAt === undefined ? {} : { expiresAt };
  return {
    message: { address: `topic:test/${name}`, contentType: 'text/plain', body: Buffer.from(body), ...expiry },
    isRetained: true,
  };
}

it('what has expired takes no room, nor does what another one replaces', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
  try {
    const instance = await (await instances())();
    const retain = async (name: string, expiresAt?: number) => {
      const [outcome] = await instance.publish(callerFor(), [message(name, 'x'.repeat(6000), expiresAt)]);
      return 'id' in outcome! ? 'retained' : outcome!.error.code;
    };
    expect(await retain('brief', Date.now() + 5000)).toBe('retained');
    expect(await retain('other')).toBe('quota-exceeded');
    expect(await retain('brief', Date.now() + 6000)).toBe('retained');
    vi.advanceTimersByTime(20_000);
    expect(await retain('other')).toBe('retained');
    expect(await retain('brief')).toBe('quota-exceeded');
    await instance.stop();
  } finally {
    vi.useRealTimers();
  }
});

it('is known to every instance, and to one that is started anew', async () => {
  const start = await instances();
  const one = await start();
  const other = await start();
  await one.publish(callerFor(), [message('a', 'old'), message('a', 'new'), message('b', 'gone'), message('b', '')]);
  const known = (from: RetainedMessages): string[] =>
    from.under('local', () => true).map(({ value, attributes }) => `${attributes['address']} ${value.toString()}`);
  for (const instance of [one, other, await start()]) {
    await vi.waitFor(() => expect(known(instance)).toEqual(['topic:test/a new']), SOON);
    await instance.stop();
  }
});

describe('where nothing is retained', () => {
  it('the client is told, and whoever does it all the same is let go', async () => {
    const without = await GatewayTrial.start({ HEDDLE_MQTT_RETAINED: '0' });
    const others = new TrialClients(without);
    try {
      const client = await others.open(5);
      expect((await client.connect()).properties).toMatchObject({ retainAvailable: false });
      client.publish('a/b', 'x', { retain: true });
      expect(await client.next('disconnect')).toMatchObject({ reasonCode: REASONS.retainNotSupported });
      const will = { topic: 'a/b', payload: Buffer.from('x'), qos: 0 as const, retain: true };
      const mourned = await others.open(5);
      expect(await mourned.connect({ will })).toMatchObject({ reasonCode: REASONS.retainNotSupported });
      const old = await others.connected(4);
      expect(await old.published('a/b', 'x', { retain: true })).toBe(0);
    } finally {
      others.cut();
      await without.stop();
    }
  });
});
