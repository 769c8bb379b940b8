import { HeddleError } from '@heddle/event';
import type { IncomingMessage } from '../../messages/incoming-message.js';
import { type Message, type MessageMode, messageOf } from '../../messages/message.js';
import type { Namespaces } from '../../messages/namespaces.js';
import type { Lease } from '../../queues/lease.js';
import type { Form } from '../../represent.js';
import type { AmqpMap, AmqpValue } from './amqp-value.js';
import { NATIVE_ATTRIBUTE, PREFIXES, headersOf, nativeProperties, propertiesOf } from './message-header.js';
import { type NativeProperty, type ReadMessage, bareBytes } from './message-sections.js';

const PREFIX = 'cloudEvents:';
const CE_SPECVERSION = 'specversion';
/** Ids that nobody gives twice; a counter of a session would make later messages repeats of the first ones. */
const UNIQUE_ID = /^(?:ID:.{16,}|(?:ID:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i;

/** The bare messages of events in both modes of the binding, made once for all who want them. */
export class MessageForms {
  readonly #forms: Readonly<Record<MessageMode, Form>>;

  constructor(private readonly namespaces: Namespaces) {
    const form = (mode: MessageMode): Form => ({
      name: `amqp-${mode}`,
      encode: (event) => bareOf(messageOf({ event }, mode, namespaces), event.stored.appendedAt),
    });
    this.#forms = { structured: form('structured'), binary: form('binary') };
  }

  /** For streams: how events are written for those who see them. */
  form(mode: MessageMode): Form {
    return this.#forms[mode];
  }

  /** A state is one queue's alone, so that nothing is shared then. */
  bare({ event, state }: Pick<Lease, 'event' | 'state'>, mode: MessageMode): Buffer {
    if (state === undefined) return event.as(this.#forms[mode]);
    return bareOf(messageOf({ event, state }, mode, this.namespaces), event.stored.appendedAt);
  }
}

/** A message from the properties on; its CloudEvents attributes beside the body are application properties. */
function bareOf(
  { id, contentType, body, address, attributes, expiresAt, isRaw, eventAttributes = {} }: Message,
  createdAt: number | undefined,
): Buffer {
  const applicationProperties: NativeProperty[] = nativeProperties(eventAttributes);
  if (attributes.length > 0) applicationProperties.push([`${PREFIX}${CE_SPECVERSION}`, '1.0']);
  for (const [name, value] of attributes) {
    if (name !== NATIVE_ATTRIBUTE) applicationProperties.push([`${PREFIX}${name}`, value]);
  }
  return bareBytes({
    properties: {
      ...propertiesOf(eventAttributes, isRaw),
      messageId: id,
      to: address,
      contentType: contentType === '' ? undefined : contentType,
      createdAt,
      expiresAt,
    },
    applicationProperties,
    body,
  });
}

/**
 * What somebody hands over, as it is published.
 *
 * @param target of the link; each message says its own where that has none
 * @throws HeddleError `parameter-invalid`, `not-implemented`, `attribute-invalid`, `content-type-unsupported`
 */
export function incomingOf(message: ReadMessage, target: string | undefined, now: number): IncomingMessage {
  const { properties, ttlMs } = message;
  if (message.isDelayed) {
    throw new HeddleError('not-implemented', 'Messages are not delayed: what is published is delivered.');
  }
  const address = target ?? properties.to;
  if (address === undefined || address === '') {
    throw new HeddleError('parameter-invalid', 'The target of the link has no address: set properties.to.', {
      field: 'properties.to',
    });
  }
  const attributes = attributesOf(message.applicationProperties);
  const { messageId, expiresAt = ttlMs === undefined ? undefined : now + ttlMs } = properties;
  return {
    address,
    ...bodyOf(message),
    headers: headersOf(message),
    ...(attributes === undefined ? {} : { attributes }),
    ...(messageId !== undefined && UNIQUE_ID.test(messageId) ? { messageId } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function bodyOf({
  body,
  properties: { contentType = '' },
}: ReadMessage): Pick<IncomingMessage, 'contentType' | 'body'> {
  if ('data' in body) return { contentType, body: body.data };
  const { value } = body;
  if (value === null) return { contentType, body: Buffer.alloc(0) };
  if (Buffer.isBuffer(value)) return { contentType, body: value };
  if (typeof value === 'string') {
    return { contentType: contentType === '' ? contentTypeOf(value) : contentType, body: Buffer.from(value) };
  }
  throw new HeddleError('content-type-unsupported', 'The body must be data or a text, not another AMQP value.', {
    field: 'body',
  });
}

/** A text message of JMS says nothing about what its text is. */
function contentTypeOf(text: string): string {
  return /^\s*[{[]/.test(text) ? 'application/json' : 'text/plain;charset=utf-8';
}

/** The attributes of an event in binary mode; nothing where there are none. */
function attributesOf(properties: AmqpMap): Record<string, string> | undefined {
  let attributes: Record<string, string> | undefined;
  for (const [name, value] of properties) {
    if (typeof name !== 'string' || value === null) continue;
    const prefix = PREFIXES.find((one) => name.startsWith(one));
    if (prefix === undefined) continue;
    attributes ??= Object.create(null) as Record<string, string>;
    attributes[name.slice(prefix.length)] = attributeText(value, name);
  }
  if (attributes === undefined) return undefined;
  const { specversion, datacontenttype: _asTheBody, ...rest } = attributes;
  if (specversion !== undefined && specversion !== '1.0') {
    throw new HeddleError('attribute-invalid', 'The attribute specversion must be 1.0.', {
      field: 'attributes.specversion',
    });
  }
  return rest;
}

/** Each type of the binding has one text form (CloudEvents 1.0.2, "Type System"). */
function attributeText(value: AmqpValue, name: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (Buffer.isBuffer(value)) return value.toString('base64');
  throw new HeddleError('attribute-invalid', `The property ${name.slice(0, 64)} is of no type that attributes have.`, {
    field: `attributes.${name.slice(0, 64)}`,
  });
}
