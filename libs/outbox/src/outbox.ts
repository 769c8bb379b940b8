import {
  AVRO_CONTENT_TYPE,
  HeddleError,
  LOCAL_TENANT,
  canonicalKey,
  checkAttributes,
  partitionOf,
  topicOf,
  uuidv7,
} from '@heddle/event';
import type { AvroCodec, Catalogue, EventType } from '@heddle/schema';
import { SHARD_COUNT } from './outbox-tables.js';
import { type AnyTransaction, runIn } from './sql-transaction.js';

/** One event that a change of an object raises. */
export interface Raise {
  type: string;
  /** The business key; made canonical here. */
  key: string;
  /** In JSON form, as the schema of the type wants it. */
  data: unknown;
  /** The version of the object after the change. */
  version: number;
  correlationId?: string | undefined;
  causationId?: string | undefined;
  traceparent?: string | undefined;
}

/** How events are encoded, and what is said of who raised them. */
export interface OutboxOptions {
  catalogue: Pick<Catalogue, 'get' | 'find'>;
  codec: Pick<AvroCodec, 'encode' | 'isLoaded' | 'load'>;
  /** The `source` attribute of every event raised here. */
  source: string;
  /** In whose topics the events are appended; the local one when not said. */
  tenant?: string;
  /** Where the doors serve objects; `dataref` is relative to the door that hands the event out. */
  objectsPath?: string;
  /** Bytes of encoded data at most: what is stored must never be refused by the log later. */
  maxValueBytes?: number;
}

/** Stands in for the number that the database gives: attributes are checked as they will be appended. */
const SEQUENCE_SAMPLE = '000000000001';

/**
 * Stores events in the transaction that changes their objects: they exist if and only if it commits. Events of one key
 * are numbered without gaps in commit order, across all processes and relays.
 */
export class Outbox {
  readonly #options: Required<OutboxOptions>;

  constructor(options: OutboxOptions) {
    this.#options = { tenant: LOCAL_TENANT, objectsPath: '/v1/objects', maxValueBytes: 850 * 1024, ...options };
  }

  /**
   * Makes the types known, so that raising them later asks nobody. To be called at the start.
   *
   * @throws HeddleError `type-unknown`, `registry-unavailable`
   */
  async prepare(types: readonly string[]): Promise<void> {
    for (const type of types) await this.#entryOf(type);
  }

  /**
   * Encodes, checks and stores the events, in the order given. Raise all events of a transaction in one call: keys are
   * locked in sorted order, which several calls would break (the database then ends one of two transactions that wait
   * for each other).
   *
   * @throws HeddleError `data-invalid`, `attribute-invalid`, `too-large`, `type-unknown`: the transaction must not commit.
   */
  async raise(tx: AnyTransaction, raises: readonly Raise[]): Promise<void> {
    if (raises.length > 0) await store(tx, await this.encode(raises));
  }

  /** The events as they would be stored, without numbers. @throws HeddleError as {@link raise} */
  async encode(raises: readonly Raise[]): Promise<EncodedRaise[]> {
    const encoded: EncodedRaise[] = [];
    for (const raise of raises) {
      const entry = this.#knownEntry(raise.type) ?? (await this.#entryOf(raise.type));
      encoded.push(this.#encodedOf(raise, entry));
    }
    return encoded;
  }

  #knownEntry(type: string): EventType | undefined {
    const entry = this.#options.catalogue.get(type);
    return entry !== undefined && this.#options.codec.isLoaded(entry.schemaId) ? entry : undefined;
  }

  async #entryOf(type: string): Promise<EventType> {
    const entry = await this.#options.catalogue.find(type);
    if (!this.#options.codec.isLoaded(entry.schemaId)) await this.#options.codec.load(entry.schemaId);
    return entry;
  }

  #encodedOf(raise: Raise, entry: EventType): EncodedRaise {
    const { codec, source, tenant, objectsPath, maxValueBytes } = this.#options;
    const key = canonicalKey(raise.key);
    const id = uuidv7();
    const attributes: EncodedRaise['attributes'] = {
      id,
      source,
      type: raise.type,
      subject: key,
      time: new Date().toISOString(),
      datacontenttype: AVRO_CONTENT_TYPE,
      partitionkey: key,
      dataref: `${objectsPath}/${entry.object}/${encodeURIComponent(key)}?version=${raise.version}`,
      ...(raise.correlationId === undefined ? {} : { correlationid: raise.correlationId }),
      ...(raise.causationId === undefined ? {} : { causationid: raise.causationId }),
      ...(raise.traceparent === undefined ? {} : { traceparent: raise.traceparent }),
    };
    checkAttributes({ ...attributes, sequence: SEQUENCE_SAMPLE });
    const value = codec.encode(entry.schemaId, raise.data);
    // As it will stand in the log, where data in the JSON format is longer.
    const bytes = entry.envelope === 'json' ? Buffer.byteLength(JSON.stringify(raise.data)) : value.length;
    if (bytes > maxValueBytes) {
      throw new HeddleError('too-large', `The data of ${raise.type} is ${bytes} bytes; ${maxValueBytes} are allowed.`);
    }
    return { topic: topicOf(entry.topic, tenant), key, attributes, value };
  }
}

/** An event that is checked and encoded, and has no number among those of its object yet. */
export interface EncodedRaise {
  topic: string;
  key: string;
  attributes: Record<string, string> & { id: string; source: string; type: string };
  value: Buffer;
}

/**
 * One statement numbers and stores. The counters are upserted in sorted order, and the sort of the rows needs all of
 * them before the first id is drawn: so whoever holds a key's counter draws its ids, and per key the order of ids is
 * the order of commits. Every value is an array of texts, whatever the driver behind the transaction.
 */
const STORE = `
  with counted as (
    insert into object_counter as counter (topic, key, sequence)
    select topic, key, count::bigint
    from unnest($1::text[], $2::text[], $3::text[]) as raised (topic, key, count)
    order by topic, key
    on conflict (topic, key) do update set sequence = counter.sequence + excluded.sequence
    returning topic, key, sequence
  )
  insert into outbox (shard, topic, key, sequence, attributes, value)
  select event.shard::smallint, event.topic, event.key, counted.sequence - event.back::bigint,
    event.attributes::jsonb, decode(event.value, 'hex')
  from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    with ordinality as event (shard, topic, key, back, attributes, value, place)
  join counted on counted.topic = event.topic and counted.key = event.key
  order by event.place`;

async function store(tx: AnyTransaction, rows: readonly EncodedRaise[]): Promise<void> {
  const counts = new Map<string, { topic: string; key: string; count: number }>();
  for (const { topic, key } of rows) {
    const counter = counts.get(`${topic}/${key}`) ?? { topic, key, count: 0 };
    counter.count += 1;
    counts.set(`${topic}/${key}`, counter);
  }
  const counters = [...counts.values()];
  const left = new Map(counters.map((counter) => [`${counter.topic}/${counter.key}`, counter.count]));
  const back = rows.map(({ topic, key }) => {
    const rest = (left.get(`${topic}/${key}`) ?? 1) - 1;
    left.set(`${topic}/${key}`, rest);
    return String(rest);
  });
  await runIn(tx, STORE, [
    counters.map(({ topic }) => topic),
    counters.map(({ key }) => key),
    counters.map(({ count }) => String(count)),
    rows.map(({ key }) => String(partitionOf(key, SHARD_COUNT))),
    rows.map(({ topic }) => topic),
    rows.map(({ key }) => key),
    back,
    rows.map(({ attributes }) => JSON.stringify(attributes)),
    rows.map(({ value }) => value.toString('hex')),
  ]);
}
