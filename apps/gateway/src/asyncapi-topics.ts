import type { EnvelopeMode } from '@heddle/event';
import type { EventType } from '@heddle/schema';

/** What records of a topic look like, for each envelope that its schemas may ask for. */
const ENVELOPES: Readonly<Record<EnvelopeMode, { suffix: string; words: string; message(event: EventType): object }>> =
  {
    binary: { suffix: 'avro', words: 'binary mode', message: binaryMessage },
    json: { suffix: 'cloudevents-json', words: 'structured mode in the JSON format', message: jsonMessage },
    avro: { suffix: 'cloudevents-avro', words: 'structured mode in the Avro format', message: avroMessage },
  };

/** The topics of all event types, each with its events as they are written there. */
export function topicChannels(events: readonly EventType[]): object {
  return Object.fromEntries(topicsOf(events).map((topic) => [`topic-${topic}`, channel(topic, events)]));
}

export function topicOperations(events: readonly EventType[]): object {
  return Object.fromEntries(topicsOf(events).map((topic) => [`read-${topic}`, operation(topic)]));
}

export function topicMessages(events: readonly EventType[]): object {
  return Object.fromEntries(events.map((event) => [nameOf(event), envelopeOf(event).message(event)]));
}

function topicsOf(events: readonly EventType[]): string[] {
  return [...new Set(events.map(({ topic }) => topic))].toSorted();
}

function envelopeOf({ envelope = 'binary' }: EventType): (typeof ENVELOPES)[EnvelopeMode] {
  return ENVELOPES[envelope];
}

function nameOf(event: EventType): string {
  return `${event.type}.${envelopeOf(event).suffix}`;
}

function channel(topic: string, events: readonly EventType[]): object {
  const own = events.filter((event) => event.topic === topic);
  const words = [...new Set(own.map((event) => envelopeOf(event).words))].join(' and ');
  return {
    address: topic,
    description: `CloudEvents Kafka binding, ${words}; the record key is the business key. A tenant other than the local one has ${topic} with its name and a dot in front.`,
    messages: Object.fromEntries(own.map(nameOf).map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { kafka: { topic, bindingVersion: '0.5.0' } },
  };
}

function operation(topic: string): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/topic-${topic}` },
    summary: `Reads the events of ${topic}, once for all who want them`,
  };
}

const KEY = { key: { type: 'string', description: 'the business key' }, bindingVersion: '0.5.0' };

/** Attributes are headers, the value is data in the registry's wire format. */
function binaryMessage({ type, summary, schema }: EventType): object {
  return {
    name: type,
    summary,
    contentType: 'application/avro',
    headers: {
      type: 'object',
      required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type'],
      properties: {
        ce_specversion: { const: '1.0' },
        ce_id: { type: 'string' },
        ce_source: { type: 'string' },
        ce_type: { const: type },
        ce_subject: { type: 'string' },
      },
    },
    payload: avroPayload(schema),
    bindings: { kafka: { ...KEY, schemaIdLocation: 'payload', schemaIdPayloadEncoding: 'confluent' } },
  };
}

/** The value is the event as a whole; its data is the JSON form of Avro data, whose schema a header names. */
function jsonMessage({ type, topic, summary, schemaId, example }: EventType): object {
  return {
    name: type,
    summary,
    contentType: 'application/cloudevents+json',
    headers: {
      type: 'object',
      required: ['content-type', 'heddle-schema'],
      properties: {
        'content-type': { const: 'application/cloudevents+json' },
        'heddle-schema': { type: 'string', description: `the id of the schema of the data, ${schemaId} now` },
      },
    },
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEvent' },
        {
          type: 'object',
          properties: { type: { const: type }, datacontenttype: { const: 'application/json' } },
        },
      ],
    },
    bindings: { kafka: { ...KEY, schemaIdLocation: 'header' } },
    examples: [
      {
        headers: { 'content-type': 'application/cloudevents+json', 'heddle-schema': String(schemaId) },
        payload: {
          specversion: '1.0',
          id: '019caf2f-8b42-7c31-a3d7-2f1f6c0e9d54',
          source: `/${topic}`,
          type,
          datacontenttype: 'application/json',
          data: example,
        },
      },
    ],
  };
}

/** The value is the event as a whole, its data bytes in the registry's wire format. */
function avroMessage({ type, summary, schemaId }: EventType): object {
  return {
    name: type,
    summary,
    description: `The data is bytes: Avro in the registry's wire format, of the schema ${schemaId} now.`,
    contentType: 'application/cloudevents+avro',
    headers: {
      type: 'object',
      required: ['content-type'],
      properties: { 'content-type': { const: 'application/cloudevents+avro' } },
    },
    payload: avroPayload(CLOUD_EVENT),
    bindings: { kafka: KEY },
  };
}

function avroPayload(schema: unknown): object {
  return { schemaFormat: 'application/vnd.apache.avro+json;version=1.9.0', schema };
}

/** CloudEvents Avro format 1.0.2, §3. */
const CLOUD_EVENT = {
  namespace: 'io.cloudevents',
  type: 'record',
  name: 'CloudEvent',
  version: '1.0',
  doc: 'Avro Event Format for CloudEvents',
  fields: [
    { name: 'attribute', type: { type: 'map', values: ['null', 'boolean', 'int', 'string', 'bytes'] } },
    {
      name: 'data',
      type: [
        'bytes',
        'null',
        'boolean',
        {
          type: 'map',
          values: [
            'null',
            'boolean',
            {
              type: 'record',
              name: 'CloudEventData',
              doc: 'Representation of a JSON Value',
              fields: [
                {
                  name: 'value',
                  type: {
                    type: 'map',
                    values: [
                      'null',
                      'boolean',
                      { type: 'map', values: 'CloudEventData' },
                      { type: 'array', items: 'CloudEventData' },
                      'double',
                      'string',
                    ],
                  },
                },
              ],
            },
            'double',
            'string',
          ],
        },
        { type: 'array', items: 'CloudEventData' },
        'double',
        'string',
      ],
    },
  ],
};
