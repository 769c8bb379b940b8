import { AVRO_CONTENT_TYPE, type StoredEvent, canonicalKey } from '@heddle/event';
import { AvroCodec, MemorySchemaRegistry, type SchemaFile } from '@heddle/schema';
import { path } from './tree.js';

const BASE_URL = 'https://mesh.example.com';
const LEASE = 'AZq7xX2gdYuMPdrM0aXhdw.2s.1b';
const TOKEN = '1.c2FsZXMtb3JkZXI6MDo0MQ';
const TIME = '2026-01-31T12:00:00.120Z';
const SIGNED_AT = '1769860800';

/** The parts of the gateway and of the log that write an event for a door, as far as they are used here. */
interface Dispatched {
  readonly openJson: string;
}
interface Form {
  encode(event: Dispatched): Buffer;
}
interface Represent {
  DispatchedEvent: new (stored: StoredEvent, number: number, token: string, baseUrl: string) => Dispatched;
}
interface Maker {
  make(leases: readonly object[]): { headers: string[]; body: Buffer };
}

/** What an event looks like at every door, made by the code that makes it there. */
export async function doorsOf({ schema, description, subject }: SchemaFile): Promise<string> {
  const registry = new MemorySchemaRegistry();
  const codec = new AvroCodec(registry);
  const schemaId = await registry.register(subject, schema);
  await codec.load(schemaId);
  const value = codec.encode(schemaId, description.example);
  const { data } = codec.decode(value);
  const key = canonicalKey(String((data as Record<string, unknown>)[description.key]));
  const stored: StoredEvent = {
    topic: description.topic,
    partition: 0,
    offset: 41,
    key,
    appendedAt: Date.parse(TIME),
    attributes: {
      id: '019caf2f-8b42-7c31-a3d7-2f1f6c0e9d54',
      source: `/${description.object}`,
      type: description.type,
      subject: key,
      time: TIME,
      partitionkey: key,
      // Only what the outbox raises is numbered.
      ...(description.owner === undefined ? {} : { sequence: '000000000001' }),
      ...(description.fetch === undefined ? {} : { dataref: `/v1/objects/${description.object}/${key}?version=1` }),
      datacontenttype: AVRO_CONTENT_TYPE,
    },
    value,
    data,
    schemaId,
  };
  const { DispatchedEvent } = (await gateway('represent')) as Represent;
  const event = new DispatchedEvent(stored, 1, TOKEN, BASE_URL);
  const { sseForm } = (await gateway('protocols/sse/sse.frames')) as { sseForm: Form };
  const { websocketForm } = (await gateway('protocols/websocket/websocket.frames')) as { websocketForm: Form };
  const { deliveryText } = (await gateway('protocols/lease-text')) as { deliveryText(of: object): string };
  const lease = { attempt: 1, redelivery: 'no', cycle: '', event };
  const delivery = JSON.parse(deliveryText({ token: LEASE, lease, expiresAt: Date.parse(TIME) + 30_000 })) as object;
  const webhook = await webhookRequest(lease);
  return [
    section(
      'Kafka',
      `The record key is \`${key}\`; the value is a zero byte, the id of the schema in four bytes, and the data in Avro: ${value.length} bytes here. Headers:`,
      'text',
      await recordHeaders(stored),
    ),
    section(
      'Webhook',
      'An HTTP request, signed after Standard Webhooks. In binary mode attributes are `ce-` headers and the body is the data; in batches it is a list.',
      'http',
      webhook,
    ),
    section(
      'WebSocket, `cloudevents.json`',
      '`GET /v1/stream`: one message.',
      'json',
      pretty(unframed(websocketForm.encode(event))),
    ),
    section('Server-sent events', '`GET /v1/stream`: one event.', 'text', sseForm.encode(event).toString().trim()),
    section(
      'WebSocket, `heddle.v1`',
      '`GET /v1/queues/{name}/connect`: in a frame `deliveries`, settled by its lease.',
      'json',
      JSON.stringify({ kind: 'deliveries', deliveries: [delivery] }, null, 2),
    ),
    section(
      'Pull',
      '`POST /v1/queues/{name}/receive`: the answer, settled by its lease at `…/settle`.',
      'json',
      JSON.stringify({ deliveries: [delivery] }, null, 2),
    ),
  ].join('\n');
}

async function recordHeaders(stored: StoredEvent): Promise<string> {
  const { headersOf } = (await import(path('libs/kafka/src/record.ts'))) as { headersOf(of: StoredEvent): object };
  return Object.entries(headersOf(stored))
    .map(([name, value]) => `${name}: ${String(value)}`)
    .join('\n');
}

async function webhookRequest(lease: object): Promise<string> {
  const { RequestMaker } = (await gateway('protocols/webhook/request-maker')) as {
    RequestMaker: new (definition: object, network: object) => Maker;
  };
  const definition = {
    name: 'crm',
    url: 'https://crm.example.com/events',
    contentMode: 'structured',
    delivery: {},
    secrets: [],
    headers: {},
    auth: { kind: 'none' },
    handshake: { origin: 'mesh.example.com' },
  };
  const { headers, body } = new RequestMaker(definition, {}).make([lease]);
  const lines = Array.from({ length: headers.length / 2 }, (_, index) => {
    const name = headers[index * 2] ?? '';
    // These two are of the moment.
    const shown = {
      'webhook-timestamp': SIGNED_AT,
      'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
    };
    return `${name}: ${shown[name as keyof typeof shown] ?? headers[index * 2 + 1]}`;
  });
  return `POST /events HTTP/1.1\nhost: crm.example.com\n${lines.join('\n')}\n\n${pretty(body)}`;
}

function gateway(file: string): Promise<unknown> {
  return import(path('apps/gateway/src', `${file}.ts`));
}

function section(title: string, words: string, language: string, text: string): string {
  return `### ${title}\n\n${words}\n\n\`\`\`${language}\n${text}\n\`\`\`\n`;
}

/** Of a text frame, the text: it is JSON. */
function unframed(frame: Buffer): Buffer {
  return frame.subarray(frame.indexOf('{'));
}

function pretty(json: Buffer): string {
  return JSON.stringify(JSON.parse(json.toString()), null, 2);
}
