import { AVRO_CONTENT_TYPE, CONTROL_TOPICS, HeddleError, isEventCopy, isRawTopic, rawEvent } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { schemaIdOf, type AvroCodec } from '@heddle/schema';
import type { KafkaMessage } from 'kafkajs';
import type { RecordOfBatch } from './record-batches.js';
import { envelopeOf, rawEnvelopeOf, type Envelope, type Foreign } from './record.js';

export type Decoder = Pick<AvroCodec, 'decode' | 'encode' | 'isLoaded' | 'load'>;

/** The record is ours, but its schema must be loaded first. */
export interface NeedsSchema {
  key: string;
  needs: number;
}

/** The event in a record of the log, or what is in the way of it. */
export function decodeRecord(
  decoder: Decoder,
  topic: string,
  partition: number,
  message: KafkaMessage,
): StoredEvent | NeedsSchema | Foreign {
  const { unreadable } = message as Partial<RecordOfBatch>;
  if (unreadable !== undefined) return { reason: 'batch-unreadable', detail: unreadable };
  if (isRawTopic(topic) || isRawLetter(topic, message)) return decodeRaw(decoder, { topic, partition }, message);
  const envelope = envelopeOf(message);
  if ('reason' in envelope) return envelope;
  try {
    const decoded = dataOf(decoder, envelope, message.value as Buffer);
    if ('needs' in decoded) return { key: envelope.key, needs: decoded.needs };
    return stored(topic, partition, message, envelope, decoded);
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { reason: 'data-invalid', detail: error.message };
  }
}

/** A dead letter has the bytes of what was given up, raw messages too; its notes say where that stood. */
function isRawLetter(topic: string, { headers }: KafkaMessage): boolean {
  if (topic !== CONTROL_TOPICS.deadLetters) return false;
  const origin = headers?.['heddle-topic'];
  return Buffer.isBuffer(origin) && isRawTopic(origin.toString());
}

/** A raw message is whatever was published; only the copy of an event in a dead message queue has a schema. */
function decodeRaw(
  decoder: Decoder,
  { topic, partition }: Pick<StoredEvent, 'topic' | 'partition'>,
  message: KafkaMessage,
): StoredEvent | NeedsSchema | Foreign {
  const envelope = rawEnvelopeOf(message);
  if ('reason' in envelope) return envelope;
  const { key, attributes, notes } = envelope;
  const value = message.value as Buffer;
  const at = { topic, partition, offset: Number(message.offset), appendedAt: Number(message.timestamp) };
  const read = { ...at, key, attributes, value, ...(notes === undefined ? {} : { notes }) };
  if (!isEventCopy(read)) return rawEvent(read);
  try {
    const needs = schemaIdOf(value);
    return decoder.isLoaded(needs) ? { ...read, ...decoder.decode(value) } : { key, needs };
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return rawEvent(read);
  }
}

interface Data {
  value: Buffer;
  data: unknown;
  schemaId?: number;
}

/** @throws HeddleError `data-invalid` */
function dataOf(decoder: Decoder, envelope: Envelope, value: Buffer): Data | { needs: number } {
  const { data: inside } = envelope;
  if (inside !== undefined && 'json' in inside) return jsonData(decoder, envelope, inside.json);
  const bytes = inside === undefined ? value : asBuffer(inside.bytes);
  if (envelope.form === 'json') return { value: bytes, data: parsed(bytes) };
  const needs = schemaIdOf(bytes);
  if (!decoder.isLoaded(needs)) return { needs };
  const { data, schemaId } = decoder.decode(bytes);
  return { value: bytes, data, schemaId };
}

/** Data that names its schema is Avro again, so that no reader sees in which envelope it came. */
function jsonData(decoder: Decoder, envelope: Envelope, json: unknown): Data | { needs: number } {
  const { schemaId } = envelope;
  if (schemaId === undefined) return { value: writtenOut(json), data: json };
  if (!decoder.isLoaded(schemaId)) return { needs: schemaId };
  const value = decoder.encode(schemaId, json);
  envelope.attributes.datacontenttype = AVRO_CONTENT_TYPE;
  return { value, data: decoder.decode(value).data, schemaId };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (cause) {
    throw new HeddleError('data-invalid', 'The data is not JSON.', { cause });
  }
}

function writtenOut(json: unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(json));
  } catch (cause) {
    // What was nested too deep could be parsed, but no door could write it.
    throw new HeddleError('data-invalid', 'The data cannot be written as JSON again.', { cause });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function stored(topic: string, partition: number, message: KafkaMessage, from: Envelope, read: Data): StoredEvent {
  const event: StoredEvent = {
    topic,
    partition,
    offset: Number(message.offset),
    key: from.key,
    appendedAt: Number(message.timestamp),
    attributes: from.attributes,
    value: read.value,
    data: read.data,
  };
  if (read.schemaId !== undefined) event.schemaId = read.schemaId;
  if (from.notes !== undefined) event.notes = from.notes;
  return event;
}
