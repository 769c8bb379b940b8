import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { type MqttVersion, PacketReader, packetBytes } from './mqtt.frames.js';
import { REASONS, reasonOf } from './reason-codes.js';

const LIMIT = 10_000;

function session(version: MqttVersion): Buffer[] {
  const packets: Packet[] = [
    { cmd: 'connect', clientId: 'c', protocolVersion: version, protocolId: 'MQTT', clean: true, keepalive: 10 },
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/+/c/#', qos: 1 }] },
    { cmd: 'publish', topic: 'a/b', payload: Buffer.from('first'), qos: 1, messageId: 2, dup: false, retain: false },
    { cmd: 'publish', topic: 'a/b', payload: Buffer.alloc(300, 1), qos: 0, dup: false, retain: false },
    { cmd: 'pingreq' },
    { cmd: 'disconnect' },
  ];
  return packets.map((packet) => packetBytes(packet, version));
}

function reasonFor(bytes: Buffer, reader = new PacketReader(LIMIT)): number {
  try {
    const packets = [...reader.read(bytes)];
    throw new Error(`read as ${packets.map(({ cmd }) => cmd).join(', ')}`);
  } catch (error) {
    return reasonOf(error);
  }
}

describe.each<MqttVersion>([4, 5])('packets of version %i', (version) => {
  it('are the same however their bytes are cut', () => {
    const bytes = Buffer.concat(session(version));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const reader = new PacketReader(LIMIT);
        const at = [0, ...cuts.toSorted((one, other) => one - other), bytes.length];
        const packets = at.slice(1).flatMap((end, index) => [...reader.read(bytes.subarray(at[index], end))]);
        expect(packets.map(({ cmd }) => cmd)).toEqual([
          'connect',
          'subscribe',
          'publish',
          'publish',
          'pingreq',
          'disconnect',
        ]);
        expect(packets[2]).toMatchObject({ topic: 'a/b', messageId: 2, payload: Buffer.from('first') });
        expect(reader.version).toBe(version);
        expect(reader.waiting).toBe(0);
      }),
    );
  });

  it('are refused by the length they say they have, before they are there', () => {
    const reader = new PacketReader(LIMIT);
    expect([...reader.read(session(version)[0]!)]).toHaveLength(1);
    expect(reasonFor(Buffer.from([0x30, 0xff, 0xff, 0x7f]), reader)).toBe(REASONS.packetTooLarge);
  });

  it('end the reading when they cannot be read', () => {
    const reader = (): PacketReader => {
      const begun = new PacketReader(LIMIT);
      expect([...begun.read(session(version)[0]!)]).toHaveLength(1);
      return begun;
    };
    for (const wrong of [
      [0x30, 0xff, 0xff, 0xff, 0xff, 0x7f],
      [0x00, 0x00],
      [0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01],
      [0x80, 0x02, 0x00, 0x01],
      [0x30, 0x02, 0x00, 0x09],
    ]) {
      expect(reasonFor(Buffer.from(wrong), reader()), wrong.join(' ')).toBe(REASONS.malformedPacket);
    }
  });
});

it('the first packet is CONNECT, of a version that is spoken here', () => {
  expect(reasonFor(packetBytes({ cmd: 'pingreq' }, 4))).toBe(REASONS.protocolError);
  const connect = session(4)[0]!;
  for (const version of [0, 3, 6, 132]) {
    const other = Buffer.from(connect);
    other[8] = version;
    expect(reasonFor(other), String(version)).toBe(REASONS.unsupportedVersion);
  }
  const old = packetBytes({ cmd: 'connect', clientId: 'c', protocolVersion: 3, protocolId: 'MQIsdp', clean: true }, 4);
  expect(reasonFor(old)).toBe(REASONS.unsupportedVersion);
  expect(reasonFor(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe(REASONS.protocolError);
});
