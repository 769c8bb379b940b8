import { describe, expect, it } from 'vitest';
import { messageOfPacket, propertiesOfMessage } from './message-packet.js';
import { packetBytes, PacketReader } from './mqtt.frames.js';
import { REASONS, reasonOf, returnCodeOf, verdictOf } from './reason-codes.js';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const FIRST = { attempt: 1, redelivery: 'no', cycle: '' } as const;

describe('a PUBLISH of a client', () => {
  it('is a message with its content type and its time', () => {
    const payload = Buffer.from('{}');
    const properties = { contentType: 'application/json', messageExpiryInterval: 60 };
    expect(messageOfPacket({ payload, properties }, 'a/b', NOW)).toEqual({
      address: 'topic:a/b',
      contentType: 'application/json',
      body: payload,
      expiresAt: NOW + 60_000,
    });
    expect(messageOfPacket({ payload }, 'queue:orders', NOW)).toEqual({
      address: 'queue:orders',
      contentType: '',
      body: payload,
    });
  });

  it('is an event in binary mode when its user properties say so', () => {
    const userProperties = { specversion: '1.0', id: '1', type: 't', source: '/s', 'x-own': 'not an attribute' };
    const { attributes } = messageOfPacket({ payload: 'x', properties: { userProperties } }, 'a/b', NOW);
    expect(attributes).toEqual({ id: '1', type: 't', source: '/s' });
    const other = messageOfPacket({ payload: 'x', properties: { userProperties: { id: '1' } } }, 'a/b', NOW);
    expect(other.attributes).toBeUndefined();
  });

  it('says an attribute once', () => {
    const userProperties = { specversion: '1.0', id: ['1', '2'] };
    let reason = 0;
    try {
      messageOfPacket({ payload: 'x', properties: { userProperties } }, 'a/b', NOW);
    } catch (error) {
      reason = reasonOf(error);
    }
    expect(reason).toBe(REASONS.payloadFormatInvalid);
  });
});

describe('a PUBLISH to a client', () => {
  const message = {
    id: 'e1',
    contentType: 'application/json',
    body: Buffer.from('{}'),
    address: 'topic:a/b',
    attributes: [
      ['id', 'e1'],
      ['type', 't'],
    ] as const,
    expiresAt: NOW + 1500,
    isRaw: false,
  };

  it('says in properties what it is, and how long it is good for', () => {
    expect(propertiesOfMessage(message, FIRST, [7], NOW)).toEqual({
      contentType: 'application/json',
      payloadFormatIndicator: true,
      messageExpiryInterval: 2,
      userProperties: { specversion: '1.0', id: 'e1', type: 't' },
      subscriptionIdentifier: 7,
    });
  });

  it('says that it came before, and of which cycle it is', () => {
    const { userProperties } = propertiesOfMessage(message, { attempt: 3, redelivery: 'yes', cycle: 'c1' }, [], NOW);
    expect(userProperties).toMatchObject({
      'heddle-attempt': '3',
      'heddle-redelivery': 'yes',
      'heddle-cycle': 'c1',
    });
  });

  it('is read by a client as it was meant, with all its identifiers', () => {
    const properties = propertiesOfMessage(message, FIRST, [7, 8], NOW);
    const reader = new PacketReader(1000);
    const connect = packetBytes(
      { cmd: 'connect', clientId: 'c', protocolVersion: 5, protocolId: 'MQTT', clean: true },
      5,
    );
    const publish = { cmd: 'publish' as const, topic: 'a/b', payload: 'x', qos: 0 as const, dup: false, retain: false };
    const bytes = packetBytes({ ...publish, properties }, 5);
    const [, packet] = [...reader.read(Buffer.concat([connect, bytes]))];
    expect(packet).toMatchObject({ topic: 'a/b', properties: { subscriptionIdentifier: [7, 8] } });
  });
});

it('a PUBACK settles: done, once more, or never again', () => {
  expect([undefined, 0, 0x10].map(verdictOf)).toEqual(['accept', 'accept', 'accept']);
  expect([0x80, 0x83, 0x91, 0x97].map(verdictOf)).toEqual(['release', 'release', 'release', 'release']);
  expect([0x87, 0x90, 0x99].map(verdictOf)).toEqual(['reject', 'reject', 'reject']);
});

it('every reason is one of the five return codes of MQTT 3.1.1', () => {
  for (const reason of Object.values(REASONS)) {
    const code = returnCodeOf(reason);
    expect(code, String(reason)).toBeGreaterThanOrEqual(reason === REASONS.success ? 0 : 1);
    expect(code).toBeLessThanOrEqual(5);
  }
});
