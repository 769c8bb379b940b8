/** An event as a door hands it over: attributes as strings, the data as JSON or as Avro in Confluent wire format. */
export interface IncomingEvent {
  attributes: Record<string, string | undefined>;
  data: { json: unknown } | { avro: Uint8Array };
}
