import { isOpenToPublish, type EventType } from '@heddle/schema';
import type { z } from 'zod';
import { amqpChannels, amqpOperations } from './asyncapi-amqp.js';
import { jsonSchema, pullChannels, pullMessages, pullOperations } from './asyncapi-pull.js';
import { type MqttPorts, mqttChannel, mqttOperations, mqttServers } from './asyncapi-mqtt.js';
import { topicChannels, topicMessages, topicOperations } from './asyncapi-topics.js';
import { FRAME_EXAMPLES } from './protocols/websocket/queue-frame-examples.js';
import { CLIENT_FRAMES, SERVER_FRAMES } from './protocols/websocket/queue-frame.shape.js';
import { streamQuery } from './protocols/stream-request.js';

/** What the document speaks of. */
export interface AsyncApiParts {
  /** Of the gateway, without a slash at its end. */
  baseUrl: string;
  /** Of Kafka, as `host:port`. */
  brokers: readonly string[];
  events: readonly EventType[];
  /** Ports of MQTT without WebSocket, where there are any. */
  mqtt?: MqttPorts;
  /** Of a document about some of it. */
  about?: { id: string; title: string; description: string };
}

/**
 * The AsyncAPI 3.0 document of the gateway: the topics of all event types, the live stream as WebSocket and as
 * server-sent events, queues over WebSocket with every frame of `heddle.v1` and over HTTP, what webhooks are given, and
 * what may be published.
 */
export function asyncApiDocument({ baseUrl, brokers, events, mqtt = {}, about }: AsyncApiParts): object {
  const eventTypes = events.map(({ type }) => type);
  const toPublish = events.filter(isOpenToPublish).map(({ type }) => type);
  return {
    asyncapi: '3.0.0',
    id: about?.id ?? `${baseUrl}/asyncapi.json`,
    info: {
      title: about?.title ?? 'Heddle gateway',
      version: '0.1.0',
      description: about?.description ?? 'Events of business objects, on Kafka and for everyone who is not on Kafka.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { ...serversOf(baseUrl, brokers), ...mqttServers(baseUrl, mqtt, security) },
    channels: {
      ...topicChannels(events),
      'stream-websocket': streamChannel('gatewayWebSocket', eventTypes, {
        ws: { method: 'GET', query: jsonSchema(streamQuery, 'input'), bindingVersion: '0.1.0' },
      }),
      'stream-sse': streamChannel('gateway', eventTypes),
      queue: queueChannel,
      ...pullChannels,
      ...amqpChannels(eventTypes, toPublish),
      webhook: webhookChannel(eventTypes),
      publish: publishChannel(toPublish),
      mqtt: mqttChannel(references(eventTypes)),
    },
    operations: {
      ...topicOperations(events),
      'stream-over-websocket': operation('send', 'stream-websocket', 'Events, as they are appended'),
      'stream-over-sse': operation('send', 'stream-sse', 'Events, as they are appended'),
      ...queueOperations,
      ...pullOperations,
      ...amqpOperations,
      'deliver-to-webhook': {
        ...operation('send', 'webhook', 'An event, until the receiver answers 2xx or it is given up'),
        bindings: POSTED,
      },
      'publish-event': {
        ...operation('receive', 'publish', 'An event, answered when all in-sync replicas have it'),
        bindings: POSTED,
      },
      ...mqttOperations,
    },
    components: {
      schemas: { CloudEvent: cloudEvent },
      securitySchemes: { accessToken, clientCredentials: clientCredentials(baseUrl) },
      messages: {
        ...Object.fromEntries(events.map((event) => [event.type, jsonMessage(event, baseUrl)])),
        ...topicMessages(events),
        ...frameMessages,
        ...pullMessages,
      },
    },
  };
}

const accessToken = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'In the header of the request or upgrade; pages use a ticket in the query instead, which is good once.',
};

const security = [
  { $ref: '#/components/securitySchemes/accessToken' },
  { $ref: '#/components/securitySchemes/clientCredentials' },
];

const cloudEvent = {
  type: 'object',
  description: 'CloudEvents 1.0.2, JSON format; extension attributes stand beside the named ones',
  required: ['specversion', 'id', 'source', 'type'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string' },
    source: { type: 'string' },
    type: { type: 'string' },
    subject: { type: 'string', description: 'the business key' },
    time: { type: 'string', format: 'date-time' },
    datacontenttype: { type: 'string' },
    dataschema: { type: 'string' },
    dataref: { type: 'string', description: 'where to fetch the object the event speaks of' },
    sequence: { type: 'string', description: 'rises by one with each event of the object' },
    partitionkey: { type: 'string' },
    resumetoken: { type: 'string', description: 'on a stream over WebSocket: what to resume with after this event' },
    data: {},
  },
};

const deliveryHeaders = {
  type: 'object',
  description: 'Standard Webhooks, and what attempt this is',
  required: ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'heddle-attempt', 'heddle-redelivery'],
  properties: {
    'webhook-id': { type: 'string' },
    'webhook-timestamp': { type: 'string', description: 'seconds since the epoch' },
    'webhook-signature': { type: 'string' },
    'heddle-attempt': { type: 'string', description: 'the first is 1' },
    'heddle-redelivery': { enum: ['yes', 'maybe', 'no'] },
    'heddle-cycle': { type: 'string', description: 'the replay or redrive it belongs to' },
  },
};

const frameMessages = Object.fromEntries([
  ...Object.entries(CLIENT_FRAMES).map(([kind, shape]) => [frameName(kind), frameMessage(kind, shape, 'input')]),
  ...Object.entries(SERVER_FRAMES).map(([kind, shape]) => [frameName(kind), frameMessage(kind, shape, 'output')]),
]) as Record<string, object>;

/** HTTP binding of operations. */
const POSTED = { http: { method: 'POST', bindingVersion: '0.3.0' } };

const queueChannel = {
  address: '/v1/queues/{name}/connect',
  title: 'A queue over WebSocket, subprotocol heddle.v1',
  description: 'Credit, deliveries under leases, settlement, renewal, and going on after a reconnect.',
  servers: [{ $ref: '#/servers/gatewayWebSocket' }],
  parameters: { name: { description: 'the name of the queue' } },
  messages: Object.fromEntries(
    Object.keys(frameMessages).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
  ),
  bindings: {
    ws: {
      method: 'GET',
      headers: { type: 'object', properties: { 'Sec-WebSocket-Protocol': { const: 'heddle.v1' } } },
      bindingVersion: '0.1.0',
    },
  },
};

const queueOperations = {
  'queue-hello': queueOperation('receive', 'hello', 'ready'),
  'queue-credit': queueOperation('receive', 'credit', 'deliveries'),
  'queue-settle': queueOperation('receive', 'settle', 'settled'),
  'queue-authenticate': queueOperation('receive', 'authenticate', 'authenticated'),
  'queue-problem': queueOperation('send', 'problem'),
  'queue-closing': queueOperation('send', 'closing'),
};

function serversOf(baseUrl: string, brokers: readonly string[]): object {
  const { host, pathname, protocol } = new URL(baseUrl);
  const at = pathname === '/' ? { host } : { host, pathname };
  const isSecure = protocol === 'https:';
  const kafka = brokers.map((broker, index) => [index === 0 ? 'kafka' : `kafka${index + 1}`, broker] as const);
  return {
    gateway: { ...at, protocol: isSecure ? 'https' : 'http', security },
    gatewayWebSocket: { ...at, protocol: isSecure ? 'wss' : 'ws', security },
    gatewayAmqp: {
      host,
      pathname: `${pathname === '/' ? '' : pathname}/protocols/amqp10ws`,
      protocol: 'amqp1',
      description: 'AMQP 1.0 as a WebSocket, subprotocol amqp; bearer in the upgrade, then SASL PLAIN or ANONYMOUS.',
      security,
    },
    ...Object.fromEntries(kafka.map(([name, broker]) => [name, { host: broker, protocol: 'kafka' }])),
  };
}

function clientCredentials(baseUrl: string): object {
  return {
    type: 'oauth2',
    description: 'How to get an access token; scopes are permissions such as consume:queue:orders.',
    flows: { clientCredentials: { tokenUrl: `${baseUrl}/oauth/token`, availableScopes: {} } },
  };
}

function streamChannel(server: string, eventTypes: readonly string[], bindings?: object): object {
  return {
    address: '/v1/stream',
    title: server === 'gateway' ? 'A live stream as server-sent events' : 'A live stream over WebSocket',
    description: 'Each message is one event; the first, heddle.stream.v1.Stream.Opened.v1, says where it begins.',
    servers: [{ $ref: `#/servers/${server}` }],
    messages: references(eventTypes),
    ...(bindings === undefined ? {} : { bindings }),
  };
}

function webhookChannel(eventTypes: readonly string[]): object {
  return {
    address: null,
    title: 'Webhooks',
    description: 'POST to the URL of each webhook, signed; the address is the one of its definition.',
    messages: references(eventTypes),
  };
}

/** What a service owns only that service raises, unless its schema opens it. */
function publishChannel(toPublish: readonly string[]): object {
  return {
    address: '/v1/events',
    title: 'Publishing',
    description: 'Structured or binary mode, single or in batches; types that a service owns are refused from others.',
    servers: [{ $ref: '#/servers/gateway' }],
    messages: references(toPublish),
  };
}

function operation(action: 'send' | 'receive', channel: string, summary: string): object {
  return { action, channel: { $ref: `#/channels/${channel}` }, summary };
}

function queueOperation(action: 'send' | 'receive', kind: string, reply?: string): object {
  const channel = { $ref: '#/channels/queue' };
  const messagesOf = (name: string): object[] => [{ $ref: `#/channels/queue/messages/${frameName(name)}` }];
  return {
    action,
    channel,
    messages: messagesOf(kind),
    ...(reply === undefined ? {} : { reply: { channel, messages: messagesOf(reply) } }),
  };
}

function jsonMessage({ type, summary, schemaId, topic, example }: EventType, baseUrl: string): object {
  const dataschema = `${baseUrl}/v1/schemas/${schemaId}`;
  return {
    name: type,
    title: type.split('.').slice(-3).join('.'),
    summary,
    contentType: 'application/cloudevents+json',
    headers: deliveryHeaders,
    payload: {
      allOf: [
        { $ref: '#/components/schemas/CloudEvent' },
        {
          type: 'object',
          properties: {
            type: { const: type },
            data: { description: `the JSON form of Avro data, whose schema is ${dataschema}` },
          },
        },
      ],
    },
    examples: [
      {
        payload: {
          specversion: '1.0',
          id: '019caf2f-8b42-7c31-a3d7-2f1f6c0e9d54',
          source: `/${topic}`,
          type,
          datacontenttype: 'application/json',
          dataschema,
          data: example,
        },
      },
    ],
  };
}

function frameMessage(kind: string, shape: z.ZodType, io: 'input' | 'output'): object {
  return {
    name: kind,
    summary: shape.description ?? kind,
    contentType: 'application/json',
    payload: jsonSchema(shape, io),
    examples: [{ payload: FRAME_EXAMPLES[kind as keyof typeof FRAME_EXAMPLES] }],
  };
}

function references(names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function frameName(kind: string): string {
  return `heddle.v1.${kind}`;
}
