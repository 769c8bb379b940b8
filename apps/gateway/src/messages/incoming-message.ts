import {
  AVRO_CONTENT_TYPE,
  type Address,
  type Append,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  type EventAttributes,
  HeddleError,
  JSON_CONTENT_TYPE,
  OWN_ATTRIBUTES,
  type Position,
  RAW_TOPIC,
  RAW_TYPE,
  attributeProblem,
  canonicalKey,
  formatAddress,
  longAttributeBytes,
  parseJsonEvent,
  topicOf,
  uuidv7,
} from '@heddle/event';
import { type JsonLimits, parseJson } from '@heddle/runtime';
import type { IncomingEvent } from '../incoming-event.js';
import { structuredEvent } from '../structured-event.js';

/** Bytes of a message at most; with its attributes the log still takes it. */
export const MAX_MESSAGE_BYTES = 1_000_000;

/** Attributes of a raw message that nobody gives: what is said of it is said here. */
const NOT_TAKEN = [...OWN_ATTRIBUTES, 'datacontenttype'];

/** A message as a door hands it over. */
export interface IncomingMessage {
  /** `topic:…` or `queue:…` */
  address: string;
  /** Empty when none was said. */
  contentType: string;
  body: Uint8Array;
  /** The body as JSON, where a door has parsed it already, within the limits for one event. */
  json?: unknown;
  /** It says that it is an event because the gateway made it so: a sample, which says that it is one, too. */
  isSample?: boolean;
  /** CloudEvents attributes of binary mode, without `specversion` and `datacontenttype`. */
  attributes?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Attributes by what the message says of itself beside its envelope, which counts before them: `correlationid`, `replyto`. Its
   * `subject` and `partitionkey` are those of a raw message only, for an event has them from its object.
   */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Becomes the id of the event: only one that is unique for all time, for a repeat of it is not appended again. */
  messageId?: string | undefined;
  /** Milliseconds since the epoch after which nobody wants it any more. */
  expiresAt?: number | undefined;
}

/** What became of a message; `id` is that of the event it is. */
export type MessageOutcome = { id: string; position: Position; duplicate: boolean } | { error: HeddleError };

/** Who publishes, as it stands in events that do not say where they come from. */
interface From {
  client: string;
  tenant: string;
}

/**
 * A message to the topic of an event type, as that event: structured, or with its attributes beside it, or data alone.
 *
 * @throws HeddleError `body-invalid`, `attribute-invalid`, `too-complex`, `content-type-unsupported`
 */
export function eventOfMessage(
  message: IncomingMessage,
  { type, namespace }: { type: string; namespace: string | undefined },
  from: From,
  limits: JsonLimits,
): IncomingEvent {
  const mediaType = mediaTypeOf(message);
  const given = givenAttributes(message);
  const isEnvelope = given !== undefined;
  let event: IncomingEvent;
  if (mediaType === AVRO_CONTENT_TYPE) {
    event = { attributes: { ...given, datacontenttype: AVRO_CONTENT_TYPE }, data: { avro: message.body } };
  } else if (mediaType === '' || mediaType === JSON_CONTENT_TYPE || mediaType.endsWith('+json')) {
    const json = message.json ?? parseJson(bufferOf(message.body), limits, 'data');
    const isStructured = !isEnvelope && (mediaType === CLOUDEVENTS_JSON_CONTENT_TYPE || isEvent(json));
    event = isStructured ? structuredEvent(json, '') : { attributes: { ...given }, data: { json } };
  } else {
    throw new HeddleError(
      'content-type-unsupported',
      `An event of ${type} is ${JSON_CONTENT_TYPE}, ${CLOUDEVENTS_JSON_CONTENT_TYPE} or ${AVRO_CONTENT_TYPE}, not ${mediaType}.`,
      { field: 'contentType' },
    );
  }
  const { attributes } = event;
  if (attributes.type !== undefined && attributes.type !== type) {
    throw new HeddleError('attribute-invalid', `The attribute type must be ${type}, as the topic says.`, {
      field: 'attributes.type',
    });
  }
  const { namespace: _unchecked, ...own } = attributes;
  const { subject: _ofTheObject, partitionkey: _ofTheKey, contentencoding: _none, ...headers } = message.headers ?? {};
  return {
    attributes: {
      ...headers,
      ...own,
      ...(namespace === undefined ? {} : { namespace }),
      ...envelopeOf(message, attributes, type, from),
    },
    data: event.data,
  };
}

/**
 * A message that no event type knows, as it is appended: its bytes as they came.
 *
 * @throws HeddleError `attribute-invalid`, also for a content type that is none; `parameter-invalid` for a time that is none
 */
export function rawAppend(message: IncomingMessage, address: Address, from: From): Append {
  const mediaType = mediaTypeOf(message);
  const given =
    givenAttributes(message) ?? (mediaType === CLOUDEVENTS_JSON_CONTENT_TYPE ? attributesIn(message.body) : {});
  for (const name of NOT_TAKEN) if (name in given) delete given[name];
  const envelope = envelopeOf(message, given, given['type'] ?? RAW_TYPE, from);
  const text = formatAddress(address);
  const { contentType } = message;
  const attributes: Record<string, string> = {
    ...message.headers,
    ...given,
    ...envelope,
    ...(contentType === '' ? {} : { datacontenttype: contentType }),
    address: text,
  };
  const problem = attributeProblem(attributes);
  if (problem !== undefined) {
    const field = problem.attribute.slice(0, 64);
    throw new HeddleError('attribute-invalid', `The attribute ${field} ${problem.rule}.`, {
      field: `attributes.${field}`,
    });
  }
  const { partitionkey } = attributes;
  return {
    topic: topicOf(RAW_TOPIC, from.tenant),
    key: partitionkey === undefined ? text : canonicalKey(partitionkey),
    event: { attributes: attributes as unknown as EventAttributes, value: message.body },
  };
}

/** @throws HeddleError `too-large` */
export function checkSize({ body, headers = {}, attributes = {} }: IncomingMessage): void {
  const properties = longAttributeBytes({ ...headers, ...attributes });
  const bytes = body.length + properties;
  if (bytes <= MAX_MESSAGE_BYTES) return;
  const rule = `at most ${MAX_MESSAGE_BYTES} are allowed`;
  const has = properties === 0 ? `${bytes} bytes` : `${bytes} bytes with the properties of its application`;
  throw new HeddleError('too-large', `The message has ${has}; ${rule}.`, { field: 'body' });
}

/** What every event has, as far as the message does not say it. */
function envelopeOf(
  { messageId, expiresAt }: IncomingMessage,
  given: Readonly<Record<string, string | undefined>>,
  type: string,
  { client }: From,
): Record<string, string> {
  return {
    id: given['id'] ?? messageId ?? uuidv7(),
    source: given['source'] ?? `/clients/${encodeURIComponent(client)}`,
    type,
    time: given['time'] ?? new Date().toISOString(),
    ...(expiresAt === undefined ? {} : { expirytime: timeOf(expiresAt) }),
  };
}

function timeOf(expiresAt: number): string {
  const time = new Date(expiresAt);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  throw new HeddleError('parameter-invalid', 'The time at which the message expires is none.', { field: 'expiresAt' });
}

/** Of an event as a whole; what only says that it is one is a message as any other. */
function attributesIn(body: Uint8Array): Record<string, string> {
  try {
    const { attributes } = parseJsonEvent(body);
    return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, value ?? '']));
  } catch (error) {
    if (error instanceof HeddleError) return {};
    throw error;
  }
}

/** The attributes beside a message; those of binary mode are there as a whole, or not at all. */
function givenAttributes({ attributes }: IncomingMessage): Record<string, string> | undefined {
  if (attributes === undefined) return undefined;
  const given = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== undefined);
  // Doors leave these out; one that did not must not have them said twice.
  const { specversion: _version, datacontenttype: _contentType, ...own } = Object.fromEntries(given);
  return given.length === 0 ? undefined : own;
}

function isEvent(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'specversion' in json && 'type' in json;
}

function mediaTypeOf({ contentType }: IncomingMessage): string {
  return contentType.split(';', 1)[0]!.trim().toLowerCase();
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
