import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';

const TYPE = 'heddle.contract.v1.Contract.Signed.v1';
const TOPIC = 'default/heddle/s4/ce/heddle/contract/v1/Contract/Signed/v1';

const { trial, clients } = await mqttTrial();

function topicOfItsOwn(): string {
  return `test/${randomUUID()}/t`;
}

function contract(key: string): object {
  return { ...(trial.catalogue.get(TYPE)!.example as object), Contract: key };
}

describe.each([4, 5] as const)('MQTT version %i', (version) => {
  it('brings a message to who is subscribed to its topic, as it was published', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(version);
    expect(await receiver.subscribe(topic.replace(/\/t$/, '/#'))).toEqual([1]);
    const publisher = await clients.connected(version);
    expect(await publisher.published(topic, 'any bytes')).toBe(0);
    const delivery = await receiver.next('publish');
    expect(delivery).toMatchObject({ topic, qos: 1, dup: false, retain: false, payload: Buffer.from('any bytes') });
    receiver.acknowledge(delivery);
    expect(await publisher.published(topic, 'next')).toBe(0);
    receiver.acknowledge(await receiver.next('publish'));
    expect(receiver.payloads).toEqual(['any bytes', 'next']);
  });

  it('publishes and delivers an event of a type of the catalogue', async () => {
    const receiver = await clients.connected(version);
    await receiver.subscribe(TOPIC, { rh: 2 });
    const publisher = await clients.connected(version);
    const key = `C-${randomUUID().slice(0, 8)}`;
    const event = { specversion: '1.0', id: randomUUID(), source: '/test', type: TYPE, data: contract(key) };
    expect(await publisher.published(TOPIC, JSON.stringify(event))).toBe(0);
    await vi.waitFor(() => expect(receiver.payloads.some((payload) => payload.includes(key))).toBe(true), SOON);
    const delivery = receiver.deliveries.find(({ payload }) => payload.toString().includes(key))!;
    const json = JSON.parse(delivery.payload.toString()) as Record<string, unknown>;
    expect(delivery.topic).toBe(TOPIC);
    if (version === 4) expect(json).toMatchObject({ id: event.id, type: TYPE, data: { Contract: key } });
    else {
      expect(json).toMatchObject({ Contract: key });
      expect(delivery.properties).toMatchObject({
        contentType: 'application/json',
        userProperties: { specversion: '1.0', id: event.id, type: TYPE, source: '/test' },
      });
    }
  });

  it('takes a message of QoS 2 once for its packet id', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(version);
    await receiver.subscribe(topic);
    const publisher = await clients.connected(version);
    publisher.publish(topic, 'once', { qos: 2, messageId: 9 });
    await publisher.next('pubrec');
    publisher.publish(topic, 'once', { qos: 2, messageId: 9, dup: true });
    await publisher.next('pubrec');
    publisher.say({ cmd: 'pubrel', messageId: 9 });
    expect(await publisher.next('pubcomp')).toMatchObject({ messageId: 9 });
    publisher.publish(topic, 'and another', { qos: 2, messageId: 9 });
    await publisher.next('pubrec');
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(2), SOON);
    expect(receiver.payloads).toEqual(['once', 'and another']);
  });

  it('delivers with QoS 0 to who wants no more, and waits for no acknowledgement', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(version);
    expect(await receiver.subscribe(topic, { qos: 0 })).toEqual([0]);
    const publisher = await clients.connected(version);
    for (let n = 0; n < 20; n += 1) publisher.publish(topic, `m${n}`, { qos: 0 });
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(20), SOON);
    expect(receiver.payloads).toEqual(Array.from({ length: 20 }, (_, n) => `m${n}`));
    expect(receiver.deliveries.every(({ qos }) => qos === 0)).toBe(true);
  });

  it('grants QoS 1 to who asks for 2, and nothing of the server itself', async () => {
    const receiver = await clients.connected(version);
    expect(await receiver.subscribe(topicOfItsOwn(), { qos: 2 })).toEqual([1]);
    const refused = version === 4 ? 0x80 : REASONS.topicFilterInvalid;
    for (const filter of ['$SYS/#', '$SYS/broker/clients', 'a//b']) {
      expect(await receiver.subscribe(filter), filter).toEqual([refused]);
    }
  });

  it('says no to whoever may not', async () => {
    const topic = topicOfItsOwn();
    const caller = callerFor('local', ['consume:topic:allowed/*'], 'small');
    const client = await clients.connected(version, {}, caller);
    expect(await client.subscribe('allowed/#')).toEqual([version === 4 ? 0x80 : REASONS.notAuthorized]);
    expect(await client.subscribe('allowed/here/#')).toEqual([1]);
    expect(await client.subscribe('queue:orders')).toEqual([version === 4 ? 0x80 : REASONS.notAuthorized]);
    client.publish(topic, 'x');
    if (version === 5) expect(await client.next('puback')).toMatchObject({ reasonCode: REASONS.notAuthorized });
    // It has no way to say no but to end, and never acknowledges what is not in the log.
    else {
      await client.closed();
      expect(client.packets.map(({ cmd }) => cmd)).not.toContain('puback');
    }
  });

  it('a client that stays away from its keep alive is let go', async () => {
    const client = await clients.open(version);
    await client.connect({ keepalive: 1 });
    await client.closed();
    const last = version === 4 ? { cmd: 'connack' } : { reasonCode: REASONS.keepAliveTimeout };
    expect(client.packets.at(-1)).toMatchObject(last);
  });

  it('answers pings', async () => {
    const client = await clients.connected(version);
    client.say({ cmd: 'pingreq' });
    expect(await client.next('pingresp')).toBeDefined();
  });

  it('a packet that is larger than allowed, or cannot be read, ends the connection and no other', async () => {
    const stays = await clients.connected(version);
    for (const bytes of [
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0x00, 0x00]),
      Buffer.from([0x36, 0x00]),
    ]) {
      const client = await clients.connected(version);
      client.bytes(bytes);
      await client.closed();
    }
    stays.say({ cmd: 'pingreq' });
    expect(await stays.next('pingresp')).toBeDefined();
  });
});

describe('what MQTT 5 adds', () => {
  it('a reason for each message that is refused, and the others are taken', async () => {
    const client = await clients.connected(5);
    expect(await client.published('a//b', 'x')).toBe(REASONS.topicNameInvalid);
    expect(await client.published('queue:not-there', 'x')).toBe(REASONS.topicNameInvalid);
    expect(
      await client.published(TOPIC, '{"no":"contract"}', { properties: { contentType: 'application/json' } }),
    ).toBe(REASONS.payloadFormatInvalid);
    expect(await client.published(topicOfItsOwn(), 'x')).toBe(0);
    const long = `${'a/'.repeat(20)}a`;
    expect(await client.published(long, 'x')).toBe(REASONS.topicNameInvalid);
  });

  it('topic aliases both ways, and subscription identifiers', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(5, { properties: { topicAliasMaximum: 1 } });
    await receiver.subscribe(topic, {}, { subscriptionIdentifier: 41 });
    const publisher = await clients.connected(5);
    await publisher.published(topic, 'one', { properties: { topicAlias: 3 } });
    await publisher.published('', 'two', { properties: { topicAlias: 3 } });
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(2), SOON);
    expect(receiver.deliveries.map((delivery) => [delivery.topic, delivery.properties?.topicAlias])).toEqual([
      [topic, 1],
      ['', 1],
    ]);
    expect(receiver.deliveries[0]!.properties?.subscriptionIdentifier).toBe(41);
    publisher.publish('', 'x', { properties: { topicAlias: 4 } });
    expect(await publisher.next('disconnect')).toMatchObject({ reasonCode: REASONS.protocolError });
  });

  it('what a session has published itself is not for a subscription without local messages', async () => {
    const topic = topicOfItsOwn();
    const both = await clients.connected(5);
    await both.subscribe(topic, { nl: true });
    const other = await clients.connected(5);
    await both.published(topic, 'own');
    await other.published(topic, 'of another');
    await vi.waitFor(() => expect(both.payloads).toEqual(['of another']), SOON);
  });

  it('a message says for how long it is still good, and is not delivered after that', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(5, {
      clientId: topic.split('/')[1]!,
      properties: { sessionExpiryInterval: 60 },
    });
    await receiver.subscribe(topic);
    receiver.leave();
    await receiver.closed();
    const publisher = await clients.connected(5);
    await publisher.published(topic, 'short', { properties: { messageExpiryInterval: 1 } });
    const isOverAt = Date.now() + 1000;
    await publisher.published(topic, 'long', { properties: { messageExpiryInterval: 1000 } });
    await vi.waitUntil(() => Date.now() > isOverAt, SOON);
    const again = await clients.open(5);
    await again.connect({ clientId: topic.split('/')[1]!, clean: false, properties: { sessionExpiryInterval: 0 } });
    const delivery = await again.next('publish');
    expect(delivery.payload.toString()).toBe('long');
    expect(delivery.properties!.messageExpiryInterval).toBeGreaterThan(990);
    expect(delivery.properties!.messageExpiryInterval).toBeLessThanOrEqual(1000);
  });

  it('never more messages at once than the client takes', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(5, { properties: { receiveMaximum: 3 } });
    await receiver.subscribe(topic);
    const publisher = await clients.connected(5);
    for (let n = 0; n < 8; n += 1) await publisher.published(topic, `m${n}`);
    await vi.waitFor(() => expect(receiver.deliveries).toHaveLength(3), SOON);
    for (let n = 0; n < 8; n += 1) {
      expect(receiver.deliveries.length).toBeLessThanOrEqual(n + 3);
      await vi.waitUntil(() => receiver.deliveries.length > n, SOON);
      receiver.acknowledge(receiver.deliveries[n]!);
    }
    expect(receiver.payloads).toEqual(Array.from({ length: 8 }, (_, n) => `m${n}`));
  });

  it('a message larger than the client takes is a dead letter, and the next one comes', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(5, { properties: { maximumPacketSize: 500 } });
    await receiver.subscribe(topic);
    const publisher = await clients.connected(5);
    await publisher.published(topic, 'x'.repeat(600));
    await publisher.published(topic, 'small');
    expect((await receiver.next('publish')).payload.toString()).toBe('small');
  });

  it('the last event of each object is retained, for who wants that', async () => {
    const publisher = await clients.connected(5);
    const keys = [`C-${randomUUID().slice(0, 8)}`, `C-${randomUUID().slice(0, 8)}`];
    const last: string[] = [];
    for (const key of [...keys, ...keys]) {
      const event = { specversion: '1.0', id: randomUUID(), source: '/test', type: TYPE, data: contract(key) };
      await publisher.published(TOPIC, JSON.stringify(event));
      last.push(event.id);
    }
    const wants = await clients.connected(5);
    await wants.subscribe(TOPIC, { rh: 0 });
    await vi.waitFor(() => {
      const ids = wants.deliveries.map(({ properties }) => properties?.userProperties?.['id']);
      expect(ids).toEqual(expect.arrayContaining(last.slice(2)));
      expect(ids).not.toContain(last[0]);
    }, SOON);
    expect(wants.deliveries.every(({ retain, qos, dup }) => retain && qos === 1 && !dup)).toBe(true);
    const wantsNot = await clients.connected(5);
    await wantsNot.subscribe(TOPIC, { rh: 2 });
    await publisher.published(
      TOPIC,
      JSON.stringify({ specversion: '1.0', id: 'new-one', source: '/test', type: TYPE, data: contract(keys[0]!) }),
    );
    const first = await wantsNot.next('publish');
    expect(first).toMatchObject({ retain: false, properties: { userProperties: { id: 'new-one' } } });
  });
});

it('what a client says in one piece with its goodbye counts: what it publishes, and what it acknowledges', async () => {
  const topic = topicOfItsOwn();
  const receiver = await clients.connected(5);
  await receiver.subscribe(topic);
  const clientId = randomUUID();
  const kept = { clientId, clean: false, properties: { sessionExpiryInterval: 60 } };
  const leaves = await clients.connected(5, kept);
  await leaves.subscribe(topic);
  const publisher = await clients.connected(5);
  await publisher.published(topic, 'before');
  const { messageId = 0 } = await leaves.next('publish');
  leaves.sayAll([
    { cmd: 'puback', messageId, reasonCode: 0 },
    { cmd: 'publish', topic, payload: 'goodbye', qos: 0, dup: false, retain: false },
    { cmd: 'disconnect', reasonCode: 0 },
  ]);
  await vi.waitFor(() => expect(receiver.payloads).toEqual(['before', 'goodbye']), SOON);
  const again = await clients.open(5);
  expect(await again.connect(kept)).toMatchObject({ sessionPresent: true });
  await vi.waitFor(() => expect(again.payloads).toEqual(['goodbye']), SOON);
});
