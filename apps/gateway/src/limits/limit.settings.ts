import {
  type SettingsOf,
  countSchema,
  defineSettings,
  documentLimitSettings,
  httpLimitSettings,
} from '@heddle/runtime';

const perSecond = countSchema(1, 100_000_000);
const connections = countSchema(1, 1_000_000);
const quota = countSchema(1, 1_000_000);

/** What clients and tenants may have and do. Rates and connections are those of each instance. */
export const limitSettings = {
  ...httpLimitSettings,
  limitClientEventsPerSecond: {
    env: 'HEDDLE_LIMIT_CLIENT_EVENTS_PER_SECOND',
    schema: perSecond.default(100_000),
    about:
      'events a second that a client may publish, each other request, and each frame on heddle.v1, counting as one; a second of it at once',
  },
  limitTenantEventsPerSecond: {
    env: 'HEDDLE_LIMIT_TENANT_EVENTS_PER_SECOND',
    schema: perSecond.default(400_000),
    about: 'the same of all clients of a tenant together',
  },
  limitAddressTokensPerSecond: {
    env: 'HEDDLE_LIMIT_ADDRESS_TOKENS_PER_SECOND',
    schema: perSecond.default(10),
    about: 'access tokens a second that one address may ask for, ten seconds of it at once',
  },
  limitConnections: {
    env: 'HEDDLE_LIMIT_CONNECTIONS',
    schema: connections.default(18_000),
    about:
      'WebSockets and streams open at once; fewer than connections of any kind, so that requests still get through',
  },
  limitAddressConnections: {
    env: 'HEDDLE_LIMIT_ADDRESS_CONNECTIONS',
    schema: connections.default(9000),
    about: 'WebSockets and streams of one address open at once',
  },
  limitTenantConnections: {
    env: 'HEDDLE_LIMIT_TENANT_CONNECTIONS',
    schema: connections.default(16_000),
    about: 'WebSockets and streams of one tenant open at once',
  },
  limitClientConnections: {
    env: 'HEDDLE_LIMIT_CLIENT_CONNECTIONS',
    schema: connections.default(9000),
    about: 'WebSockets and streams of one client open at once',
  },
  limitTenantQueues: {
    env: 'HEDDLE_LIMIT_TENANT_QUEUES',
    schema: quota.default(10_000),
    about: 'queues of a tenant, those of webhooks among them',
  },
  limitTenantWebhooks: {
    env: 'HEDDLE_LIMIT_TENANT_WEBHOOKS',
    schema: quota.default(10_000),
    about: 'webhooks of a tenant',
  },
  limitTenantClients: {
    env: 'HEDDLE_LIMIT_TENANT_CLIENTS',
    schema: quota.default(1000),
    about: 'clients of a tenant',
  },
  limitMessageBytes: {
    env: 'HEDDLE_LIMIT_MESSAGE_BYTES',
    schema: countSchema(4096, 16 * 1024 * 1024).default(1024 * 1024),
    about: 'bytes of one message of a client on a WebSocket at most',
  },
  limitMessageFragments: {
    env: 'HEDDLE_LIMIT_MESSAGE_FRAGMENTS',
    schema: countSchema(1, 16_384).default(1024),
    about: 'frames that one message on a WebSocket may come in',
  },
  limitPingsPerSecond: {
    env: 'HEDDLE_LIMIT_PINGS_PER_SECOND',
    schema: countSchema(1, 1000).default(1),
    about: 'pings a second that a client may send on a WebSocket, ten seconds of it at once',
  },
  limitSendBufferBytes: {
    env: 'HEDDLE_LIMIT_SEND_BUFFER_BYTES',
    schema: countSchema(64 * 1024, 64 * 1024 * 1024).default(1024 * 1024),
    about: 'bytes that may wait for a stream to be read, before it is written nothing more until it has caught up',
  },
  ...documentLimitSettings,
  limitDocumentMs: {
    env: 'HEDDLE_LIMIT_DOCUMENT_MS',
    schema: countSchema(100, 3_600_000).default(300_000),
    about: 'milliseconds in which a document has to be read to its end',
  },
  limitDocuments: {
    env: 'HEDDLE_LIMIT_DOCUMENTS',
    schema: countSchema(1, 10_000).default(64),
    about: 'documents being read at once',
  },
  limitClientDocuments: {
    env: 'HEDDLE_LIMIT_CLIENT_DOCUMENTS',
    schema: countSchema(1, 10_000).default(16),
    about: 'documents that one client is reading at once',
  },
  limitSlowMs: {
    env: 'HEDDLE_LIMIT_SLOW_MS',
    schema: countSchema(100, 3_600_000).default(60_000),
    about: 'milliseconds in which a receiver has to read what waits for it once that is too much',
  },
} as const;

const rules = defineSettings(limitSettings);

export type LimitValues = SettingsOf<typeof rules>;

/** The limits of whoever sets none. */
export const LIMIT_VALUES: LimitValues = rules.read({});
