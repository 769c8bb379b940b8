import { AVRO_CONTENT_TYPE, CLOUDEVENTS_JSON_CONTENT_TYPE, JSON_CONTENT_TYPE } from './event.js';
import type { Event } from './event.js';
import type { StoredEvent } from './stored-event.js';
import { isRawTopic } from './topic.js';

/** What a raw message is about: a JSON value with its text, where it is JSON, and bytes otherwise. */
export type RawContent =
  { contentType: string; json: unknown; text: string } | { contentType: string | undefined; bytes: Uint8Array };

/** Attributes that are set where a message is appended, and never by whoever publishes it. */
export const OWN_ATTRIBUTES = [
  'address',
  'deadletterqueue',
  'deadletterreason',
  'deadletteraddress',
  'deadlettercount',
] as const;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** JSON that is nested deeper is kept as bytes: it could be read, but no door could write it again. */
const MAX_DEPTH = 64;

/**
 * Whether this is a message as somebody published it, without any schema, and not the copy of an event in a dead message
 * queue, which is read by its schema as ever.
 */
export function isRawMessage({ topic, schemaId, attributes }: Pick<StoredEvent, 'topic' | 'schemaId' | 'attributes'>) {
  if (!isRawTopic(topic) || schemaId !== undefined) return false;
  return attributes['deadletterqueue'] === undefined || attributes['deadletteraddress'] !== undefined;
}

/** Whether a record among raw messages is the copy of an event whose data is to be read by its schema. */
export function isEventCopy({ attributes }: Pick<Event, 'attributes'>): boolean {
  return attributes['deadletterqueue'] !== undefined && attributes.datacontenttype === AVRO_CONTENT_TYPE;
}

/**
 * What the bytes of a raw message are about: of an event in the CloudEvents JSON format its data. What is not as its content
 * type says is bytes: nothing that was published is ever refused when it is read.
 */
export function rawContentOf({ attributes: { datacontenttype: contentType }, value }: Event): RawContent {
  const mediaType = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (mediaType !== JSON_CONTENT_TYPE && !mediaType.endsWith('+json')) return { contentType, bytes: value };
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
  if (!isShallow(text)) return { contentType, bytes: value };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { contentType, bytes: value };
  }
  if (mediaType !== CLOUDEVENTS_JSON_CONTENT_TYPE) return { contentType: contentType!, json, text };
  return typeof json === 'object' && json !== null
    ? dataIn(json as Record<string, unknown>)
    : { contentType, bytes: value };
}

/** A raw message as it was read; what its bytes are about is found when somebody asks. */
export function rawEvent(read: Omit<StoredEvent, 'data' | 'schemaId'>): StoredEvent {
  let isKnown = false;
  let data: unknown;
  return {
    ...read,
    get data() {
      if (!isKnown) {
        isKnown = true;
        const content = rawContentOf(read);
        data = 'json' in content ? content.json : content.bytes;
      }
      return data;
    },
  };
}

function dataIn(event: Record<string, unknown>): RawContent {
  const { datacontenttype, data_base64: base64, data = null } = event;
  const contentType = typeof datacontenttype === 'string' ? datacontenttype : undefined;
  if (typeof base64 === 'string' && BASE64.test(base64)) return { contentType, bytes: Buffer.from(base64, 'base64') };
  return { contentType: contentType ?? JSON_CONTENT_TYPE, json: data, text: JSON.stringify(data) };
}

/** Whether no bracket outside of a string stands deeper than may be. */
function isShallow(text: string): boolean {
  let depth = 0;
  let isString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (isString) {
      if (character === BACKSLASH) index += 1;
      else if (character === QUOTE) isString = false;
    } else if (character === QUOTE) isString = true;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      depth += 1;
      if (depth > MAX_DEPTH) return false;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth -= 1;
  }
  return true;
}

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = '\\'.charCodeAt(0);
const OPEN_BRACE = '{'.charCodeAt(0);
const OPEN_BRACKET = '['.charCodeAt(0);
const CLOSE_BRACE = '}'.charCodeAt(0);
const CLOSE_BRACKET = ']'.charCodeAt(0);
