import {
  AVRO_CONTENT_TYPE,
  CLOUDEVENTS_AVRO_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  HeddleError,
  JSON_CONTENT_TYPE,
  attributeProblem,
  parseAvroEvent,
  parseJsonEvent,
} from '@heddle/event';
import type { Append, Event, EventAttributes, StoredEvent, StructuredData } from '@heddle/event';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { attributeOf, headerText, utf8Text } from './header-texts.js';

/** Why a record is no event of ours: the first word of a line of the log, and of a dead letter's reason. */
export type ForeignReason =
  | 'no-value'
  | 'no-key'
  | 'no-attributes'
  | 'attribute-invalid'
  | 'content-type-unsupported'
  | 'schema-unknown'
  | 'data-invalid'
  | 'envelope-invalid'
  | 'batch-unreadable';

export interface Foreign {
  reason: ForeignReason;
  detail: string;
}

/** A record whose envelope is in order; its data is not decoded yet. */
export interface Envelope {
  key: string;
  attributes: EventAttributes;
  form: 'avro' | 'json';
  /** Of an event in structured mode: its data, which is the record's value otherwise. */
  data?: StructuredData;
  /** Under which schema data that travels as JSON was checked. */
  schemaId?: number;
  notes?: NonNullable<StoredEvent['notes']>;
}

const PREFIX = 'ce_';
const NOTE_PREFIX = 'heddle-';

/** The headers of an event: CloudEvents Kafka binding 1.0.2, binary content mode (§3.2). */
export function headersOf(event: Event): IHeaders {
  const headers: IHeaders = { ce_specversion: '1.0' };
  const { attributes } = event;
  for (const name in attributes) {
    const value = attributes[name];
    if (value === undefined) continue;
    if (name === 'datacontenttype') headers['content-type'] = value;
    else headers[PREFIX + name] = value;
  }
  return headers;
}

/**
 * The headers of an event with what is noted beside it.
 *
 * @throws HeddleError `internal` for a note whose name does not begin with `heddle-`.
 */
export function notedHeaders(event: Event, notes: Append['notes']): IHeaders {
  return notes === undefined ? headersOf(event) : { ...headersOf(event), ...notesOnly(notes) };
}

/** What is noted beside an event, alone: in structured mode nothing else is a header. @throws as {@link notedHeaders} */
export function notesOnly(notes: Append['notes']): IHeaders {
  const headers: IHeaders = {};
  for (const name in notes) {
    if (!name.startsWith(NOTE_PREFIX)) throw new HeddleError('internal', `A note must not be named ${name}.`);
    headers[name] = notes[name];
  }
  return headers;
}

/** Reads the envelope of a record, or says what is foreign about it. */
export function envelopeOf(message: KafkaMessage): Envelope | Foreign {
  if (message.value === null) return { reason: 'no-value', detail: 'The record has no value.' };
  if (message.key === null) return { reason: 'no-key', detail: 'The record has no key.' };
  const headers = message.headers ?? {};
  const contentType = headers['content-type'];
  if (Buffer.isBuffer(contentType) && isStructured(contentType)) {
    return structuredEnvelope(message.key, message.value, headers, mediaTypeOf(contentType.toString()));
  }
  try {
    const read = readHeaders(headers);
    if ('reason' in read) return read;
    const form = formOf(read.attributes.datacontenttype, message.value);
    if (form === undefined) {
      return { reason: 'content-type-unsupported', detail: 'The content type is neither Avro nor JSON.' };
    }
    const envelope: Envelope = { key: utf8Text(message.key), attributes: read.attributes, form };
    if (read.notes !== undefined) envelope.notes = read.notes;
    return envelope;
  } catch {
    return NOT_UTF8;
  }
}

/** The same of a raw message, whose value is whatever was published: its attributes are headers, always. */
export function rawEnvelopeOf(message: KafkaMessage): Omit<Envelope, 'form'> | Foreign {
  if (message.value === null) return { reason: 'no-value', detail: 'The record has no value.' };
  if (message.key === null) return { reason: 'no-key', detail: 'The record has no key.' };
  try {
    const read = readHeaders(message.headers ?? {});
    return 'reason' in read ? read : { key: utf8Text(message.key), ...read };
  } catch {
    return NOT_UTF8;
  }
}

const NOT_UTF8: Foreign = { reason: 'attribute-invalid', detail: 'The key or a header is not UTF-8.' };

/** @throws TypeError for what is not UTF-8 */
function readHeaders(headers: IHeaders): Pick<Envelope, 'attributes' | 'notes'> | Foreign {
  const attributes: Record<string, string> = {};
  let version: string | undefined;
  let notes: Record<string, string> | undefined;
  for (const name in headers) {
    const isContentType = name === 'content-type';
    const value = headers[name];
    if (!isContentType && !name.startsWith(PREFIX)) {
      // Never a reason to refuse the event: what is not noted as we do it is somebody else's.
      if (name.startsWith(NOTE_PREFIX) && Buffer.isBuffer(value)) (notes ??= {})[name] = value.toString();
      continue;
    }
    if (!Buffer.isBuffer(value)) return { reason: 'attribute-invalid', detail: `The header ${name} is not single.` };
    if (isContentType) attributes['datacontenttype'] = headerText(name, value);
    else if (name === 'ce_specversion') version = headerText(name, value);
    else attributes[attributeOf(name, PREFIX.length)] = headerText(name, value);
  }
  if (version === undefined) return { reason: 'no-attributes', detail: 'The header ce_specversion is missing.' };
  if (version !== '1.0') return { reason: 'attribute-invalid', detail: 'The attribute specversion is not 1.0.' };
  const problem = attributeProblem(attributes);
  if (problem !== undefined) {
    return { reason: 'attribute-invalid', detail: `The attribute ${problem.attribute.slice(0, 64)} ${problem.rule}.` };
  }
  const read: Pick<Envelope, 'attributes' | 'notes'> = { attributes: attributes as EventAttributes };
  if (notes !== undefined) read.notes = notes;
  return read;
}

function formOf(contentType: string | undefined, value: Buffer): 'avro' | 'json' | undefined {
  // Serialisers of other languages know the wire format but not the content type: its magic byte is a zero.
  if (contentType === undefined) return value[0] === 0 ? 'avro' : undefined;
  if (contentType === AVRO_CONTENT_TYPE) return 'avro';
  const media = mediaTypeOf(contentType);
  if (media === AVRO_CONTENT_TYPE) return 'avro';
  return media === JSON_CONTENT_TYPE ? 'json' : undefined;
}

function mediaTypeOf(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** Beside an event in the JSON format: the registry's id of the schema of its data. */
export const SCHEMA_HEADER = 'heddle-schema';
const STRUCTURED = 'application/cloudevents';
const STRUCTURED_LETTER = 'application/'.length;

/** Data that is Avro or JSON, as nearly all of it, is told by one letter. */
function isStructured(contentType: Buffer): boolean {
  const isPossible = ((contentType[STRUCTURED_LETTER] ?? 0) | 0x20) === STRUCTURED.charCodeAt(STRUCTURED_LETTER);
  return isPossible && contentType.toString().toLowerCase().startsWith(STRUCTURED);
}

/** An event that is the value as a whole; its key is the record's, as always. */
function structuredEnvelope(key: Buffer, value: Buffer, headers: IHeaders, mediaType: string): Envelope | Foreign {
  const parse = STRUCTURED_PARSERS[mediaType];
  if (parse === undefined) {
    return { reason: 'content-type-unsupported', detail: `Events are not read from ${mediaType.slice(0, 100)}.` };
  }
  try {
    const { attributes, data } = parse(value);
    const form =
      'json' in data
        ? jsonFormOf(attributes)
        : formOf(attributes.datacontenttype, Buffer.from(data.bytes.subarray(0, 1)));
    if (form === undefined) {
      return { reason: 'content-type-unsupported', detail: 'The data is neither Avro nor JSON, or not as it says.' };
    }
    const envelope: Envelope = { key: utf8Text(key), attributes, form, data };
    const schemaId = schemaNamedBy(headers);
    if (schemaId !== undefined && 'json' in data) envelope.schemaId = schemaId;
    const notes = notesIn(headers);
    if (notes !== undefined) envelope.notes = notes;
    return envelope;
  } catch (error) {
    if (!(error instanceof HeddleError)) return { reason: 'attribute-invalid', detail: 'The key is not UTF-8.' };
    const reason = error.code === 'attribute-invalid' ? 'attribute-invalid' : 'envelope-invalid';
    return { reason, detail: error.message };
  }
}

const STRUCTURED_PARSERS: Readonly<Record<string, typeof parseJsonEvent>> = {
  [CLOUDEVENTS_JSON_CONTENT_TYPE]: parseJsonEvent,
  [CLOUDEVENTS_AVRO_CONTENT_TYPE]: parseAvroEvent,
};

/** Data that is a JSON value says so, or nothing: then it is said for it (JSON format 1.0.2, §3.1). */
function jsonFormOf(attributes: EventAttributes): 'json' | undefined {
  attributes.datacontenttype ??= JSON_CONTENT_TYPE;
  const mediaType = mediaTypeOf(attributes.datacontenttype);
  return mediaType === JSON_CONTENT_TYPE || mediaType.endsWith('+json') ? 'json' : undefined;
}

function schemaNamedBy(headers: IHeaders): number | undefined {
  const id = headers[SCHEMA_HEADER];
  return Buffer.isBuffer(id) && /^\d{1,10}$/.test(id.toString()) ? Number(id) : undefined;
}

function notesIn(headers: IHeaders): Record<string, string> | undefined {
  let notes: Record<string, string> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith(NOTE_PREFIX) || name === SCHEMA_HEADER || !Buffer.isBuffer(value)) continue;
    (notes ??= {})[name] = value.toString();
  }
  return notes;
}
