import 'reflect-metadata';
import { objectTopicSpec } from '@heddle/event';
import { KafkaEventLog, connectEventLog } from '@heddle/kafka';
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
import { SalesOrderModule } from './sales-order.module.js';
import { salesOrderOpenApi } from './sales-order.openapi.js';
import type { SalesOrderTables } from './sales-order.repository.js';
import { SALES_ORDER_TYPES } from './sales-order.js';
import { settings } from './settings.js';

const SERVICE = 'sales-order';
const DATABASE_NAME = 'sales_order';
const TOPIC = 'sales-order';
const PARTNERS_TOPIC = 'business-partner';

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
  let database: Database<SalesOrderTables> | undefined;
  const open = async () => {
    database = await openDatabase<SalesOrderTables>({
      url: values.databaseUrl,
      database: DATABASE_NAME,
      pool: values.databasePool,
      migrations,
      onConnectionLost: (error) => log.warn({ event: 'connection-lost', err: error }, 'a database connection was lost'),
    });
  };
  // Either service may start first: each makes sure of the topics it reads, too.
  const topics = [TOPIC, PARTNERS_TOPIC].map((topic) => objectTopicSpec(topic, values.topicPartitions));
  const brokers = values.kafkaBrokers.join(',');
  await Promise.all([
    reachable(log, `the event log at ${brokers}`, 'log-unavailable', () => eventLog.ensureTopics(topics)),
    reachable(log, `the event types at ${values.registryUrl}`, 'registry-unavailable', () =>
      outbox.prepare(SALES_ORDER_TYPES),
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
  const app = await createHttpApp(SalesOrderModule.of(db, outbox, relay), {
    log,
    health,
    metrics,
    openApi: salesOrderOpenApi,
  });
  logChanges(app.getHttpAdapter().getInstance(), log);
  connectEventLog(app, { eventLog, group: SERVICE, topics: [PARTNERS_TOPIC], from: 'earliest' });
  stopInOrder(log, [
    { name: 'ready', run: () => health.stopping() },
    { name: 'server and consumer', run: () => app.close() },
    { name: 'relay', run: () => relay.stop() },
    { name: 'event log', run: () => eventLog.close() },
    { name: 'catalogue', run: () => catalogue.close() },
    { name: 'database', run: close },
  ]);
  await app.startAllMicroservices();
  const url = await listen(app, values);
  log.info({ event: 'listening', url }, `listening on ${url}`);
});
