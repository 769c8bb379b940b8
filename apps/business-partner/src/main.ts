import 'reflect-metadata';
import { objectTopicSpec } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import { type Database, Outbox, Relay, RelayMetrics, openDatabase } from '@heddle/outbox';
import {
  Health,
  createHttpApp,
  createLog,
  createMetrics,
  listen,
  reachable,
  readSettings,
  run,
  stopInOrder,
} from '@heddle/runtime';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry } from '@heddle/schema';
import { logChanges } from './change-log.js';
import { migrations } from './migrations/migrations.js';
import { BusinessPartnerModule } from './business-partner.module.js';
import { businessPartnerOpenApi } from './business-partner.openapi.js';
import type { BusinessPartnerTables } from './business-partner.repository.js';
import { BUSINESS_PARTNER_TYPES } from './business-partner.js';
import { settings } from './settings.js';

const SERVICE = 'business-partner';
const DATABASE_NAME = 'business_partner';
const TOPIC = 'business-partner';

const values = readSettings(settings);
const log = createLog(SERVICE, values.logLevel);

await run(log, async () => {
  const metrics = createMetrics(SERVICE);
  const registry = new ConfluentSchemaRegistry({ url: values.registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const eventLog = new KafkaEventLog({
    brokers: values.kafkaBrokers,
    clientId: SERVICE,
    codec,
    log: (level, event, fields) => log[level]({ event, ...fields }, event),
  });
  const outbox = new Outbox({ catalogue, codec, source: values.eventSource });
  let database: Database<BusinessPartnerTables> | undefined;
  const open = async () => {
    database = await openDatabase<BusinessPartnerTables>({
      url: values.databaseUrl,
      database: DATABASE_NAME,
      pool: values.databasePool,
      migrations,
      onConnectionLost: (error) => log.warn({ event: 'connection-lost', err: error }, 'a database connection was lost'),
    });
  };
  const topics = [objectTopicSpec(TOPIC, values.topicPartitions)];
  const brokers = values.kafkaBrokers.join(',');
  await Promise.all([
    reachable(log, `the event log at ${brokers}`, 'log-unavailable', () => eventLog.ensureTopics(topics)),
    reachable(log, `the event types at ${values.registryUrl}`, 'registry-unavailable', () =>
      outbox.prepare(BUSINESS_PARTNER_TYPES),
    ),
    reachable(log, 'the database', 'store-unavailable', open),
  ]);
  if (database === undefined) return;
  const { db, ping, close } = database;

  const relay = new Relay({ database, eventLog, log, metrics: new RelayMetrics(metrics, db) });
  relay.start();
  const health = new Health()
    .add('event-log', () => eventLog.ping())
    .add('schema-registry', () => registry.ping())
    .add('database', ping);
  const app = await createHttpApp(BusinessPartnerModule.of(db, outbox, relay), {
    log,
    health,
    metrics,
    openApi: businessPartnerOpenApi,
  });
  logChanges(app.getHttpAdapter().getInstance(), log);
  stopInOrder(log, [
    { name: 'ready', run: () => health.stopping() },
    { name: 'server', run: () => app.close() },
    { name: 'relay', run: () => relay.stop() },
    { name: 'event log', run: () => eventLog.close() },
    { name: 'catalogue', run: () => catalogue.close() },
    { name: 'database', run: close },
  ]);
  const url = await listen(app, values);
  log.info({ event: 'listening', url }, `listening on ${url}`);
});
