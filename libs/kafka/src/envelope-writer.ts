import {
  CLOUDEVENTS_AVRO_CONTENT_TYPE,
  CLOUDEVENTS_JSON_CONTENT_TYPE,
  HeddleError,
  JSON_CONTENT_TYPE,
  AVRO_CONTENT_TYPE,
  formatAvroEvent,
  formatJsonEvent,
  isRawTopic,
} from '@heddle/event';
import type { Append, AppendOutcome, EnvelopeMode, Event } from '@heddle/event';
import { schemaIdOf } from '@heddle/schema';
import type { IHeaders } from 'kafkajs';
import type { RawRecord } from './appender.js';
import type { Decoder } from './event-decoder.js';
import { SCHEMA_HEADER, notedHeaders, notesOnly } from './record.js';

type Write = (records: readonly RawRecord[]) => Promise<AppendOutcome[]>;

/** No tenant is called so. */
const OWN_TOPICS = 'heddle.';

/** Writes events as records, each in the envelope that its type asks for. */
export class EnvelopeWriter {
  /** Calls that wait for a schema; later ones stay behind them, for the order of keys. */
  private learning: Promise<unknown> | undefined;

  constructor(
    private readonly decoder: Decoder,
    private readonly envelopeOf: (type: string) => EnvelopeMode | undefined,
  ) {}

  /** Hands the records over at once, unless the data of one must be written as JSON and its schema is not at hand. */
  write(appends: readonly Append[], write: Write): Promise<AppendOutcome[]> {
    const missing = this.missing(appends);
    if (this.learning === undefined && missing.size === 0) return this.writeNow(appends, write);
    const turn = (this.learning ?? Promise.resolve())
      .then(() => Promise.all([...missing].map((id) => this.decoder.load(id))))
      .then(
        () => this.writeNow(appends, write),
        (error: unknown) => appends.map(() => ({ error: asHeddleError(error) })),
      );
    const done: Promise<unknown> = turn.finally(() => {
      if (this.learning === done) this.learning = undefined;
    });
    this.learning = done;
    return turn;
  }

  /** An event that cannot be written is answered with its error, and holds back those of its key behind it. */
  private async writeNow(appends: readonly Append[], write: Write): Promise<AppendOutcome[]> {
    try {
      return await write(appends.map((append) => this.recordOf(append)));
    } catch (error) {
      const failure = asHeddleError(error);
      return appends.map(() => ({ error: failure }));
    }
  }

  private missing(appends: readonly Append[]): Set<number> {
    const missing = new Set<number>();
    for (const append of appends) {
      const { event } = append;
      if (!isAvroAsJson(event, this.modeOf(append))) continue;
      const id = schemaIn(event.value);
      if (id !== undefined && !this.decoder.isLoaded(id)) missing.add(id);
    }
    return missing;
  }

  /**
   * Copies in topics of our own, as dead letters, are binary: writing one must not wait for a registry. Raw messages are,
   * whatever type they say they have.
   */
  private modeOf({ topic, event }: Append): EnvelopeMode {
    return topic.startsWith(OWN_TOPICS) || isRawTopic(topic)
      ? 'binary'
      : (this.envelopeOf(event.attributes.type) ?? 'binary');
  }

  private recordOf(append: Append): RawRecord {
    const { topic, key, event, notes } = append;
    const mode = this.modeOf(append);
    const { attributes } = event;
    const bytes = Buffer.from(event.value.buffer, event.value.byteOffset, event.value.byteLength);
    if (mode === 'binary') return { topic, key, value: bytes, headers: notedHeaders(event, notes) };
    const headers: IHeaders = notesOnly(notes);
    if (mode === 'avro') {
      headers['content-type'] = CLOUDEVENTS_AVRO_CONTENT_TYPE;
      return { topic, key, value: formatAvroEvent({ attributes, data: { bytes } }), headers };
    }
    headers['content-type'] = CLOUDEVENTS_JSON_CONTENT_TYPE;
    let text: string;
    if (isAvroAsJson(event, mode)) {
      const { data, schemaId } = this.decoder.decode(bytes);
      headers[SCHEMA_HEADER] = String(schemaId);
      text = formatJsonEvent({
        attributes: { ...attributes, datacontenttype: JSON_CONTENT_TYPE },
        data: { json: data },
      });
    } else {
      text = formatJsonEvent({ attributes, data: { bytes } });
    }
    return { topic, key, value: Buffer.from(text), headers };
  }
}

/** In the JSON format data is JSON, for who wants that format has no Avro. */
function isAvroAsJson({ attributes }: Event, mode: EnvelopeMode): boolean {
  return mode === 'json' && attributes.datacontenttype === AVRO_CONTENT_TYPE;
}

/** Bytes that name none are refused when they are decoded. */
function schemaIn(value: Uint8Array): number | undefined {
  try {
    return schemaIdOf(value);
  } catch {
    return undefined;
  }
}

function asHeddleError(error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  return new HeddleError('internal', 'The event could not be written as a record.', { cause: error });
}
