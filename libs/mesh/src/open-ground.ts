import { ClientTokens } from '@heddle/auth';
import { HeddleError, LOCAL_TENANT, objectTopicSpec, topicOf } from '@heddle/event';
import { KafkaEventLog } from '@heddle/kafka';
import { Outbox } from '@heddle/outbox';
import { Health, type Log, type StopStep, reachable } from '@heddle/runtime';
import { AvroCodec, Catalogue, ConfluentSchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import type { Registry } from 'prom-client';
import type { ConsumeTuning, MeshGround } from './mesh.js';
import { NoStore } from './no-store.js';
import { ObjectFetch, type ObjectFetchOptions } from './object-fetch.js';
import { type OpenDatabase, type StoreDatabase, openStore } from './open-store.js';
import type { ServiceSettings } from './service-settings.js';

export interface GroundOptions<Tx> {
  name: string;
  /** Every event type it raises. */
  types: readonly string[];
  /** Topics of others whose events its handlers get. */
  reactsTo: readonly string[];
  settings: ServiceSettings;
  log: Log;
  metrics: Registry;
  database?: StoreDatabase<Tx> | undefined;
  /** A folder of schema files that are registered first. */
  schemas?: string | undefined;
  consume?: ConsumeTuning | undefined;
  fetch?: Pick<ObjectFetchOptions, 'patienceMs' | 'timeoutMs' | 'maxBytes' | 'cacheCharacters'> | undefined;
  /** Owners of objects that are asked directly. */
  owners?: Readonly<Record<string, string>> | undefined;
}

/** What a mesh stands on, and what a service of ours uses of it. */
export interface Ground<Tx> extends MeshGround<Tx> {
  outbox: Outbox;
  tokens: ClientTokens | undefined;
  /** Where the mesh has opened it by itself. */
  db: OpenDatabase<Tx>['db'];
}

/**
 * Opens event log, registry and database, waiting for each, brings topics and tables up to date, and relays the outbox.
 *
 * @throws HeddleError for what did not answer in time, and for what is wrong; nothing is left open then
 */
export async function openGround<Tx>(options: GroundOptions<Tx>): Promise<Ground<Tx>> {
  const { name, types, settings, log, metrics } = options;
  const { tenant } = settings;
  const registry = new ConfluentSchemaRegistry({ url: settings.registryUrl });
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const tokens = tokensOf(settings);
  const eventLog = new KafkaEventLog({
    brokers: settings.kafkaBrokers,
    clientId: name,
    codec,
    envelopeOf: (type) => catalogue.get(type)?.envelope,
    log: (level, event, fields) => log[level]({ event, ...fields }, event),
  });
  const outbox = new Outbox({ catalogue, codec, source: settings.eventSource, tenant });
  const ensure = (objects: readonly string[]): Promise<void> =>
    eventLog.ensureTopics(objects.map((object) => objectTopicSpec(topicOf(object, tenant), settings.topicPartitions)));
  const brokers = settings.kafkaBrokers.join(',');
  let opened: OpenDatabase<Tx> | undefined;
  const closing: StopStep[] = [
    { name: 'event log', run: () => eventLog.close() },
    { name: 'catalogue', run: () => catalogue.close() },
    { name: 'database', run: () => opened?.close() },
  ];
  try {
    const files = options.schemas === undefined ? [] : await loadSchemaFiles(options.schemas);
    const typesKnown = async (): Promise<void> => {
      await reachable(log, `the registry at ${settings.registryUrl}`, 'registry-unavailable', () => registry.ping());
      // Not tried again: what is not compatible now will not become so.
      await registerSchemas(registry, files);
      await reachable(log, 'the event types it raises', 'registry-unavailable', () => outbox.prepare(types));
    };
    const store = async (): Promise<void> => {
      if (options.database === undefined) return;
      const opening = { ...options, database: options.database, databaseName: databaseOf(name, tenant) };
      await reachable(log, 'the database', 'store-unavailable', async () => {
        opened ??= await openStore({ ...opening, eventLog, outbox });
      });
    };
    await Promise.all([
      // Any service may start first: each makes sure of the topics it reads, too.
      reachable(log, `the event log at ${brokers}`, 'log-unavailable', () => ensure(options.reactsTo)),
      typesKnown(),
      store(),
    ]);
    await ensure([...new Set(types.flatMap((type) => catalogue.get(type)?.topic ?? []))]);
  } catch (error) {
    for (const { run } of closing) await run();
    throw error;
  }
  const health = new Health().add('event-log', () => eventLog.ping()).add('schema-registry', () => registry.ping());
  if (opened !== undefined) health.add('database', opened.ping);
  opened?.store.start();
  return {
    group: topicOf(name, tenant),
    topics: options.reactsTo.map((object) => topicOf(object, tenant)),
    eventLog,
    store: opened?.store ?? new NoStore(),
    objects: new ObjectFetch({
      ...options.fetch,
      gatewayUrl: settings.issuerUrl,
      owners: options.owners ?? {},
      catalogue,
      tokens,
    }),
    consume: options.consume ?? {},
    log,
    health,
    metrics,
    closing,
    outbox,
    tokens,
    db: opened?.db,
  };
}

/** Each tenant has a database of its own. */
function databaseOf(service: string, tenant: string): string {
  return (tenant === LOCAL_TENANT ? service : `${tenant}-${service}`).replaceAll('-', '_');
}

function tokensOf({ issuerUrl, clientId, clientSecret }: ServiceSettings): ClientTokens | undefined {
  if (clientId === undefined && clientSecret === undefined) return undefined;
  if (clientId === undefined || clientSecret === undefined) {
    const missing = clientId === undefined ? 'HEDDLE_CLIENT_ID' : 'HEDDLE_CLIENT_SECRET';
    throw new HeddleError(
      'setting-invalid',
      `HEDDLE_CLIENT_ID and HEDDLE_CLIENT_SECRET go together, and ${missing} is not set.`,
    );
  }
  return new ClientTokens({ tokenUrl: `${issuerUrl}/oauth/token`, clientId, clientSecret });
}
