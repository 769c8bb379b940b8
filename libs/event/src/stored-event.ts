import type { Event } from './event.js';

/** Where an event stands. Offsets are counted within one partition of one topic. */
export interface Position {
  topic: string;
  partition: number;
  offset: number;
}

/** An event read back from the log. */
export interface StoredEvent extends Event, Position {
  key: string;
  /** Milliseconds since the epoch, when the log took it. */
  appendedAt: number;
  /**
   * The data in JSON form (decimals and large longs as strings, times as ISO 8601, bytes as base64). Of a raw message that is
   * no JSON its bytes.
   */
  data: unknown;
  /** The registry's id of the schema the data was written with, where it is Avro. */
  schemaId?: number;
  /** The record headers whose names begin with `heddle-`, where there are any. */
  notes?: Readonly<Record<string, string>>;
}
