import { type ClientTokens, guardRoutes } from '@heddle/auth';
import { type EventLog, topicOf } from '@heddle/event';
import { connectEventLog } from '@heddle/kafka';
import { type Database, type Outbox, type OutboxTables, Relay, type RelayMetrics } from '@heddle/outbox';
import { type Health, type HttpAppOptions, type Log, createHttpApp } from '@heddle/runtime';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Registry } from 'prom-client';
import { logChanges } from './change-log.js';
import { ServiceGuard, type Verifier } from './service-guard.js';

/** What is a microservice's own; the rest, from its settings to an orderly stop, is the same for all. */
export interface Service<T extends OutboxTables> {
  /** Its business object: also the name of its topic, of its consumer group and, with underscores, of its database. */
  name: string;
  /** Every event type it raises. */
  types: readonly string[];
  /** Topics of others whose events its `@EventPattern` handlers get, from the earliest on. */
  reactsTo?: readonly string[];
  /** By name, each run once; the tables of the outbox are among them. */
  migrations: Record<string, Migration>;
  /** The document that `/openapi.json` answers with. */
  openApi: object;
  /** Its Nest module. */
  module(parts: ServiceParts<T>): object;
}

/** What a service is built on. */
export interface ServiceParts<T> {
  db: Kysely<T>;
  outbox: Outbox;
  relay: Pick<Relay, 'wake'>;
  /** With which it calls other services and the gateway, as a client of its own; nothing where it has none. */
  tokens?: ClientTokens | undefined;
}

export interface ServiceGround<T> {
  /** All its objects and events are of this one. */
  tenant: string;
  verifier: Verifier;
  tokens?: ClientTokens | undefined;
  certificate?: HttpAppOptions['certificate'];
  database: Database<T>;
  outbox: Outbox;
  eventLog: Pick<EventLog, 'append' | 'consume'>;
  log: Log;
  health: Health;
  metrics: Registry;
  relayMetrics?: RelayMetrics;
}

/** The service on what it stands on: its relay runs, its application is neither initialised nor listening yet. */
export async function createService<T extends OutboxTables>(
  { name, types, reactsTo = [], module, openApi }: Service<T>,
  ground: ServiceGround<T>,
): Promise<{ app: NestFastifyApplication; relay: Relay }> {
  const { tenant, verifier, tokens, certificate, database, outbox, eventLog } = ground;
  const { log, health, metrics, relayMetrics } = ground;
  const relay = new Relay({
    database,
    eventLog,
    log,
    ...(relayMetrics === undefined ? {} : { metrics: relayMetrics }),
  });
  relay.start();
  const guard = new ServiceGuard(verifier, { tenant, types }, log);
  const app = await createHttpApp(module({ db: database.db, outbox, relay, tokens }), {
    log,
    health,
    metrics,
    openApi,
    certificate,
    guard: (server) => guardRoutes(server, guard),
  });
  logChanges(app.getHttpAdapter().getInstance(), log);
  if (reactsTo.length > 0) {
    const topics = reactsTo.map((object) => topicOf(object, tenant));
    const consumer = connectEventLog(app, { eventLog, group: topicOf(name, tenant), topics, from: 'earliest' });
    health.add('consumer', () => consumer.ping());
  }
  return { app, relay };
}
