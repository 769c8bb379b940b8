import { ClientRevocations, gatewayTokens } from '@heddle/auth';
import { KafkaControlLog } from '@heddle/kafka';
import { type OutboxTables, createInboxTables } from '@heddle/outbox';
import {
  type Log,
  certificateOf,
  createLog,
  createMetrics,
  listen,
  reachable,
  run,
  stopInOrder,
} from '@heddle/runtime';
import type { Kysely, Transaction } from 'kysely';
import { connectMesh } from './connect-mesh.js';
import type { AnyEvents } from './event-map.js';
import { Mesh } from './mesh.js';
import { openGround } from './open-ground.js';
import { type Service, createService } from './service.js';
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
  const { name, types, reactsTo = [], migrations } = service;
  const { tenant, issuerUrl, issuer = issuerUrl, tokenAudience: audience } = settings;
  const certificate = certificateOf(settings);
  const metrics = createMetrics(name);
  const database = { migrations: { '000-heddle-inbox': createInboxTables, ...migrations } };
  const controlLog = new KafkaControlLog({
    brokers: settings.kafkaBrokers,
    clientId: name,
    log: (level, event, fields) => log[level]({ event, ...fields }, event),
  });
  const revocations = new ClientRevocations(controlLog);
  const brokers = settings.kafkaBrokers.join(',');
  const [ground] = await Promise.all([
    openGround<Transaction<T>>({ name, types, reactsTo, settings, log, metrics, database }),
    reachable(log, `what ends tokens, at ${brokers},`, 'log-unavailable', () => revocations.start()),
  ]);
  const mesh = new Mesh<AnyEvents, Transaction<T>>(ground);
  const verifier = gatewayTokens({ url: issuerUrl, issuer, audience }, (caller) => revocations.isCurrent(caller));
  // The mesh has opened it, for it was given migrations.
  const db = ground.db as Kysely<T>;
  const app = await createService(service, { ...ground, db, tenant, verifier, certificate, exposure: settings, mesh });
  stopInOrder(log, [
    { name: 'ready', run: () => ground.health.stopping() },
    { name: 'server and consumer', run: () => app.close() },
    { name: 'revocations', run: () => revocations.stop() },
    { name: 'control log', run: () => controlLog.close() },
    ...mesh.stopSteps(),
  ]);
  // Before joining the group: that waits for a member that was killed, until its session is over.
  const url = await listen(app, settings);
  await connectMesh(app, mesh);
  log.info({ event: 'listening', url }, `listening on ${url}`);
}
