import { FieldReader, malformed } from './field-reader.js';
import { MqttRefusal, REASONS } from './reason-codes.js';

/** A user property: names may come more than once, and their order says something (MQTT-3.3.2-18). */
export type UserProperty = readonly [name: string, value: string];

/** What a client says in the properties of its packets (MQTT 5 §2.2.2.2). */
export interface Properties {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  subscriptionIdentifier?: number;
  sessionExpiryInterval?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: boolean;
  willDelayInterval?: number;
  requestResponseInformation?: boolean;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumPacketSize?: number;
  userProperties?: UserProperty[];
}

type Name = Exclude<keyof Properties, 'userProperties'>;

const USER_PROPERTY = 0x26;

interface PropertyReader {
  name: Name;
  read(fields: FieldReader): Properties[Name];
}

const READERS: ReadonlyMap<number, PropertyReader> = new Map<number, PropertyReader>([
  [0x01, { name: 'payloadFormatIndicator', read: flag }],
  [0x02, { name: 'messageExpiryInterval', read: (fields) => fields.uint32() }],
  [0x03, { name: 'contentType', read: (fields) => fields.text() }],
  [0x08, { name: 'responseTopic', read: (fields) => fields.text() }],
  [0x09, { name: 'correlationData', read: (fields) => fields.binary() }],
  [0x0b, { name: 'subscriptionIdentifier', read: (fields) => fields.varint() }],
  [0x11, { name: 'sessionExpiryInterval', read: (fields) => fields.uint32() }],
  [0x15, { name: 'authenticationMethod', read: (fields) => fields.text() }],
  [0x16, { name: 'authenticationData', read: (fields) => fields.binary() }],
  [0x17, { name: 'requestProblemInformation', read: flag }],
  [0x18, { name: 'willDelayInterval', read: (fields) => fields.uint32() }],
  [0x19, { name: 'requestResponseInformation', read: flag }],
  [0x1f, { name: 'reasonString', read: (fields) => fields.text() }],
  [0x21, { name: 'receiveMaximum', read: (fields) => atLeastOne(fields.uint16()) }],
  [0x22, { name: 'topicAliasMaximum', read: (fields) => fields.uint16() }],
  [0x23, { name: 'topicAlias', read: (fields) => fields.uint16() }],
  [0x27, { name: 'maximumPacketSize', read: (fields) => atLeastOne(fields.uint32()) }],
]);

/** Which properties a packet may have; user properties each may. */
export type PropertySet = ReadonlySet<Name>;

/**
 * Reads the properties of a packet, each there once but for those of the user.
 *
 * @throws HeddleError `frame-invalid`; MqttRefusal for what the packet may not say
 */
export function readProperties(fields: FieldReader, allowed: PropertySet): Properties {
  const length = fields.varint();
  if (length === 0) return {};
  const own = new FieldReader(fields.take(length));
  const properties: Properties = {};
  while (own.left > 0) {
    const code = own.byte();
    if (code === USER_PROPERTY) {
      (properties.userProperties ??= []).push([own.text(), own.text()]);
      continue;
    }
    const reader = READERS.get(code);
    if (reader === undefined || !allowed.has(reader.name)) throw malformed(`property ${code} is none of this packet`);
    const { name, read } = reader;
    if (properties[name] !== undefined) throw protocolError(`The property ${name} is there twice.`);
    (properties as Record<Name, Properties[Name]>)[name] = read(own);
  }
  return properties;
}

function flag(fields: FieldReader): boolean {
  const value = fields.byte();
  if (value > 1) throw protocolError(`A property that is 0 or 1 is ${value}.`);
  return value === 1;
}

function atLeastOne(value: number): number {
  if (value > 0) return value;
  throw protocolError('Receive maximum and maximum packet size are not 0.');
}

function protocolError(words: string): MqttRefusal {
  return new MqttRefusal(REASONS.protocolError, words);
}
