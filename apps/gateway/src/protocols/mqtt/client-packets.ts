import { FieldReader, malformed } from './field-reader.js';
import { type Properties, type PropertySet, readProperties } from './properties.js';
import { MqttRefusal, REASONS } from './reason-codes.js';

/** The versions that are spoken here: 3.1.1 and 5. */
export type MqttVersion = 4 | 5;

type Qos = 0 | 1 | 2;

export interface WillFields {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
  properties: Properties;
}

export interface ConnectPacket {
  cmd: 'connect';
  clean: boolean;
  /** Seconds; 0 for none. */
  keepalive: number;
  properties: Properties;
  clientId: string;
  will?: WillFields;
  username?: string;
  password?: Buffer;
}

export interface PublishPacket {
  cmd: 'publish';
  dup: boolean;
  qos: Qos;
  retain: boolean;
  topic: string;
  /** 0 with QoS 0. */
  messageId: number;
  properties: Properties;
  payload: Buffer;
}

export interface AcknowledgePacket {
  cmd: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  messageId: number;
  reasonCode: number;
  properties: Properties;
}

/** A topic filter with what is wanted of it (MQTT 5 §3.8.3.1). */
export interface AskedSubscription {
  topic: string;
  qos: Qos;
  /** No local. */
  nl?: boolean;
  /** Retain as published. */
  rap?: boolean;
  /** Retain handling. */
  rh?: number;
}

export interface SubscribePacket {
  cmd: 'subscribe';
  messageId: number;
  properties: Properties;
  subscriptions: AskedSubscription[];
}

export interface UnsubscribePacket {
  cmd: 'unsubscribe';
  messageId: number;
  unsubscriptions: string[];
}

export interface DisconnectPacket {
  cmd: 'disconnect';
  reasonCode: number;
  properties: Properties;
}

/** What a client says. */
export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AcknowledgePacket
  | SubscribePacket
  | UnsubscribePacket
  | DisconnectPacket
  | { cmd: 'pingreq' };

/** Types of packets that clients say (MQTT 5 §2.1.2). */
const TYPES = {
  ...{ connect: 1, publish: 3, puback: 4, pubrec: 5, pubrel: 6, pubcomp: 7 },
  ...{ subscribe: 8, unsubscribe: 10, pingreq: 12, disconnect: 14 },
} as const;
const ACKNOWLEDGEMENTS = new Map<number, AcknowledgePacket['cmd']>([
  [TYPES.puback, 'puback'],
  [TYPES.pubrec, 'pubrec'],
  [TYPES.pubrel, 'pubrel'],
  [TYPES.pubcomp, 'pubcomp'],
]);
/** The flags of the fixed header that are not free (MQTT 5 §2.1.3). */
const FLAGS = new Map<number, number>([
  [TYPES.pubrel, 2],
  [TYPES.subscribe, 2],
  [TYPES.unsubscribe, 2],
]);

const IN_MESSAGE = [
  'payloadFormatIndicator',
  'messageExpiryInterval',
  'contentType',
  'responseTopic',
  'correlationData',
] as const;
const OF_CONNECT: PropertySet = new Set([
  'sessionExpiryInterval',
  'receiveMaximum',
  'maximumPacketSize',
  'topicAliasMaximum',
  'requestResponseInformation',
  'requestProblemInformation',
  'authenticationMethod',
  'authenticationData',
]);
const OF_WILL: PropertySet = new Set(['willDelayInterval', ...IN_MESSAGE]);
const OF_PUBLISH: PropertySet = new Set(['topicAlias', 'subscriptionIdentifier', ...IN_MESSAGE]);
const OF_ANSWER: PropertySet = new Set(['reasonString']);
const OF_SUBSCRIBE: PropertySet = new Set(['subscriptionIdentifier']);
const OF_UNSUBSCRIBE: PropertySet = new Set();
const OF_DISCONNECT: PropertySet = new Set(['sessionExpiryInterval', 'reasonString']);

/** Reason codes that a client may say (MQTT 5 §2.4, table 2-6). */
const OF_RECEIPT = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const OF_RELEASE = new Set([0x00, 0x92]);
const OF_LEAVING = new Set([...[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]]);

/**
 * One packet of a client, held to the rules of the version it speaks, from the byte of its type on.
 *
 * @param first the first byte of the fixed header
 * @param body all that comes after the fixed header
 * @throws HeddleError `frame-invalid` for what cannot be read; MqttRefusal for what may not be said
 */
export function readPacket(first: number, body: Buffer, version: MqttVersion): ClientPacket {
  const type = first >> 4;
  const flags = first & 0x0f;
  const fields = new FieldReader(body);
  if (type === TYPES.publish) return readPublish(flags, fields, version);
  if (flags !== (FLAGS.get(type) ?? 0)) throw malformed('the flags of its header are not what they have to be');
  const packet = readOther(type, fields, version);
  fields.end();
  return packet;
}

function readOther(type: number, fields: FieldReader, version: MqttVersion): ClientPacket {
  const acknowledgement = ACKNOWLEDGEMENTS.get(type);
  if (acknowledgement !== undefined) return readAcknowledgement(acknowledgement, fields, version);
  switch (type) {
    case TYPES.connect:
      return readConnectPacket(fields, version);
    case TYPES.subscribe:
      return readSubscribe(fields, version);
    case TYPES.unsubscribe:
      return readUnsubscribe(fields, version);
    case TYPES.pingreq:
      return { cmd: 'pingreq' };
    case TYPES.disconnect:
      return readDisconnect(fields, version);
    case 0:
      throw malformed('its type is one that is forbidden');
    default:
      // What only servers say, a type that is none, and AUTH, which nobody here has agreed on (MQTT-4.12.0-6).
      throw new MqttRefusal(REASONS.protocolError, `A packet of type ${type} is not expected here.`);
  }
}

function readConnectPacket(fields: FieldReader, version: MqttVersion): ConnectPacket {
  // Name and version are known by now.
  fields.take(7);
  const flags = fields.byte();
  const has = (bit: number): boolean => (flags & bit) !== 0;
  const qos = (flags >> 3) & 3;
  if (has(0x01)) throw malformed('the flag of CONNECT that is reserved is set');
  if (qos > 2) throw malformed('the QoS of the will is 3');
  if (!has(0x04) && (qos > 0 || has(0x20))) throw malformed('there is no will, and something is said of it');
  if (version === 4 && has(0x40) && !has(0x80)) throw malformed('a password comes with a user');
  const keepalive = fields.uint16();
  const properties = version === 5 ? readProperties(fields, OF_CONNECT) : {};
  const packet: ConnectPacket = { cmd: 'connect', clean: has(0x02), keepalive, properties, clientId: fields.text() };
  if (has(0x04)) {
    const ofWill = version === 5 ? readProperties(fields, OF_WILL) : {};
    const topic = fields.text();
    packet.will = { topic, payload: fields.binary(), qos: qos as Qos, retain: has(0x20), properties: ofWill };
  }
  if (has(0x80)) packet.username = fields.text();
  if (has(0x40)) packet.password = fields.binary();
  return packet;
}

function readPublish(flags: number, fields: FieldReader, version: MqttVersion): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 0x08) !== 0;
  if (qos > 2) throw malformed('its QoS is 3');
  if (dup && qos === 0) throw malformed('nothing of QoS 0 comes again');
  const topic = fields.text();
  const messageId = qos === 0 ? 0 : readId(fields);
  const properties = version === 5 ? readProperties(fields, OF_PUBLISH) : {};
  if (properties.subscriptionIdentifier !== undefined) {
    throw new MqttRefusal(REASONS.protocolError, 'Subscription identifiers are said to clients, not by them.');
  }
  return {
    cmd: 'publish',
    ...{ dup, qos: qos as Qos, retain: (flags & 1) !== 0 },
    ...{ topic, messageId, properties, payload: fields.rest() },
  };
}

function readAcknowledgement(
  cmd: AcknowledgePacket['cmd'],
  fields: FieldReader,
  version: MqttVersion,
): AcknowledgePacket {
  const messageId = readId(fields);
  const known = cmd === 'puback' || cmd === 'pubrec' ? OF_RECEIPT : OF_RELEASE;
  return { cmd, messageId, ...readReason(fields, version, known, OF_ANSWER) };
}

function readDisconnect(fields: FieldReader, version: MqttVersion): DisconnectPacket {
  return { cmd: 'disconnect', ...readReason(fields, version, OF_LEAVING, OF_DISCONNECT) };
}

/** A reason and what is said of it: both may be left out, and MQTT 3.1.1 has neither. */
function readReason(fields: FieldReader, version: MqttVersion, known: ReadonlySet<number>, allowed: PropertySet) {
  const reasonCode = version === 5 && fields.left > 0 ? fields.byte() : 0;
  if (!known.has(reasonCode)) throw malformed(`the reason code ${reasonCode} is none of this packet`);
  return { reasonCode, properties: version === 5 && fields.left > 0 ? readProperties(fields, allowed) : {} };
}

function readSubscribe(fields: FieldReader, version: MqttVersion): SubscribePacket {
  const messageId = readId(fields);
  const properties = version === 5 ? readProperties(fields, OF_SUBSCRIBE) : {};
  if (properties.subscriptionIdentifier === 0) {
    throw new MqttRefusal(REASONS.protocolError, 'A subscription identifier is not 0.');
  }
  const subscriptions: AskedSubscription[] = [];
  while (fields.left > 0) subscriptions.push(readSubscription(fields, version));
  if (subscriptions.length === 0) throw noFilter();
  return { cmd: 'subscribe', messageId, properties, subscriptions };
}

function readSubscription(fields: FieldReader, version: MqttVersion): AskedSubscription {
  const topic = readFilterText(fields);
  const options = fields.byte();
  const qos = options & 3;
  if (qos > 2 || (options & (version === 5 ? 0xc0 : 0xfc)) !== 0) {
    throw malformed('the options of a subscription have bits that are reserved');
  }
  if (version === 4) return { topic, qos: qos as Qos };
  const rh = (options >> 4) & 3;
  if (rh > 2) throw new MqttRefusal(REASONS.protocolError, 'Retain handling is 0, 1 or 2.');
  return { topic, qos: qos as Qos, nl: (options & 0x04) !== 0, rap: (options & 0x08) !== 0, rh };
}

function readUnsubscribe(fields: FieldReader, version: MqttVersion): UnsubscribePacket {
  const messageId = readId(fields);
  if (version === 5) readProperties(fields, OF_UNSUBSCRIBE);
  const unsubscriptions: string[] = [];
  while (fields.left > 0) unsubscriptions.push(readFilterText(fields));
  if (unsubscriptions.length === 0) throw noFilter();
  return { cmd: 'unsubscribe', messageId, unsubscriptions };
}

/** MQTT-4.7.3-1. */
function readFilterText(fields: FieldReader): string {
  const filter = fields.text();
  if (filter === '') throw malformed('a topic filter is empty');
  return filter;
}

/** MQTT-2.2.1-3, in MQTT 3.1.1 MQTT-2.3.1-1. */
function readId(fields: FieldReader): number {
  const id = fields.uint16();
  if (id !== 0) return id;
  throw new MqttRefusal(REASONS.protocolError, 'A packet id is not 0.');
}

function noFilter(): MqttRefusal {
  return new MqttRefusal(REASONS.protocolError, 'At least one topic filter.');
}
