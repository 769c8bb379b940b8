import { randomUUID } from 'node:crypto';
import { type IConnectPacket, generate } from 'mqtt-packet';
import { describe, expect, it, vi } from 'vitest';
import { callerFor } from '../../identity/identity-trial.js';
import { SOON, type TrialClient, mqttTrial } from './mqtt-trial.js';
import { REASONS } from './reason-codes.js';
import { sessionQueue } from './session-name.js';

const here = callerFor();
const MAX_IN_FLIGHT = 3;

const { trial, clients } = await mqttTrial({ HEDDLE_MQTT_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT) });

function topicOfItsOwn(): string {
  return `test/${randomUUID()}/t`;
}

function connectBytes(version: 4 | 5, fields: Partial<IConnectPacket> = {}): Buffer {
  const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: version, clean: true, clientId: 'c' } as const;
  return generate({ ...packet, keepalive: 60, ...fields }, { protocolVersion: version });
}

async function endOf(client: TrialClient): Promise<number | undefined> {
  await client.closed();
  const last = client.packets.at(-1);
  return last?.cmd === 'disconnect' ? last.reasonCode : undefined;
}

describe('a packet that cannot be read, or may not be said', () => {
  it('ends the connection, in MQTT 5 with the reason and in 3.1.1 without a word', async () => {
    const wrong = Buffer.from([0x30, 4, 0, 2, 0xc3, 0x28]);
    const five = await clients.connected(5);
    five.bytes(wrong);
    expect(await endOf(five)).toBe(REASONS.malformedPacket);
    const four = await clients.connected(4);
    four.bytes(wrong);
    await four.closed();
    expect(four.packets.map(({ cmd }) => cmd)).toEqual(['connack']);
  });

  it('MQTT-3.1.4-1: to what is no CONNECT there is no answer in 3.1.1, in 5 there is the reason', async () => {
    for (const version of [4, 5] as const) {
      const bytes = connectBytes(version);
      // The flag that is reserved; it stands behind the version.
      bytes[9]! |= 1;
      const client = await clients.open(version);
      client.bytes(bytes);
      await client.closed();
      const said = version === 4 ? [] : [{ cmd: 'connack', reasonCode: REASONS.malformedPacket }];
      expect(client.packets).toMatchObject(said);
      const early = await clients.open(version);
      early.say({ cmd: 'pingreq' });
      await early.closed();
      expect(early.packets).toEqual([]);
    }
  });

  it('topics: wildcards, none at all, aliases that there cannot be', async () => {
    const ends: [topic: string, alias: number | undefined, reason: number][] = [
      ['a/+', undefined, REASONS.topicNameInvalid],
      ['a/#', undefined, REASONS.topicNameInvalid],
      ['', undefined, REASONS.protocolError],
      ['a/b', 0, REASONS.topicAliasInvalid],
      ['a/b', 65, REASONS.topicAliasInvalid],
    ];
    for (const [topic, topicAlias, reason] of ends) {
      const client = await clients.connected(5);
      client.publish(topic, 'x', topicAlias === undefined ? {} : { properties: { topicAlias } });
      expect([topic, topicAlias, await endOf(client)]).toEqual([topic, topicAlias, reason]);
    }
  });

  it('a will that could never be published is refused with its CONNECT', async () => {
    for (const topic of ['a', 'a/+/b', 'a//b']) {
      const client = await clients.open(5);
      const will = { topic, payload: Buffer.from('x'), qos: 0 as const, retain: false };
      expect(await client.connect({ will })).toMatchObject({ reasonCode: REASONS.topicNameInvalid });
    }
  });

  it('MQTT-3.8.3-4: a group without what is local; nothing of its packet is done', async () => {
    const topic = topicOfItsOwn();
    const clientId = randomUUID();
    const kept = { clientId, clean: false, properties: { sessionExpiryInterval: 60 } };
    const client = await clients.connected(5, kept);
    const subscriptions = [
      { topic, qos: 1 as const },
      { topic: `$share/g/${topic}`, qos: 1 as const, nl: true },
    ];
    client.say({ cmd: 'subscribe', messageId: 1, subscriptions });
    expect(await endOf(client)).toBe(REASONS.protocolError);
    const again = await clients.connected(5, kept);
    await again.published(topic, 'for nobody');
    await again.subscribe(topic);
    await again.published(topic, 'for it');
    expect((await again.next('publish')).payload.toString()).toBe('for it');
  });
});

describe('limits of both sides', () => {
  it('a message of QoS 2 is under way until it is released', async () => {
    const topic = topicOfItsOwn();
    const client = await clients.connected(5);
    const publish = (messageId: number): void => client.publish(topic, `m${messageId}`, { qos: 2, messageId });
    for (let id = 1; id <= MAX_IN_FLIGHT; id += 1) {
      publish(id);
      await client.next('pubrec');
    }
    client.say({ cmd: 'pubrel', messageId: 1 });
    await client.next('pubcomp');
    publish(4);
    // The same one again is no other one.
    publish(4);
    await client.next('pubrec');
    publish(5);
    expect(await endOf(client)).toBe(REASONS.receiveMaximumExceeded);
  });

  it('MQTT-3.1.2-24: no packet is larger than the client takes; words are left out, and else it ends', async () => {
    const client = await clients.open(5);
    const small = { clientId: randomUUID(), properties: { maximumPacketSize: 45 } };
    expect(await client.connect(small)).toMatchObject({ reasonCode: 0 });
    expect(await client.published(`a//${'b'.repeat(40)}`, 'x')).toBe(REASONS.topicNameInvalid);
    const answer = client.packets.find(({ cmd }) => cmd === 'puback')!;
    expect(answer).not.toHaveProperty('properties');
    const subscriptions = Array.from({ length: 60 }, (_, n) => ({ topic: `a/${n}`, qos: 0 as const }));
    client.say({ cmd: 'subscribe', messageId: 1, subscriptions });
    expect(await endOf(client)).toBe(REASONS.packetTooLarge);
    const tiny = await clients.open(5);
    tiny.bytes(connectBytes(5, { properties: { maximumPacketSize: 10 } }));
    await tiny.closed();
    expect(tiny.packets.filter(({ cmd }) => cmd === 'connack')).toEqual([]);
  });

  it('MQTT-3.1.2-29: who wants no words about problems gets none with an answer', async () => {
    const client = await clients.connected(5, { properties: { requestProblemInformation: false } });
    expect(await client.published('a//b', 'x')).toBe(REASONS.topicNameInvalid);
    expect(client.packets.at(-1)).not.toHaveProperty('properties');
  });

  it('MQTT-3.1.2-22: bytes of a packet that never comes keep nobody alive', async () => {
    const client = await clients.open(5);
    await client.connect({ keepalive: 1 });
    client.bytes(Buffer.from([0x30, 0x7f]));
    const drip = setInterval(() => client.bytes(Buffer.from([0])), 200);
    expect(await endOf(client).finally(() => clearInterval(drip))).toBe(REASONS.keepAliveTimeout);
  });
});

describe('sessions and wills', () => {
  it.each([4, 5] as const)(
    'MQTT-3.1.2-6: version %i, what was not to be kept is not there for the next connection',
    async (version) => {
      const topic = topicOfItsOwn();
      const clientId = randomUUID();
      const before = await clients.connected(version, { clientId, clean: true });
      await before.subscribe(topic);
      const after = await clients.open(version);
      expect(await after.connect({ clientId, clean: false })).toMatchObject({ sessionPresent: false });
      await before.closed();
      await after.published(topic, 'for nobody');
      await after.subscribe(topic);
      await after.published(topic, 'for it');
      expect((await after.next('publish')).payload.toString()).toBe('for it');
    },
  );

  it('MQTT-3.1.2-8: whoever leaves with any other reason than that all is well has its will published', async () => {
    const topic = topicOfItsOwn();
    const watches = await clients.connected(5);
    await watches.subscribe(topic);
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'answers/will',
      correlationData: Buffer.from([0, 255]),
    };
    for (const reasonCode of [0x00, 0x80, 0x04]) {
      const payload = Buffer.from(`left with ${reasonCode}`);
      const client = await clients.connected(5, { will: { topic, payload, qos: 1, retain: false, properties } });
      client.say({ cmd: 'disconnect', reasonCode });
      await client.closed();
    }
    await vi.waitFor(() => expect(watches.payloads.toSorted()).toEqual(['left with 128', 'left with 4']), SOON);
    expect(watches.deliveries[0]!.properties).toMatchObject(properties);
  });

  it.each([4, 5] as const)(
    'version %i, a client whose queue is deleted is told, and its other subscriptions stay',
    async (version) => {
      const queue = `q-${randomUUID()}`;
      const topic = topicOfItsOwn();
      const clientId = randomUUID();
      await trial.ask(here, 'PUT', `/v1/queues/${queue}`, { topicPatterns: [] });
      const kept = { clientId, clean: false, ...(version === 5 ? { properties: { sessionExpiryInterval: 60 } } : {}) };
      const client = await clients.connected(version, kept);
      expect(await client.subscribe(`queue:${queue}`)).toEqual([1]);
      expect(await client.subscribe(topic)).toEqual([1]);
      await trial.ask(here, 'DELETE', `/v1/queues/${queue}`);
      await client.closed();
      if (version === 5) {
        const reasonString = `The queue ${queue} was deleted.`;
        const told = { cmd: 'disconnect', reasonCode: REASONS.administrativeAction, properties: { reasonString } };
        expect(client.packets.at(-1)).toMatchObject(told);
      }
      const again = await clients.open(version);
      expect(await again.connect(kept)).toMatchObject({ sessionPresent: true });
      await again.published(topic, 'still here');
      expect((await again.next('publish')).payload.toString()).toBe('still here');
      const { json } = await trial.ask(
        here,
        'GET',
        `/v1/queues/${encodeURIComponent(sessionQueue(here.client, clientId))}`,
      );
      expect(json['topicPatterns']).toEqual([topic]);
      expect(await again.subscribe(`queue:${queue}`)).toEqual([version === 4 ? 0x80 : REASONS.topicFilterInvalid]);
    },
  );
});

describe('a message', () => {
  it('MQTT-3.3.2-4, -15, -16, -17, -20: reaches its receivers with all that its publisher said of it', async () => {
    const topic = topicOfItsOwn();
    const receiver = await clients.connected(5);
    await receiver.subscribe(topic);
    const properties = {
      ...{ payloadFormatIndicator: true, contentType: 'text/x-own', responseTopic: 'answers/7' },
      correlationData: Buffer.from([0, 1, 0xff]),
      userProperties: { Zulu: ['1', '2'], alpha: 'ä\n', 'x y': '' },
    };
    await receiver.published(topic, 'x', { properties });
    const told = (await receiver.next('publish')).properties!;
    expect(told).toMatchObject(properties);
    // An event of CloudEvents, too, for who knows it.
    expect(told.userProperties).toMatchObject({ specversion: '1.0', type: 'heddle.raw.v1.Message.Published.v1' });
    expect(Object.keys(told.userProperties!).filter((name) => name.startsWith('mqtt'))).toEqual([]);
  });

  it('MQTT-3.8.3-3: of its own publisher, only the subscriptions that want it count', async () => {
    const topic = topicOfItsOwn();
    const both = await clients.connected(5);
    await both.subscribe(topic, { nl: true }, { subscriptionIdentifier: 1 });
    await both.subscribe(topic.replace(/\/t$/, '/#'), { qos: 0 }, { subscriptionIdentifier: 2 });
    await both.published(topic, 'own');
    expect(await both.next('publish')).toMatchObject({ qos: 0, properties: { subscriptionIdentifier: 2 } });
    const other = await clients.connected(5);
    await other.published(topic, 'of another');
    const overlapping = await both.next('publish');
    expect(overlapping).toMatchObject({ qos: 1, payload: Buffer.from('of another') });
    expect(overlapping.properties!.subscriptionIdentifier).toEqual([1, 2]);
  });
});
