import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import type { ClientPacket, MqttVersion } from './client-packets.js';
import { PacketReader, packetBytes } from './mqtt.frames.js';
import { REASONS, reasonOf } from './reason-codes.js';

const MALFORMED = REASONS.malformedPacket;
const PROTOCOL = REASONS.protocolError;

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** One packet of these fields, its length in front of them. */
function packet(first: number, ...fields: (number[] | Buffer)[]): Buffer {
  const body = Buffer.concat(fields.map((field) => Buffer.from(field as Buffer)));
  expect(body.length).toBeLessThan(128);
  return Buffer.concat([Buffer.from([first, body.length]), body]);
}

/** Properties, their length in front of them. */
function properties(...fields: (number[] | Buffer)[]): Buffer {
  const bytes = Buffer.concat(fields.map((field) => Buffer.from(field as Buffer)));
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function connect(version: number, flags: number, ...rest: (number[] | Buffer)[]): Buffer {
  return packet(0x10, text('MQTT'), [version, flags, 0, 10], ...rest);
}

const GREETING: Record<MqttVersion, Buffer> = {
  4: connect(4, 2, text('c')),
  5: connect(5, 2, [0], text('c')),
};

function read(version: MqttVersion, bytes: Buffer): ClientPacket[] {
  return [...new PacketReader(10_000).read(Buffer.concat([GREETING[version], bytes]))].slice(1);
}

function reasonFor(work: () => unknown): number {
  try {
    return work() === undefined ? -1 : 0;
  } catch (error) {
    return reasonOf(error);
  }
}

const NONE = [0];
const ID = [0, 7];
const TOPIC = text('a/b');

describe('a packet that breaks a rule of its version is refused', () => {
  const both: [rule: string, bytes: Buffer, reason: number][] = [
    ['MQTT-1.5.4-1: text that is no UTF-8', packet(0x30, text(Buffer.from([0xc3, 0x28])), NONE), MALFORMED],
    ['MQTT-1.5.4-1: half of a pair', packet(0x30, text(Buffer.from([0xed, 0xa0, 0x80])), NONE), MALFORMED],
    ['MQTT-1.5.4-2: U+0000', packet(0x30, text('a/\0'), NONE), MALFORMED],
    ['MQTT-2.1.3-1: flags of PUBREL', packet(0x60, ID), MALFORMED],
    ['MQTT-2.1.3-1: flags of SUBSCRIBE', packet(0x80, ID, NONE, TOPIC, [1]), MALFORMED],
    ['MQTT-2.1.3-1: flags of PINGREQ', packet(0xc1), MALFORMED],
    ['MQTT-2.2.1-3: packet id 0', packet(0x32, TOPIC, [0, 0], NONE), PROTOCOL],
    ['MQTT-2.2.1-3: packet id 0 of UNSUBSCRIBE', packet(0xa2, [0, 0], NONE, TOPIC), PROTOCOL],
    ['MQTT-3.3.1-2: DUP of QoS 0', packet(0x38, TOPIC, NONE), MALFORMED],
    ['MQTT-3.3.1-4: QoS 3', packet(0x36, TOPIC, ID, NONE), MALFORMED],
    ['a packet id that is not there', packet(0x40, [0]), MALFORMED],
    ['a PINGREQ with something in it', packet(0xc0, [0]), MALFORMED],
    ['a type that is forbidden', packet(0x00), MALFORMED],
    ['what only servers say', packet(0x20, [0, 0]), PROTOCOL],
  ];
  it.each(both)('%s', (_rule, bytes, reason) => {
    expect(reasonFor(() => read(4, bytes))).toBe(reason);
    expect(reasonFor(() => read(5, bytes))).toBe(reason);
  });

  const four: [rule: string, bytes: Buffer, reason: number][] = [
    ['MQTT-3.8.3-3 of 3.1.1: no filter', packet(0x82, ID), PROTOCOL],
    ['MQTT-3-8.3-4 of 3.1.1: QoS 3', packet(0x82, ID, TOPIC, [3]), MALFORMED],
    ['MQTT-3-8.3-4 of 3.1.1: reserved bits', packet(0x82, ID, TOPIC, [0x05]), MALFORMED],
    ['MQTT-4.7.3-1: an empty filter', packet(0x82, ID, text(''), [1]), MALFORMED],
    ['a PUBACK with more than its id', packet(0x40, ID, [0]), MALFORMED],
    ['a DISCONNECT with something in it', packet(0xe0, [0]), MALFORMED],
    ['AUTH, which it does not know', packet(0xf0), PROTOCOL],
  ];
  it.each(four)('in 3.1.1, %s', (_rule, bytes, reason) => expect(reasonFor(() => read(4, bytes))).toBe(reason));

  const five: [rule: string, bytes: Buffer, reason: number][] = [
    ['MQTT-1.5.5-1: a length longer than it has to be', Buffer.from([0xc0, 0x80, 0x00]), MALFORMED],
    ['properties longer than the packet', packet(0x30, TOPIC, [9, 1, 1]), MALFORMED],
    ['a property that there is not', packet(0x30, TOPIC, properties([0x04, 0])), MALFORMED],
    ['a property of another packet', packet(0x30, TOPIC, properties([0x21, 0, 1])), MALFORMED],
    ['MQTT-3.3.4-6: a subscription identifier', packet(0x30, TOPIC, properties([0x0b, 1])), PROTOCOL],
    ['a property twice', packet(0x30, TOPIC, properties([0x02, 0, 0, 0, 0, 0x02, 0, 0, 0, 1])), PROTOCOL],
    ['a payload format of 2', packet(0x30, TOPIC, properties([0x01, 2])), PROTOCOL],
    ['MQTT-3.8.3-2: no filter', packet(0x82, ID, NONE), PROTOCOL],
    ['MQTT-3.8.3-5: reserved bits', packet(0x82, ID, NONE, TOPIC, [0x41]), MALFORMED],
    ['retain handling 3', packet(0x82, ID, NONE, TOPIC, [0x31]), PROTOCOL],
    ['QoS 3 of a subscription', packet(0x82, ID, NONE, TOPIC, [3]), MALFORMED],
    ['a subscription identifier of 0', packet(0x82, ID, properties([0x0b, 0]), TOPIC, [1]), PROTOCOL],
    ['two subscription identifiers', packet(0x82, ID, properties([0x0b, 1, 0x0b, 2]), TOPIC, [1]), PROTOCOL],
    ['MQTT-3.10.3-2: nothing to end', packet(0xa2, ID, NONE), PROTOCOL],
    ['a reason that a PUBACK does not have', packet(0x40, ID, [0x92]), MALFORMED],
    ['a reason that a PUBREL does not have', packet(0x62, ID, [0x80]), MALFORMED],
    ['MQTT-3.14.2-1: a reason that a client does not have', packet(0xe0, [0x8b]), MALFORMED],
    ['MQTT-4.12.0-6: AUTH that nobody has agreed on', packet(0xf0, [0x18, 0]), PROTOCOL],
  ];
  it.each(five)('in 5, %s', (_rule, bytes, reason) => expect(reasonFor(() => read(5, bytes))).toBe(reason));

  const greetings: [rule: string, bytes: Buffer, reason: number][] = [
    ['MQTT-3.1.2-3: the reserved flag', connect(5, 3, NONE, text('c')), MALFORMED],
    ['MQTT-3.1.2-12: a will of QoS 3', connect(5, 0x1e, NONE, text('c'), NONE, TOPIC, text('')), MALFORMED],
    ['MQTT-3.1.2-11: QoS of no will', connect(5, 0x0a, NONE, text('c')), MALFORMED],
    ['MQTT-3.1.2-13: RETAIN of no will', connect(5, 0x22, NONE, text('c')), MALFORMED],
    ['MQTT-3.1.2-22 of 3.1.1: a password of nobody', connect(4, 0x42, text('c'), text('p')), MALFORMED],
    ['a password that is said to be there', connect(5, 0x42, NONE, text('c')), MALFORMED],
    ['more than it says', connect(4, 2, text('c'), [0]), MALFORMED],
    ['receive maximum 0', connect(5, 2, properties([0x21, 0, 0]), text('c')), PROTOCOL],
    ['maximum packet size 0', connect(5, 2, properties([0x27, 0, 0, 0, 0]), text('c')), PROTOCOL],
    ['receive maximum twice', connect(5, 2, properties([0x21, 0, 1, 0x21, 0, 1]), text('c')), PROTOCOL],
    ['request problem information of 2', connect(5, 2, properties([0x17, 2]), text('c')), PROTOCOL],
    ['will delay without a will', connect(5, 2, properties([0x18, 0, 0, 0, 1]), text('c')), MALFORMED],
  ];
  it.each(greetings)('of CONNECT, %s', (_rule, bytes, reason) => {
    expect(reasonFor(() => [...new PacketReader(10_000).read(bytes)])).toBe(reason);
  });
});

describe('what keeps the rules is read as it was said', () => {
  const words = fc.string({ unit: 'binary', maxLength: 30 }).filter((one) => !one.includes('\0'));
  const id = fc.integer({ min: 1, max: 65_535 });
  const qos = fc.constantFrom(0 as const, 1 as const, 2 as const);

  it('a message, with whatever it says of itself', () => {
    const said = fc.record(
      {
        ...{ payloadFormatIndicator: fc.boolean(), messageExpiryInterval: fc.integer({ min: 0, max: 0xffff_ffff }) },
        ...{ contentType: words, responseTopic: words, topicAlias: fc.integer({ min: 1, max: 65_535 }) },
        correlationData: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(words, fc.uint8Array(), qos, id, fc.boolean(), said, (topic, bytes, level, messageId, flag, own) => {
        const payload = Buffer.from(bytes);
        const flags = { qos: level, dup: flag && level > 0, retain: flag };
        const asked: Packet = { cmd: 'publish', topic, payload, messageId, ...flags, properties: own };
        const read5 = read(5, packetBytes(asked, 5));
        const told = { cmd: 'publish', topic, payload, ...flags, messageId: level === 0 ? 0 : messageId };
        expect(read5).toEqual([{ ...told, properties: own }]);
        const { properties: _own, ...old } = asked;
        expect(read(4, packetBytes(old, 4))).toEqual([{ ...told, properties: {} }]);
      }),
    );
  });

  it('user properties in their order, each as often as it was said', () => {
    const pairs = [text('b'), text('1'), text('a'), text('2'), text('b'), text('')];
    const own = properties(...pairs.flatMap((one, at) => (at % 2 === 0 ? [[0x26], one] : [one])));
    const [first] = read(5, packet(0x30, TOPIC, own, Buffer.from('x')));
    expect(first).toMatchObject({
      payload: Buffer.from('x'),
      properties: {
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', ''],
        ],
      },
    });
  });

  it('MQTT-1.5.4-3: what looks like a mark of the order of bytes stays', () => {
    expect(read(4, packet(0x30, text('\ufeffa')))).toMatchObject([{ topic: '\ufeffa' }]);
  });

  it('a CONNECT with everything that it may have', () => {
    const will = { topic: 'w/t', payload: Buffer.from('gone'), qos: 2 as const, retain: true };
    const bytes = packetBytes(
      {
        ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, clean: false, keepalive: 17, clientId: 'é' },
        ...{ username: 'u', password: Buffer.from('p') },
        properties: { sessionExpiryInterval: 9, receiveMaximum: 3, requestProblemInformation: false },
        will: { ...will, properties: { willDelayInterval: 4, contentType: 'text/plain' } },
      },
      5,
    );
    expect([...new PacketReader(1000).read(bytes)]).toEqual([
      {
        ...{ cmd: 'connect', clean: false, keepalive: 17, clientId: 'é', username: 'u', password: Buffer.from('p') },
        properties: { sessionExpiryInterval: 9, receiveMaximum: 3, requestProblemInformation: false },
        will: { ...will, properties: { willDelayInterval: 4, contentType: 'text/plain' } },
      },
    ]);
  });

  it('what may be left out may be left out', () => {
    for (const bytes of [packet(0xe0), packet(0xe0, [4]), packet(0xe0, [4], NONE)]) {
      expect(read(5, bytes)).toEqual([{ cmd: 'disconnect', reasonCode: bytes.length === 2 ? 0 : 4, properties: {} }]);
    }
    for (const bytes of [packet(0x40, ID), packet(0x40, ID, [0]), packet(0x40, ID, [0], NONE)]) {
      expect(read(5, bytes)).toEqual([{ cmd: 'puback', messageId: 7, reasonCode: 0, properties: {} }]);
    }
  });

  it('a length of MQTT 3.1.1 may be longer than it has to be, for no rule says otherwise', () => {
    expect(read(4, Buffer.from([0xc0, 0x80, 0x00]))).toEqual([{ cmd: 'pingreq' }]);
  });
});
