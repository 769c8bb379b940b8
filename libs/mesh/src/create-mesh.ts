import type { AnyTransaction } from '@heddle/outbox';
import { type Log, createLog, defineSettings, processSettings } from '@heddle/runtime';
import { Registry } from 'prom-client';
import type { AnyEvents } from './event-map.js';
import { Mesh } from './mesh.js';
import { meshMigrations } from './mesh-migrations.js';
import { type GroundOptions, openGround } from './open-ground.js';
import { type ServiceSettings, serviceSettings } from './service-settings.js';

/** What a microservice says of itself. What is left out comes from the environment, by the names of `runService`. */
export interface MeshOptions<Tx = AnyTransaction> extends Pick<
  GroundOptions<Tx>,
  'name' | 'database' | 'schemas' | 'consume' | 'fetch' | 'owners'
> {
  /** Business objects of others whose events its handlers get. */
  reactsTo?: readonly string[];
  /** The event types it raises. */
  raises?: readonly string[];
  /** `host:port` of Kafka's brokers (`KAFKA_BROKERS`). */
  brokers?: readonly string[];
  /** URL of the schema registry (`SCHEMA_REGISTRY_URL`). */
  registryUrl?: string;
  /** The `source` of its events (`EVENT_SOURCE`). */
  source?: string;
  /** Whose objects these are (`HEDDLE_TENANT`). */
  tenant?: string;
  /** Where objects are fetched, and as which client (`HEDDLE_ISSUER_URL`, `HEDDLE_CLIENT_ID`, `HEDDLE_CLIENT_SECRET`). */
  gateway?: { url?: string; clientId?: string; clientSecret?: string };
  /** How many days the inbox knows what was handled (`HEDDLE_INBOX_DAYS`). */
  inboxDays?: number;
  /** A log of pino's; one of its own (`LOG_LEVEL`) when left out. */
  log?: Log;
  metrics?: Registry;
  /** Read in place of the environment of this process. */
  environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Opens the mesh for a microservice: waits for Kafka, registry and database, registers its schemas where it says so,
 * makes topics and tables, and carries over what is raised from now on. `start` begins to consume, `stop` ends all.
 *
 * @throws HeddleError `setting-invalid`, `schema-incompatible`, …; and after 60 s for what does not answer
 */
export async function createMesh<E extends object = AnyEvents, Tx = AnyTransaction>(
  options: MeshOptions<Tx>,
): Promise<Mesh<E, Tx>> {
  const { name, reactsTo = [], raises = [], database } = options;
  const settings = settingsOf(options);
  const ground = await openGround<Tx>({
    ...options,
    reactsTo,
    types: raises,
    settings,
    log: options.log ?? createLog(name, settings.logLevel),
    metrics: options.metrics ?? new Registry(),
    database: withOwnTables(database),
  });
  return new Mesh<E, Tx>(ground);
}

/** The settings of a service, with what its options say in front. */
function settingsOf(options: Omit<MeshOptions, 'database'>): ServiceSettings {
  const { name, brokers, registryUrl, source, tenant, gateway = {}, inboxDays, environment } = options;
  const declared = defineSettings(serviceSettings({ name, port: 0 }));
  const settings = environment === undefined ? processSettings(declared) : declared.read(environment);
  const said = {
    kafkaBrokers: brokers,
    registryUrl,
    eventSource: source,
    tenant,
    issuerUrl: gateway.url?.replace(/\/+$/, ''),
    clientId: gateway.clientId,
    clientSecret: gateway.clientSecret,
    inboxDays,
  };
  const overriding = Object.entries(said).filter(([, value]) => value !== undefined);
  return { ...settings, ...(Object.fromEntries(overriding) as Partial<ServiceSettings>) };
}

/** One that the mesh opens has the mesh's tables by itself. */
function withOwnTables<Tx>(database: GroundOptions<Tx>['database']): GroundOptions<Tx>['database'] {
  if (database === undefined || !('migrations' in database)) return database;
  return { ...database, migrations: { ...meshMigrations, ...database.migrations } };
}
