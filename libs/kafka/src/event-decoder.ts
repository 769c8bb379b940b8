import { HeddleError } from '@heddle/event';
import type { StoredEvent } from '@heddle/event';
import { schemaIdOf, type AvroCodec } from '@heddle/schema';
import type { KafkaMessage } from 'kafkajs';
import { envelopeOf, type Envelope, type Foreign } from './record.js';

export type Decoder = Pick<AvroCodec, 'decode' | 'isLoaded' | 'load'>;

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
  const envelope = envelopeOf(message);
  if ('reason' in envelope) return envelope;
  const value = message.value as Buffer;
  if (envelope.form === 'json') {
    try {
      return stored(topic, partition, message, envelope, JSON.parse(value.toString()));
    } catch {
      return { reason: 'data-invalid', detail: 'The data is not JSON.' };
    }
  }
  try {
    const id = schemaIdOf(value);
    if (!decoder.isLoaded(id)) return { key: envelope.key, needs: id };
    const { data, schemaId } = decoder.decode(value);
    const event = stored(topic, partition, message, envelope, data);
    event.schemaId = schemaId;
    return event;
  } catch (error) {
    if (!(error instanceof HeddleError)) throw error;
    return { reason: 'data-invalid', detail: error.message };
  }
}

function stored(topic: string, partition: number, message: KafkaMessage, from: Envelope, data: unknown): StoredEvent {
  const event: StoredEvent = {
    topic,
    partition,
    offset: Number(message.offset),
    key: from.key,
    appendedAt: Number(message.timestamp),
    attributes: from.attributes,
    value: message.value as Buffer,
    data,
  };
  if (from.notes !== undefined) event.notes = from.notes;
  return event;
}
