import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import type { Message } from '../../messages/message.js';
import { MAX_FIELD_BYTES } from './field-writer.js';
import type { Properties, UserProperty } from './properties.js';
import type { PublishProperties } from './publish-bytes.js';
import { MqttRefusal, REASONS } from './reason-codes.js';
import { addressOf, topicOfAddress } from './topic-filters.js';

/** How a receiver knows a repeat, where the protocol can say more than DUP: user properties of MQTT 5. */
export interface DeliveryCount {
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  cycle: string;
}

/** What a client says of a message beside its topic. */
export interface PublishFields {
  payload: Buffer;
  properties: Properties;
  retain: boolean;
}

/** What the CloudEvents MQTT binding 1.0.2 (§3.1) has as user properties of its own. */
const SPECVERSION = 'specversion';
const NAMES = /^[a-z0-9]{1,20}$/;
const MAX_EXPIRY_S = 0xffff_ffff;
/** What is said of a delivery, and not by whoever published the message. */
const OWN_PREFIX = 'heddle-';

/**
 * Attributes that have what MQTT says of a message and CloudEvents has no word for: user properties that are no attributes, as
 * JSON; correlation data that is no text; that the payload is text; that it was published as retained.
 */
const NATIVE = {
  properties: 'mqttproperties',
  correlation: 'mqttcorrelation',
  format: 'mqttpayloadformat',
  retain: 'mqttretain',
} as const;
const NATIVE_NAMES: ReadonlySet<string> = new Set(Object.values(NATIVE));
const PLAIN_TEXT = /^[\x20-\x7e]+$/;

/**
 * A PUBLISH of a client as a message. User properties with a `specversion` are CloudEvents attributes in binary mode; all else
 * that it says is kept with the message, and told to its receivers as it was said (MQTT 5 §3.3.2.3).
 *
 * @param topic the one that is meant, when an alias stands for it
 * @throws MqttRefusal for attributes that are said twice, a topic for answers that is none, text that is none
 */
export function messageOfPacket({ payload, properties, retain }: PublishFields, topic: string, now: number) {
  const { contentType = '', messageExpiryInterval: seconds, userProperties = [] } = properties;
  const message: IncomingMessage = { address: addressOf(topic), contentType, body: payload };
  if (seconds !== undefined) message.expiresAt = now + seconds * 1000;
  const isEvent = userProperties.some(([name]) => name === SPECVERSION);
  if (isEvent) message.attributes = attributesOf(userProperties);
  const own = userProperties.filter(([name]) => !(isEvent && isAttribute(name)) && !name.startsWith(OWN_PREFIX));
  const headers = headersOf(properties, own, retain);
  if (properties.payloadFormatIndicator === true && !isUtf8(payload)) {
    throw new MqttRefusal(REASONS.payloadFormatInvalid, 'The payload is said to be text, and is not UTF-8.');
  }
  if (Object.keys(headers).length > 0) message.headers = headers;
  return message;
}

/** What a PUBLISH to a client says of an event beside its bytes, in MQTT 5. */
export function propertiesOfMessage(
  { contentType, attributes, expiresAt, isRaw, eventAttributes = {} }: Message,
  { attempt, redelivery, cycle }: DeliveryCount,
  identifiers: readonly number[],
  now: number,
): PublishProperties {
  const own = ownProperties(eventAttributes);
  const userProperties = attributeProperties(attributes, own);
  userProperties.push(...own);
  if (attempt > 1 || redelivery !== 'no') {
    userProperties.push(['heddle-attempt', String(attempt)], ['heddle-redelivery', redelivery]);
  }
  if (cycle !== '') userProperties.push(['heddle-cycle', cycle]);
  const properties: PublishProperties = {};
  // Of what was published as bytes, it is what was said of them (MQTT-3.3.2-4); what is written here is text.
  if (isRaw ? eventAttributes[NATIVE.format] !== undefined : isText(contentType)) {
    properties.payloadFormatIndicator = true;
  }
  if (expiresAt !== undefined) {
    properties.messageExpiryInterval = Math.min(MAX_EXPIRY_S, Math.max(1, Math.ceil((expiresAt - now) / 1000)));
  }
  if (contentType !== '') properties.contentType = contentType;
  const { replyto } = eventAttributes;
  if (typeof replyto === 'string' && mayAnswer(replyto)) properties.responseTopic = topicOfAddress(replyto);
  const correlationData = correlationOf(eventAttributes);
  if (correlationData !== undefined) properties.correlationData = correlationData;
  if (identifiers.length > 0) properties.subscriptionIdentifiers = identifiers;
  if (userProperties.length > 0) properties.userProperties = userProperties;
  return properties;
}

/** The topic under which a message goes to a client. */
export function topicOfMessage({ address }: Pick<Message, 'address'>): string {
  return topicOfAddress(address);
}

/** Whether a message was published with the flag RETAIN. */
export function isPublishedRetained({ eventAttributes }: Pick<Message, 'eventAttributes'>): boolean {
  return eventAttributes?.[NATIVE.retain] !== undefined;
}

function headersOf(properties: Properties, own: readonly UserProperty[], retain: boolean): Record<string, string> {
  const { responseTopic, correlationData, payloadFormatIndicator } = properties;
  const headers: Record<string, string> = {};
  if (responseTopic !== undefined) {
    // MQTT-3.3.2-14.
    if (!mayAnswer(responseTopic)) {
      throw new MqttRefusal(REASONS.topicNameInvalid, 'A response topic is a topic, with no wildcards.');
    }
    headers['replyto'] = addressOf(responseTopic);
  }
  if (correlationData !== undefined) {
    const text = correlationData.toString('latin1');
    if (PLAIN_TEXT.test(text)) headers['correlationid'] = text;
    else headers[NATIVE.correlation] = correlationData.toString('base64');
  }
  if (payloadFormatIndicator === true) headers[NATIVE.format] = '1';
  if (retain) headers[NATIVE.retain] = '1';
  if (own.length > 0) headers[NATIVE.properties] = asciiJson(own);
  return headers;
}

function attributesOf(properties: readonly UserProperty[]): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [name, value] of properties) {
    // A client may say things of its own beside them; no attribute has such a name.
    if (name === SPECVERSION || !NAMES.test(name) || NATIVE_NAMES.has(name)) continue;
    if (Object.hasOwn(attributes, name)) {
      throw new MqttRefusal(REASONS.payloadFormatInvalid, `The attribute ${name} is there twice.`);
    }
    attributes[name] = value;
  }
  return attributes;
}

function isAttribute(name: string): boolean {
  return name === SPECVERSION || NAMES.test(name);
}

/** The attributes of an event as user properties. What its publisher has said under the same name is not said again. */
function attributeProperties(attributes: Message['attributes'], own: readonly UserProperty[]): UserProperty[] {
  if (attributes.length === 0) return [];
  const said = new Set(own.map(([name]) => name));
  const properties: UserProperty[] = said.has(SPECVERSION) ? [] : [[SPECVERSION, '1.0']];
  for (const [name, value] of attributes) {
    // A text of MQTT has no more; whoever wants what is longer fetches it.
    const fits = value.length * 3 <= MAX_FIELD_BYTES || Buffer.byteLength(value) <= MAX_FIELD_BYTES;
    if (fits && !NATIVE_NAMES.has(name) && !said.has(name)) properties.push([name, value]);
  }
  return properties;
}

/** What its publisher has said of a message in user properties, in its order. */
function ownProperties({ [NATIVE.properties]: text }: NonNullable<Message['eventAttributes']>): UserProperty[] {
  if (typeof text !== 'string') return [];
  // Anybody may publish anything under this name.
  try {
    const pairs: unknown = JSON.parse(text);
    return Array.isArray(pairs) ? pairs.filter(isUserProperty) : [];
  } catch {
    return [];
  }
}

function isUserProperty(pair: unknown): pair is UserProperty {
  return (
    Array.isArray(pair) && pair.length === 2 && pair.every((one) => typeof one === 'string' && !one.includes('\0'))
  );
}

function correlationOf(attributes: NonNullable<Message['eventAttributes']>): Buffer | undefined {
  const { [NATIVE.correlation]: base64, correlationid } = attributes;
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64');
  return typeof correlationid === 'string' ? Buffer.from(correlationid) : undefined;
}

/** Whether an answer can be published there. */
function mayAnswer(topic: string): boolean {
  return topic !== '' && !/[+#]/.test(topic);
}

/** Attributes have no control characters, nor what is no character. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isText(contentType: string): boolean {
  return /^(?:text\/|application\/(?:[a-z.]+\+)?json\b)/.test(contentType);
}
