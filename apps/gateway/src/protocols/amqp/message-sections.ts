import { type AmqpMap, AmqpReader, type AmqpValue, DescribedValue, unreadable } from './amqp-value.js';
import { AmqpWriter } from './amqp-writer.js';
import { Fields } from './performatives.js';

/** The properties of a message that mean something here (part 3, section 3.2.4). */
export interface MessageProperties {
  messageId?: string | undefined;
  to?: string | undefined;
  subject?: string | undefined;
  replyTo?: string | undefined;
  correlationId?: string | undefined;
  contentType?: string | undefined;
  contentEncoding?: string | undefined;
  /** Milliseconds since the epoch. */
  expiresAt?: number | undefined;
  createdAt?: number | undefined;
  groupId?: string | undefined;
}

/** A property of an application, as it is written. */
export type NativeProperty = readonly [name: string, value: string | number | boolean | null];

/** A message as somebody hands it over. */
export interface ReadMessage {
  /** Whether it is to be delivered at a later time. */
  isDelayed: boolean;
  priority: number | undefined;
  /** Milliseconds that it is good for. */
  ttlMs: number | undefined;
  properties: MessageProperties;
  applicationProperties: AmqpMap;
  body: { data: Buffer } | { value: AmqpValue };
}

const HEADER = 0x70;
const DELIVERY_ANNOTATIONS = 0x71;
const MESSAGE_ANNOTATIONS = 0x72;
const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const SEQUENCE = 0x76;
const VALUE = 0x77;
const FOOTER = 0x78;
/** How a message asks for that, by a time or by milliseconds. */
const DELAYS = ['x-opt-delivery-time', 'x-opt-delivery-delay'];
const SECTIONS: Readonly<Record<string, number>> = {
  'amqp:header:list': HEADER,
  'amqp:delivery-annotations:map': DELIVERY_ANNOTATIONS,
  'amqp:message-annotations:map': MESSAGE_ANNOTATIONS,
  'amqp:properties:list': PROPERTIES,
  'amqp:application-properties:map': APPLICATION_PROPERTIES,
  'amqp:data:binary': DATA,
  'amqp:amqp-sequence:list': SEQUENCE,
  'amqp:amqp-value:*': VALUE,
  'amqp:footer:map': FOOTER,
};

/**
 * Reads a message in the format of part 3, section 3.2.
 *
 * @throws HeddleError `frame-invalid`
 */
export function readMessage(bytes: Buffer): ReadMessage {
  const reader = new AmqpReader(bytes);
  const message: Omit<ReadMessage, 'body'> = {
    isDelayed: false,
    priority: undefined,
    ttlMs: undefined,
    properties: {},
    applicationProperties: new Map(),
  };
  const data: Buffer[] = [];
  let value: AmqpValue | undefined;
  while (!reader.isAtEnd) {
    const section = reader.value();
    if (!(section instanceof DescribedValue)) throw unreadable('a section of a message has no name');
    const { descriptor, value: held } = section;
    const code =
      typeof descriptor === 'string' && Object.hasOwn(SECTIONS, descriptor) ? SECTIONS[descriptor] : descriptor;
    switch (code) {
      case HEADER:
        message.priority = fieldsOf(held).uint(1);
        // None means none, as in JMS.
        message.ttlMs = fieldsOf(held).uint(2) || undefined;
        break;
      case PROPERTIES:
        message.properties = propertiesFrom(fieldsOf(held));
        break;
      case APPLICATION_PROPERTIES:
        if (!(held instanceof Map)) throw unreadable('application properties are no map');
        message.applicationProperties = held;
        break;
      case DATA:
        if (!Buffer.isBuffer(held)) throw unreadable('the data of a message is no binary');
        data.push(held);
        break;
      case SEQUENCE:
        value = [...(Array.isArray(value) ? value : []), held];
        break;
      case VALUE:
        value = held;
        break;
      case MESSAGE_ANNOTATIONS:
        message.isDelayed = held instanceof Map && DELAYS.some((name) => (held.get(name) ?? 0) !== 0);
        break;
      case DELIVERY_ANNOTATIONS:
      case FOOTER:
        break;
      default:
        throw unreadable('a message has a section that nobody knows');
    }
  }
  if (value === undefined) {
    if (data.length === 0) throw unreadable('a message has no body');
    return { ...message, body: { data: data.length === 1 ? data[0]! : Buffer.concat(data) } };
  }
  return { ...message, body: { value } };
}

function fieldsOf(value: AmqpValue): Fields {
  if (!Array.isArray(value)) throw unreadable('a section of a message is no list');
  return new Fields(value);
}

function propertiesFrom(fields: Fields): MessageProperties {
  return {
    messageId: idFrom(fields.at(0)),
    to: fields.string(2),
    subject: fields.string(3),
    replyTo: fields.string(4),
    correlationId: idFrom(fields.at(5)),
    contentType: fields.string(6),
    contentEncoding: fields.string(7),
    expiresAt: momentFrom(fields.at(8)),
    createdAt: momentFrom(fields.at(9)),
    groupId: fields.string(10),
  };
}

/** An id is a text, a number, a UUID or bytes. */
function idFrom(value: AmqpValue): string | undefined {
  if (value === null) return undefined;
  if (Buffer.isBuffer(value)) return value.toString('base64url');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return String(value);
  throw unreadable('a message id is none');
}

function momentFrom(value: AmqpValue): number | undefined {
  if (value === null) return undefined;
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw unreadable('a time is none');
  return value.getTime();
}

/** What of a message is the same for all who get it: everything but how often it was delivered. */
export interface BareMessage {
  properties: MessageProperties;
  applicationProperties: readonly NativeProperty[];
  body: Uint8Array;
}

/** Nothing is left in it between two messages. */
const SCRATCH = new AmqpWriter();

/** Writes the sections from the properties on. */
export function bareBytes({ properties, applicationProperties, body }: BareMessage): Buffer {
  const writer = SCRATCH;
  const list = writer.described(PROPERTIES).beginList();
  writer.string(properties.messageId);
  writer.null();
  writer.string(properties.to);
  writer.string(properties.subject);
  writer.string(properties.replyTo);
  writer.string(properties.correlationId);
  writer.symbol(properties.contentType);
  writer.symbol(properties.contentEncoding);
  writer.timestamp(properties.expiresAt);
  writer.timestamp(properties.createdAt);
  if (properties.groupId !== undefined) writer.string(properties.groupId);
  writer.end(list, properties.groupId === undefined ? 10 : 11);
  if (applicationProperties.length > 0) {
    const map = writer.described(APPLICATION_PROPERTIES).beginMap();
    for (const [name, value] of applicationProperties) {
      writer.string(name);
      writer.scalar(value);
    }
    writer.end(map, applicationProperties.length * 2);
  }
  writer.described(DATA);
  writer.binary(body);
  return writer.copy();
}

/** How often a message was delivered, and as what. */
export interface DeliveryCount {
  /** The first is 1. */
  attempt: number;
  redelivery: 'yes' | 'maybe' | 'no';
  /** Empty for the first passage of an event. */
  cycle: string;
  /** 4 when left out. */
  priority?: number | undefined;
}

/** Beside the count of failed deliveries, which only whole attempts raise: whether somebody had it, or may have had. */
const REDELIVERY_ANNOTATION = 'x-opt-heddle-redelivery';
const CYCLE_ANNOTATION = 'x-opt-heddle-cycle';
const FIRST = countSections({ attempt: 1, redelivery: 'no', cycle: '' });

/** The sections in front of the bare message. */
export function countBytes(count: DeliveryCount): Buffer {
  const { attempt, redelivery, cycle, priority } = count;
  const isFirst = attempt === 1 && redelivery === 'no' && cycle === '' && priority === undefined;
  return isFirst ? FIRST : countSections(count);
}

function countSections({ attempt, redelivery, cycle, priority }: DeliveryCount): Buffer {
  const writer = new AmqpWriter();
  const list = writer.described(HEADER).beginList();
  writer.boolean(true);
  writer.ubyte(priority);
  writer.null();
  writer.boolean(redelivery === 'no');
  writer.uint(attempt - 1);
  writer.end(list, 5);
  const annotations: [string, string][] = [];
  if (redelivery !== 'no') annotations.push([REDELIVERY_ANNOTATION, redelivery]);
  if (cycle !== '') annotations.push([CYCLE_ANNOTATION, cycle]);
  if (annotations.length === 0) return writer.take();
  const map = writer.described(MESSAGE_ANNOTATIONS).beginMap();
  for (const [name, value] of annotations) {
    writer.symbol(name);
    writer.string(value);
  }
  writer.end(map, annotations.length * 2);
  return writer.take();
}
