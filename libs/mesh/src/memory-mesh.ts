import { setTimeout as delay } from 'node:timers/promises';
import {
  AVRO_CONTENT_TYPE,
  type EventAttributes,
  HeddleError,
  type MemoryDeadLetter,
  type StoredEvent,
  canonicalKey,
  formatSequence,
  tenantOf,
  topicOf,
  uuidv7,
} from '@heddle/event';
import type { AnyEvents, Appearing } from './event-map.js';
import { type MemoryGround, type MemoryGroundOptions, openMemoryGround } from './memory-ground.js';
import { MemoryObjects } from './memory-objects.js';
import type { MemoryTransaction } from './memory-store.js';
import { Mesh } from './mesh.js';
import { meshMigrations } from './mesh-migrations.js';
import type { HandlerFailure, WatchedEventLog } from './watched-event-log.js';

/** What a mesh in memory is made of. */
export type MemoryMeshOptions<Tx> = Omit<MemoryGroundOptions<Tx>, 'request'>;

const PATIENCE_MS = 10_000;
const LOOK_MS = 2;

/**
 * The whole mesh in the memory of a unit test: what is raised arrives at handlers, in order per key, is tried again and
 * becomes a dead letter as on Kafka, under the same schemas. Transactions are in memory, too, unless it is opened with
 * the database of the test.
 */
export class MemoryMesh<E extends object = AnyEvents, Tx = MemoryTransaction> extends Mesh<E, Tx> {
  /** What can be fetched. */
  readonly objects: MemoryObjects;
  readonly #ground: MemoryGround<Tx>;
  readonly #sequences = new Map<string, number>();

  private constructor(ground: MemoryGround<Tx>, objects: MemoryObjects) {
    super(ground);
    this.#ground = ground;
    this.objects = objects;
  }

  /** @throws HeddleError `schema-invalid` for schema files that break a rule, `type-unknown` for types they do not have */
  static async open<E extends object = AnyEvents, Tx = MemoryTransaction>(
    options: MemoryMeshOptions<Tx>,
  ): Promise<MemoryMesh<E, Tx>> {
    const objects = new MemoryObjects();
    const ground = await openMemoryGround<Tx>({
      ...options,
      ...withTables(options.database),
      request: objects.request,
    });
    return new MemoryMesh<E, Tx>(ground, objects);
  }

  /** Every event of every topic, as the log has them: those raised here, and those that appeared. */
  get events(): readonly StoredEvent[] {
    return this.log.events;
  }

  /** Every failure of a handler, in the order they came, those that were tried again among them. */
  get failures(): readonly HandlerFailure[] {
    return this.log.failures;
  }

  /** What was given up, with the error of the last attempt. */
  get deadLetters(): readonly MemoryDeadLetter[] {
    return this.log.deadLetters.filter(({ group }) => group === this.#ground.group);
  }

  /** The log itself, to make it fail. */
  get log(): WatchedEventLog {
    return this.#ground.eventLog;
  }

  /**
   * Lets an event of another service appear; resolves when the log has it. Its number counts on by itself.
   *
   * @throws HeddleError `type-unknown`, `data-invalid`
   */
  async appear(event: Appearing<E>): Promise<EventAttributes> {
    const { type, key: given, data, version = 1, attributes: own } = event as unknown as Appearing<AnyEvents>;
    const { catalogue, codec, eventLog, group } = this.#ground;
    const entry = await catalogue.find(type);
    const topic = topicOf(entry.topic, tenantOf(group));
    const key = canonicalKey(given);
    const sequence = (this.#sequences.get(`${topic}/${key}`) ?? 0) + 1;
    this.#sequences.set(`${topic}/${key}`, sequence);
    const attributes: EventAttributes = {
      id: uuidv7(),
      source: `/test/${entry.object}`,
      type,
      subject: key,
      time: new Date().toISOString(),
      datacontenttype: AVRO_CONTENT_TYPE,
      partitionkey: key,
      sequence: formatSequence(sequence),
      dataref: `/v1/objects/${entry.object}/${encodeURIComponent(key)}?version=${version}`,
      ...own,
    };
    const value = codec.encode(entry.schemaId, data);
    const [outcome] = await eventLog.append([{ topic, key, event: { attributes, value } }]);
    if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? new Error('The log gave no answer.');
    return attributes;
  }

  /**
   * Resolves when all is quiet: no transaction is open, all that was raised is in the log, and each event that comes to
   * handlers is handled or a dead letter.
   *
   * @throws HeddleError `internal` after 10 s, naming what is open
   */
  async settled(patienceMs = PATIENCE_MS): Promise<void> {
    const until = performance.now() + patienceMs;
    for (;;) {
      const before = this.log.changes;
      const open = await this.#open();
      // What changed meanwhile may have opened something that was looked at before.
      if (open.length === 0 && this.log.changes === before) return;
      if (performance.now() > until) {
        throw new HeddleError(
          'internal',
          `After ${patienceMs} ms it is not quiet: ${open.join('; ') || 'events go on'}.`,
        );
      }
      await delay(LOOK_MS);
    }
  }

  async #open(): Promise<string[]> {
    const open = this.log.openEvents();
    if (this.openTransactions > 0) open.push(`${this.openTransactions} transactions are open`);
    if (await this.#ground.store.hasUnsent()) open.push('events that were raised are not in the log');
    return open;
  }
}

/** A database that the mesh opens has the mesh's tables by itself. */
function withTables<Tx>(database: MemoryMeshOptions<Tx>['database']): Pick<MemoryMeshOptions<Tx>, 'database'> {
  if (database === undefined) return {};
  if (!('migrations' in database)) return { database };
  return { database: { ...database, migrations: { ...meshMigrations, ...database.migrations } } };
}
