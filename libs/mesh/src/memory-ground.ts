import { LOCAL_TENANT, topicOf } from '@heddle/event';
import { Outbox } from '@heddle/outbox';
import { Health, type Log, createLog } from '@heddle/runtime';
import { AvroCodec, Catalogue, MemorySchemaRegistry, loadSchemaFiles, registerSchemas } from '@heddle/schema';
import { Registry } from 'prom-client';
import { MemoryStore } from './memory-store.js';
import type { ConsumeTuning } from './mesh.js';
import type { MeshStore } from './mesh-store.js';
import { ObjectFetch } from './object-fetch.js';
import type { Ground } from './open-ground.js';
import { type OpenDatabase, type OwnDatabase, openStore } from './open-store.js';
import type { MeshDatabase } from './sql-store.js';
import { WatchedEventLog } from './watched-event-log.js';

/** A database of a test's, on a server that is there. */
export interface TestDatabase extends OwnDatabase {
  /** The server: `postgres://user:password@host`. */
  url: string;
  /** Connections at most (10). */
  pool?: number;
}

export interface MemoryGroundOptions<Tx> {
  name: string;
  reactsTo?: readonly string[];
  raises?: readonly string[];
  /** Folders of schema files. */
  schemas: readonly string[];
  /** For real transactions; those of a {@link MemoryStore} when left out. */
  database?: TestDatabase | MeshDatabase<Tx>;
  tenant?: string;
  source?: string;
  consume?: ConsumeTuning;
  /** Answers who fetches objects. */
  request: typeof fetch;
  log?: Log;
  metrics?: Registry;
}

export interface MemoryGround<Tx> extends Ground<Tx> {
  eventLog: WatchedEventLog;
  catalogue: Catalogue;
  codec: AvroCodec;
}

/** What a mesh stands on in tests: event log and registry in memory, and a real database only where one is given. */
export async function openMemoryGround<Tx>(options: MemoryGroundOptions<Tx>): Promise<MemoryGround<Tx>> {
  const { name, tenant = LOCAL_TENANT, reactsTo = [], source = `/test/${name}`, database, consume = {} } = options;
  const { log = createLog(name, 'silent'), metrics = new Registry() } = options;
  const registry = new MemorySchemaRegistry();
  for (const folder of options.schemas) await registerSchemas(registry, await loadSchemaFiles(folder));
  const codec = new AvroCodec(registry);
  const catalogue = new Catalogue(registry, codec);
  const eventLog = new WatchedEventLog({ decode: ({ value }) => codec.decode(value), partitions: 4 });
  const outbox = new Outbox({ catalogue, codec, source, tenant });
  let opened: OpenDatabase<Tx> | undefined;
  try {
    await catalogue.refresh();
    await outbox.prepare(options.raises ?? []);
    const settings = { databaseUrl: '', databasePool: 10, tenant, inboxDays: 30 };
    if (database !== undefined) {
      settings.databaseUrl = database.url;
      settings.databasePool = 'pool' in database ? (database.pool ?? 10) : 10;
      const databaseName = `${name.replaceAll('-', '_')}_test`;
      opened = await openStore<Tx>({ name, database, databaseName, settings, eventLog, outbox, log, metrics });
    }
  } catch (error) {
    catalogue.close();
    throw error;
  }
  opened?.store.start();
  return {
    group: topicOf(name, tenant),
    topics: reactsTo.map((object) => topicOf(object, tenant)),
    eventLog,
    // Without a database there are no transactions but those in memory.
    store: opened?.store ?? (new MemoryStore(outbox, eventLog) as MeshStore<unknown> as MeshStore<Tx>),
    objects: new ObjectFetch({
      gatewayUrl: 'http://gateway.invalid',
      owners: {},
      catalogue,
      request: options.request,
      patienceMs: 2000,
    }),
    consume,
    log,
    health: new Health(),
    metrics,
    closing: [
      { name: 'event log', run: () => eventLog.close() },
      { name: 'catalogue', run: () => catalogue.close() },
      { name: 'database', run: () => opened?.close() },
    ],
    outbox,
    tokens: undefined,
    db: opened?.db,
    catalogue,
    codec,
  };
}
