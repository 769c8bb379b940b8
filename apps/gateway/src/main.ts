import 'reflect-metadata';
import { hostname } from 'node:os';
import { guardRoutes } from '@heddle/auth';
import { CONTROL_TOPIC_SPECS, HeddleError } from '@heddle/event';
import { KafkaConsumerGroups, KafkaControlLog, KafkaEventLog, KafkaSlotGroup } from '@heddle/kafka';
import {
  type Certificate,
  Health,
  certificateOf,
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
import { asyncApiDocument } from './asyncapi.js';
import { openEventMesh } from './event-mesh/event-mesh.js';
import { sapPaths } from './event-mesh/sap-answer.js';
import { GatewayModule } from './gateway.module.js';
import { gatewayOpenApi } from './gateway.openapi.js';
import { Gateway } from './gateway.js';
import { Identity } from './identity/identity.js';
import { addReadings, createGatewayMetrics } from './metrics.js';
import { protocols } from './protocols/protocols.js';
import { Sessions } from './protocols/sessions.js';
import { settings } from './settings.js';
import { Vault } from './vault/vault.js';

/** A message of 1,000,000 bytes with its attributes: less than what a broker takes by default (1,048,588). */
const MAX_RECORD_BYTES = 1_040_000;

const values = readSettings(settings);
const log = createLog('gateway', values.logLevel);

await run(log, async () => {
  const certificate = askingForOne(certificateOf(values), values.clientCertificates);
  const scheme = certificate === undefined ? 'http' : 'https';
  const baseUrl = values.gatewayUrl ?? `${scheme}://${values.host}:${values.port}`;
  if (values.tls === 'proxy' && values.gatewayUrl === undefined) {
    log.warn(
      { event: 'gateway-url-missing', baseUrl },
      'clients come by a proxy: set GATEWAY_URL to the URL they know',
    );
  }
  const instanceUrl = values.instanceUrl ?? `${scheme}://${ownHost(values.host)}:${values.port}`;
  const metricsRegistry = createMetrics('gateway');
  const metrics = createGatewayMetrics(metricsRegistry);
  const registry = new ConfluentSchemaRegistry({ url: values.registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  let setAside = 0;
  const kafka = {
    brokers: values.kafkaBrokers,
    clientId: 'gateway',
    log: (level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: object) =>
      log[level]({ event, ...fields }, event),
  };
  const eventLog = new KafkaEventLog({
    ...kafka,
    codec,
    envelopeOf: (type) => catalogue.get(type)?.envelope,
    appendBoundMs: values.appendTimeoutMs,
    maxEventBytes: MAX_RECORD_BYTES,
    onSetAside: () => (setAside += 1),
  });
  const controlLog = new KafkaControlLog(kafka);
  const slotGroup = new KafkaSlotGroup(kafka);
  const groups = new KafkaConsumerGroups(kafka);

  await Promise.all([
    reachable(log, `the event log at ${values.kafkaBrokers.join(',')}`, 'log-unavailable', () => eventLog.ping()),
    reachable(log, `the schema registry at ${values.registryUrl}`, 'registry-unavailable', () => catalogue.refresh()),
  ]);
  const vault = new Vault(controlLog, values.masterKeys, log);
  const identity = new Identity({
    settings: values,
    baseUrl,
    controlLog,
    sealer: vault,
    inUse: (tenant) => {
      const { length } = gateway.engine.directory.queues(tenant);
      return length === 0 ? undefined : `${length} queues`;
    },
    admitClient: (tenant, present) => gateway.limits.quotas.admit(tenant, 'clients', present),
    subscriptions: {
      any: (caller, client) => gateway.subscriptions.any(caller, client),
      end: (caller, client) => gateway.subscriptions.end(caller, client),
    },
    admit: (request, reply) => gateway.limits.charge(request, reply),
    admitTokenRequest: (request, reply) => gateway.limits.chargeToken(request, reply),
    log,
  });
  await controlLog.ensureTopics(CONTROL_TOPIC_SPECS);
  await vault.start();
  vault.requireKey();
  await identity.start();
  const gateway: Gateway = new Gateway({
    settings: values,
    baseUrl,
    instanceUrl,
    eventLog,
    controlLog,
    slotGroup,
    registry,
    codec,
    catalogue,
    guard: identity.guard,
    serviceToken: (tenant) => identity.serviceToken(tenant),
    tokenFor: (caller) => identity.tokenFor(caller),
    vault,
    metrics,
    log,
  });
  await gateway.start();
  addReadings(metricsRegistry, {
    dispatched: () => gateway.dispatcher.dispatched,
    streams: () => gateway.streams.counts,
    held: () => gateway.engine.queues.held,
    setAside: () => setAside,
  });

  const health = new Health().add('event-log', () => eventLog.ping()).add('schema-registry', () => registry.ping());
  const groupsOf = (topic: string): Promise<string[]> => groups.readersOf(topic);
  const app = await createHttpApp(GatewayModule.of(gateway, identity, catalogue, registry, groupsOf, baseUrl), {
    log,
    health,
    metrics: metricsRegistry,
    openApi: gatewayOpenApi,
    limits: values,
    exposure: values,
    onSocket: (use) => gateway.limits.onSocket(use),
    guard: (server) => {
      guardRoutes(server, identity.guard);
      gateway.audit.attach(server);
    },
    certificate,
    server: sapPaths(log),
  });
  const { publisher, streams, hop, namespaces } = gateway;
  const { guard } = identity;
  const sessions = new Sessions(guard, (caller, address) => gateway.limits.connect(caller, address));

  const server = app.getHttpAdapter().getInstance();
  hop.attach(server);
  identity.open(server);
  server.get('/asyncapi.json', { config: { access: 'public' } }, () =>
    asyncApiDocument({ baseUrl, brokers: values.kafkaBrokers, events: catalogue.list(), mqtt: values }),
  );
  const doors = {
    server,
    publisher,
    streams,
    queues: gateway.engine.queues,
    hop,
    namespaces,
    guard,
    sessions,
    limits: gateway.limits,
    sockets: [],
    proxies: values.trustedProxies,
    audit: gateway.audit,
    values,
    host: values.host,
    tls: values.tls,
    certificate,
    amqp: values,
    mqtt: gateway.mqtt,
    log,
  };
  const open = protocols.map((protocol) => protocol.open(doors));
  openEventMesh(server, {
    ...gateway.management,
    origin: new URL(baseUrl).hostname,
    isReady: async () => (await health.report()).status === 'ok',
    log,
  });
  stopInOrder(log, [
    { name: 'ready', run: () => health.stopping() },
    { name: 'streams', run: () => streams.close() },
    { name: 'sessions', run: () => sessions.stop() },
    { name: 'protocols', run: () => Promise.all(open.map(async (protocol) => protocol.close())) },
    { name: 'server', run: () => app.close() },
    { name: 'gateway', run: () => gateway.stop() },
    { name: 'identity', run: () => identity.stop() },
    { name: 'vault', run: () => vault.stop() },
    { name: 'control log', run: () => controlLog.close() },
    { name: 'consumer groups', run: () => groups.close() },
    { name: 'event log', run: () => eventLog.close() },
    { name: 'catalogue', run: () => catalogue.close() },
  ]);
  const url = await listen(app, values);
  for (const protocol of open) await protocol.listen?.();
  log.info({ event: 'listening', url }, `listening on ${url}`);
});

/** Whether a certificate is shown is up to the client, and whose it is to the token endpoint: nobody is turned away here. */
function askingForOne(own: Certificate | undefined, asks: boolean): Certificate | undefined {
  if (!asks) return own;
  if (own !== undefined) return { ...own, requestCert: true, rejectUnauthorized: false };
  throw new HeddleError('setting-invalid', 'HEDDLE_CLIENT_CERTIFICATES is true: set HEDDLE_TLS=own, or leave it out.');
}

/** The name by which others reach a process that listens everywhere. */
function ownHost(host: string): string {
  return host === '0.0.0.0' || host === '::' ? hostname() : host;
}
