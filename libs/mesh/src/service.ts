import { type ClientTokens, type Verifier, guardRoutes } from '@heddle/auth';
import type { Outbox, OutboxTables, Relay } from '@heddle/outbox';
import { type Health, type HttpAppOptions, type Log, createHttpApp } from '@heddle/runtime';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import type { Kysely, Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { Registry } from 'prom-client';
import { logChanges } from './change-log.js';
import type { AnyEvents } from './event-map.js';
import type { Mesh } from './mesh.js';
import { ServiceGuard } from './service-guard.js';

/** What is a microservice's own; the rest, from its settings to an orderly stop, is the same for all. */
export interface Service<T extends OutboxTables> {
  /** Its business object: also the name of its topic, of its consumer group and, with underscores, of its database. */
  name: string;
  /** Every event type it raises. */
  types: readonly string[];
  /** Topics of others whose events its `@EventPattern` handlers get, from the earliest on. */
  reactsTo?: readonly string[];
  /** By name, each run once; the tables of the outbox are among them; that of the inbox is there anyway. */
  migrations: Record<string, Migration>;
  /** The document that `/openapi.json` answers with. */
  openApi: object;
  /** Its Nest module. */
  module(parts: ServiceParts<T>): object;
  /** Routes outside of its controllers, as for bodies that are no JSON; each says who has access. */
  routes?(server: FastifyInstance, parts: ServiceParts<T>): void;
}

/** What a service is built on. */
export interface ServiceParts<T> {
  db: Kysely<T>;
  outbox: Pick<Outbox, 'raise'>;
  relay: Pick<Relay, 'wake'>;
  /** Its inbox, and how it fetches objects of others. */
  mesh: Mesh<AnyEvents, Transaction<T>>;
  /** With which it calls other services and the gateway, as a client of its own; nothing where it has none. */
  tokens?: ClientTokens | undefined;
}

export interface ServiceGround<T> extends Omit<ServiceParts<T>, 'relay'> {
  /** All its objects and events are of this one. */
  tenant: string;
  verifier: Verifier;
  certificate?: HttpAppOptions['certificate'];
  exposure?: HttpAppOptions['exposure'];
  store: { committed(): void };
  log: Log;
  health: Health;
  metrics: Registry;
}

/** The application of a service, neither initialised nor listening yet. */
export async function createService<T extends OutboxTables>(
  { types, module, routes, openApi }: Service<T>,
  ground: ServiceGround<T>,
): Promise<NestFastifyApplication> {
  const { tenant, verifier, tokens, certificate, exposure, db, outbox, mesh, store, log, health, metrics } = ground;
  const guard = new ServiceGuard(verifier, { tenant, types }, log);
  const parts = { db, outbox, relay: { wake: () => store.committed() }, mesh, tokens };
  const app = await createHttpApp(module(parts), {
    log,
    health,
    metrics,
    openApi,
    certificate,
    ...(exposure === undefined ? {} : { exposure }),
    guard: (server) => guardRoutes(server, guard),
  });
  const server = app.getHttpAdapter().getInstance();
  logChanges(server, log);
  routes?.(server, parts);
  return app;
}
