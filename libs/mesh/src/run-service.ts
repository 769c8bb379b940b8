import { ClientTokens } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT, objectTopicSpec, topicOf } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import { type Database, Outbox, type OutboxTables, RelayMetrics, openDatabase } from '@heddle/outbox';
import {
  Health,
  type Log,
  certificateOf,
  createLog,
  createMetrics,
  listen,
  reachable,
  run,
  stopInOrder,
} from '@heddle/runtime';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { type Service, createService } from './service.js';
import { gatewayTokens } from './service-guard.js';
import type { ServiceSettings } from './service-settings.js';

/**
 * Runs a microservice as this process: waits for the event log, the registry and the database, brings its topics and
 * tables up to date, relays its outbox, listens, and stops in order. What stops its start ends the process with one line.
 */
export async function runService<T extends OutboxTables>(
  service: Service<T>,
  settings: ServiceSettings,
): Promise<void> {
  const log = createLog(service.name, settings.logLevel);
  await run(log, () => start(service, settings, log));
}

async function start<T extends OutboxTables>(service: Service<T>, settings: ServiceSettings, log: Log): Promise<void> {
  const { name, types, reactsTo = [] } = service;
  const { tenant, issuerUrl, issuer = issuerUrl, tokenAudience: audience } = settings;
  const certificate = certificateOf(settings);
  const tokens = tokensOf(settings);
  const metrics = createMetrics(name);
  const registry = new ConfluentSchemaRegistry({ url: settings.registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const eventLog = new KafkaEventLog({
    brokers: settings.kafkaBrokers,
    clientId: name,
    codec,
    envelopeOf: (type) => catalogue.get(type)?.envelope,
    log: (level, event, fields) => log[level]({ event, ...fields }, event),
  });
  const outbox = new Outbox({ catalogue, codec, source: settings.eventSource, tenant });
  let database: Database<T> | undefined;
  const open = async () => {
    database = await openDatabase<T>({
      url: settings.databaseUrl,
      database: databaseOf(name, tenant),
      pool: settings.databasePool,
      migrations: service.migrations,
      onConnectionLost: (error) => log.warn({ event: 'connection-lost', err: error }, 'a database connection was lost'),
    });
  };
  // Any service may start first: each makes sure of the topics it reads, too.
  const topics = [name, ...reactsTo].map((object) =>
    objectTopicSpec(topicOf(object, tenant), settings.topicPartitions),
  );
  const brokers = settings.kafkaBrokers.join(',');
  await Promise.all([
    reachable(log, `the event log at ${brokers}`, 'log-unavailable', () => eventLog.ensureTopics(topics)),
    reachable(log, `the event types at ${settings.registryUrl}`, 'registry-unavailable', () => outbox.prepare(types)),
    reachable(log, 'the database', 'store-unavailable', open),
  ]);
  if (database === undefined) return;
  const { db, ping, close } = database;

  const health = new Health()
    .add('event-log', () => eventLog.ping())
    .add('schema-registry', () => registry.ping())
    .add('database', ping);
  const relayMetrics = new RelayMetrics(metrics, db);
  const verifier = gatewayTokens({ url: issuerUrl, issuer, audience });
  const identity = { tenant, verifier, tokens, certificate };
  const ground = { ...identity, database, outbox, eventLog, log, health, metrics, relayMetrics };
  const { app, relay } = await createService(service, ground);
  stopInOrder(log, [
    { name: 'ready', run: () => health.stopping() },
    { name: 'server and consumer', run: () => app.close() },
    { name: 'relay', run: () => relay.stop() },
    { name: 'event log', run: () => eventLog.close() },
    { name: 'catalogue', run: () => catalogue.close() },
    { name: 'database', run: close },
  ]);
  // Before joining the group: that waits for a member that was killed, until its session is over.
  const url = await listen(app, settings);
  await app.startAllMicroservices();
  log.info({ event: 'listening', url }, `listening on ${url}`);
}

/** Each tenant has a database of its own. */
function databaseOf(service: string, tenant: string): string {
  return (tenant === LOCAL_TENANT ? service : `${tenant}-${service}`).replaceAll('-', '_');
}

function tokensOf({ issuerUrl, clientId, clientSecret }: ServiceSettings): ClientTokens | undefined {
  if (clientId === undefined && clientSecret === undefined) return undefined;
  if (clientId === undefined || clientSecret === undefined) {
    throw new HeddleError('setting-invalid', 'HEDDLE_CLIENT_ID and HEDDLE_CLIENT_SECRET go together.');
  }
  return new ClientTokens({ tokenUrl: `${issuerUrl}/oauth/token`, clientId, clientSecret });
}
