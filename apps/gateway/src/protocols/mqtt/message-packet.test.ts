import { attributeProblem } from '@heddle/event';
import fc from 'fast-check';
import { type Packet, parser } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { messageOfPacket, propertiesOfMessage } from './message-packet.js';
import type { Properties, UserProperty } from './properties.js';
import { publishBytes } from './publish-bytes.js';
import { REASONS, reasonOf, returnCodeOf, verdictOf } from './reason-codes.js';

const NOW = Date.parse('2026-01-31T12:00:00Z');
const FIRST = { attempt: 1, redelivery: 'no', cycle: '' } as const;
const bare = {
  id: 'e',
  contentType: '',
  body: Buffer.from(''),
  address: 'topic:a/b',
  attributes: [],
  expiresAt: undefined,
};

describe('a PUBLISH of a client', () => {
  const said = (properties: Properties, payload = 'x') =>
    messageOfPacket({ payload: Buffer.from(payload), properties, retain: false }, 'a/b', NOW);
  const reasonFor = (properties: Properties, payload?: string | Buffer): number => {
    try {
      messageOfPacket({ payload: Buffer.from(payload ?? 'x'), properties, retain: false }, 'a/b', NOW);
      return 0;
    } catch (error) {
      return reasonOf(error);
    }
  };

  it('is a message with its content type and its time', () => {
    expect(said({ contentType: 'application/json', messageExpiryInterval: 60 }, '{}')).toEqual({
      address: 'topic:a/b',
      contentType: 'application/json',
      body: Buffer.from('{}'),
      expiresAt: NOW + 60_000,
    });
    const body = Buffer.from('{}');
    expect(messageOfPacket({ payload: body, properties: {}, retain: false }, 'queue:orders', NOW)).toEqual({
      ...{ address: 'queue:orders', contentType: '', body },
    });
  });

  it('is an event in binary mode when its user properties say so', () => {
    const userProperties: UserProperty[] = [
      ['specversion', '1.0'],
      ['id', '1'],
      ['type', 't'],
      ['source', '/s'],
      ['x-own', 'not an attribute'],
    ];
    const { attributes, headers } = said({ userProperties });
    expect(attributes).toEqual({ id: '1', type: 't', source: '/s' });
    expect(headers).toEqual({ mqttproperties: '[["x-own","not an attribute"]]' });
    expect(said({ userProperties: [['id', '1']] }).attributes).toBeUndefined();
  });

  it('says an attribute once, names a topic for answers, and is text where it says so', () => {
    const twice: UserProperty[] = [
      ['specversion', '1.0'],
      ['id', '1'],
      ['id', '2'],
    ];
    expect(reasonFor({ userProperties: twice })).toBe(REASONS.payloadFormatInvalid);
    for (const responseTopic of ['', 'a/+', 'a/#']) expect(reasonFor({ responseTopic })).toBe(REASONS.topicNameInvalid);
    expect(reasonFor({ payloadFormatIndicator: true }, Buffer.from([0xff]))).toBe(REASONS.payloadFormatInvalid);
    expect(reasonFor({ payloadFormatIndicator: true }, 'é')).toBe(0);
  });

  it('is told to its receivers as it was said: user properties in their order, response topic, correlation data, format', () => {
    const text = fc.string({ unit: 'binary', maxLength: 10 }).filter((one) => !one.includes('\0'));
    const names = text.filter((name) => !name.startsWith('heddle-') && name !== 'specversion');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(names, text), { maxLength: 5 }),
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom('answers/here', 'queue:answers'),
        fc.boolean(),
        (userProperties, data, responseTopic, isText) => {
          const correlationData = Buffer.from(data);
          const asked: Properties = { userProperties, correlationData, responseTopic };
          if (isText) asked.payloadFormatIndicator = true;
          const { headers = {} } = said(asked);
          const message = { ...bare, isRaw: true, eventAttributes: headers };
          const told = propertiesOfMessage(message, FIRST, [], NOW);
          expect(told.userProperties ?? []).toEqual(userProperties);
          expect(told).toMatchObject({ responseTopic, correlationData });
          expect(told.payloadFormatIndicator).toBe(isText ? true : undefined);
          const attributes = { id: '1', source: '/s', type: 't', ...headers };
          expect(attributeProblem(attributes)).toBeUndefined();
        },
      ),
      { numRuns: 50 },
    );
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
      userProperties: [
        ['specversion', '1.0'],
        ['id', 'e1'],
        ['type', 't'],
      ],
      subscriptionIdentifiers: [7],
    });
  });

  it('says that it came before, and of which cycle it is', () => {
    const { userProperties } = propertiesOfMessage(message, { attempt: 3, redelivery: 'yes', cycle: 'c1' }, [], NOW);
    expect(Object.fromEntries(userProperties!)).toMatchObject({
      'heddle-attempt': '3',
      'heddle-redelivery': 'yes',
      'heddle-cycle': 'c1',
    });
  });

  it('says once what its publisher has said under the name of an attribute, and nothing that is too long for MQTT', () => {
    const eventAttributes = { mqttproperties: '[["id","mine"],["id","again"]]' };
    const attributes = [...message.attributes, ['state', 'x'.repeat(65_536)], ['mqttretain', '1']] as const;
    expect(propertiesOfMessage({ ...message, attributes, eventAttributes }, FIRST, [], NOW).userProperties).toEqual([
      ['specversion', '1.0'],
      ['type', 't'],
      ['id', 'mine'],
      ['id', 'again'],
    ]);
  });

  it('is read by a client as it was meant', () => {
    const given = { ...message, eventAttributes: { replyto: 'topic:answers/here', correlationid: 'c-1' } };
    const properties = propertiesOfMessage(given, FIRST, [7, 300_000], NOW);
    const packets: Packet[] = [];
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => packets.push(packet));
    const payload = Buffer.alloc(300, 'é');
    const packet = { topic: 'a/b', payload, dup: true, retain: true, packetId: 77, properties };
    reader.parse(publishBytes(packet));
    expect(packets[0]).toMatchObject({
      ...{ topic: 'a/b', payload, qos: 1, dup: true, retain: true, messageId: 77 },
      properties: {
        ...{ contentType: 'application/json', messageExpiryInterval: 2, payloadFormatIndicator: true },
        ...{ responseTopic: 'answers/here', correlationData: Buffer.from('c-1') },
        subscriptionIdentifier: [7, 300_000],
        userProperties: { specversion: '1.0', id: 'e1', type: 't' },
      },
    });
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
