import { APPLICATION_PROPERTIES } from '@heddle/event';
import type { AmqpMap, AmqpValue } from './amqp-value.js';
import type { MessageProperties, NativeProperty, ReadMessage } from './message-sections.js';

/** Attributes of an event by name, wherever it was published. */
type Attributes = Readonly<Record<string, unknown>>;

/** Properties of a message that are no attributes of CloudEvents, as one: JSON. */
export const NATIVE_ATTRIBUTE = APPLICATION_PROPERTIES;
/** The prefixes of the CloudEvents AMQP binding, section 3.1.3.1; the second is for clients whose names take no colon. */
export const PREFIXES: readonly string[] = ['cloudEvents:', 'cloudEvents_'];
/** What a message has that says nothing of it (part 3, section 3.2.1). */
const USUAL_PRIORITY = 4;

/**
 * What a message says of itself beside its envelope, as attributes: what it answers, where its own answers go, how urgent it is,
 * to what group it belongs, and the properties that are its application's own.
 */
export function headersOf({ priority, properties, applicationProperties }: ReadMessage): Record<string, string> {
  const { correlationId, replyTo, subject, groupId, contentEncoding } = properties;
  const headers: Record<string, string> = {};
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') headers[name] = value;
  };
  put('correlationid', correlationId);
  put('replyto', replyTo);
  put('subject', subject);
  put('partitionkey', groupId);
  put('contentencoding', contentEncoding);
  if (priority !== undefined && priority !== USUAL_PRIORITY) put('priority', String(Math.min(priority, 9)));
  put(NATIVE_ATTRIBUTE, nativeText(applicationProperties));
  return headers;
}

/** The priority that an event has among its attributes. */
export function priorityOf({ priority }: Attributes): number | undefined {
  return typeof priority === 'string' && /^\d$/.test(priority) ? Number(priority) : undefined;
}

/**
 * The properties of a message that say of itself what its attributes say.
 *
 * @param isRaw whether no event type knows it: the subject and the key of an event are its object's
 */
export function propertiesOf(attributes: Attributes, isRaw: boolean): MessageProperties {
  const text = (name: string): string | undefined => {
    const value = attributes[name];
    return typeof value === 'string' ? value : undefined;
  };
  const own = { correlationId: text('correlationid'), replyTo: text('replyto') };
  if (!isRaw) return own;
  return {
    ...own,
    subject: text('subject'),
    groupId: text('partitionkey'),
    contentEncoding: text('contentencoding'),
  };
}

/** The properties that are an application's own, as it had set them. */
export function nativeProperties({ [NATIVE_ATTRIBUTE]: text }: Attributes): NativeProperty[] {
  if (typeof text !== 'string') return [];
  const found: NativeProperty[] = [];
  for (const [name, value] of Object.entries(objectIn(text))) {
    const isScalar = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (isScalar && !isAttribute(name)) found.push([name, value as NativeProperty[1]]);
  }
  return found;
}

function isAttribute(name: string): boolean {
  return PREFIXES.some((prefix) => name.startsWith(prefix));
}

function nativeText(properties: AmqpMap): string | undefined {
  const own = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of properties) {
    if (typeof name === 'string' && !isAttribute(name)) own[name] = scalarOf(value);
  }
  if (Object.keys(own).length === 0) return undefined;
  // Attributes have no control characters, nor what is no character.
  return JSON.stringify(own).replace(
    /[\u007f-\uffff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function scalarOf(value: AmqpValue): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return Buffer.isBuffer(value) ? value.toString('base64') : null;
}

/** Anybody may publish anything under this name. */
function objectIn(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
