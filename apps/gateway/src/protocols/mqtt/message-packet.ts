import type { IPublishPacket } from 'mqtt-packet';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import type { Message } from '../../messages/message.js';
import { MqttRefusal, REASONS } from './reason-codes.js';
import { addressOf, topicOfAddress } from './topic-filters.js';

/** How a receiver knows a repeat, where the protocol can say more than DUP: user properties of MQTT 5. */
export interface DeliveryCount {
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle: string;
}

/** What the CloudEvents MQTT binding 1.0.2 (§3.1) has as user properties of its own. */
const SPECVERSION = 'specversion';
const NAMES = /^[a-z0-9]{1,20}$/;
const MAX_EXPIRY_S = 0xffff_ffff;
/** Of a text (MQTT 5 §1.5.4). */
const MAX_TEXT_BYTES = 0xffff;

type PublishProperties = NonNullable<IPublishPacket['properties']>;

/**
 * A PUBLISH of a client as a message. User properties with a `specversion` are CloudEvents attributes in binary mode; others
 * are not kept, for what is in the log is an event.
 *
 * @param topic the one that is meant, when an alias stands for it
 * @throws MqttRefusal for attributes that are said twice
 */
export function messageOfPacket(
  { payload, properties = {} }: Pick<IPublishPacket, 'payload' | 'properties'>,
  topic: string,
  now: number,
): IncomingMessage {
  const { contentType = '', messageExpiryInterval: seconds, userProperties } = properties;
  const message: IncomingMessage = { address: addressOf(topic), contentType, body: bytesOf(payload) };
  if (seconds !== undefined) message.expiresAt = now + seconds * 1000;
  const attributes = attributesOf(userProperties);
  if (attributes !== undefined) message.attributes = attributes;
  return message;
}

/** What a PUBLISH to a client says of an event beside its bytes, in MQTT 5. */
export function propertiesOfMessage(
  { contentType, attributes, expiresAt }: Message,
  { attempt, redelivery, cycle }: DeliveryCount,
  identifiers: readonly number[],
  now: number,
): PublishProperties {
  const userProperties: Record<string, string> = {};
  if (attributes.length > 0) userProperties[SPECVERSION] = '1.0';
  for (const [name, value] of attributes) {
    // The state of a large object has no place here: it is to be fetched.
    if (Buffer.byteLength(value) <= MAX_TEXT_BYTES) userProperties[name] = value;
  }
  if (attempt > 1 || redelivery !== 'no') {
    userProperties['heddle-attempt'] = String(attempt);
    userProperties['heddle-redelivery'] = redelivery;
  }
  if (cycle !== '') userProperties['heddle-cycle'] = cycle;
  const properties: PublishProperties = {};
  if (contentType !== '') properties.contentType = contentType;
  // With a known type of content the bytes are what that says; only text is promised to be text (MQTT 5 §3.3.2.3.2).
  if (isText(contentType)) properties.payloadFormatIndicator = true;
  if (expiresAt !== undefined) {
    properties.messageExpiryInterval = Math.min(MAX_EXPIRY_S, Math.max(1, Math.ceil((expiresAt - now) / 1000)));
  }
  if (Object.keys(userProperties).length > 0) properties.userProperties = userProperties;
  if (identifiers.length === 1) properties.subscriptionIdentifier = identifiers[0]!;
  else if (identifiers.length > 1) properties.subscriptionIdentifier = [...identifiers];
  return properties;
}

/** The topic under which a message goes to a client. */
export function topicOfMessage({ address }: Pick<Message, 'address'>): string {
  return topicOfAddress(address);
}

function attributesOf(
  properties: NonNullable<PublishProperties['userProperties']> | undefined,
): Record<string, string> | undefined {
  if (properties?.[SPECVERSION] === undefined) return undefined;
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value !== 'string') {
      throw new MqttRefusal(REASONS.payloadFormatInvalid, `The attribute ${name.slice(0, 40)} is there twice.`);
    }
    // A client may say things of its own beside them; no attribute has such a name.
    if (name !== SPECVERSION && NAMES.test(name)) attributes[name] = value;
  }
  return attributes;
}

function bytesOf(payload: string | Buffer): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}

function isText(contentType: string): boolean {
  return /^(?:text\/|application\/(?:[a-z.]+\+)?json\b)/.test(contentType);
}
