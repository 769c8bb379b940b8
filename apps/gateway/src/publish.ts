import { type Caller, requirePermission } from '@heddle/auth';
import {
  AVRO_CONTENT_TYPE,
  type Append,
  type AppendOutcome,
  type EventAttributes,
  type EventLog,
  HeddleError,
  type Position,
  type StoredEvent,
  attributeProblem,
  canonicalKey,
  longAttributeBytes,
  isRawTopic,
  tenantOf,
  topicOf,
} from '@heddle/event';
import {
  type AvroCodec,
  type AvroSchema,
  type Catalogue,
  type EventType,
  type SchemaRegistry,
  fullNameOf,
  isOpenToPublish,
  schemaIdOf,
} from '@heddle/schema';
import { type DedupeWindow, DedupeWindows } from './dedupe-window.js';
import type { IncomingEvent } from './incoming-event.js';
import { type IncomingMessage, MAX_MESSAGE_BYTES, type MessageOutcome } from './messages/incoming-message.js';
import type { MessageSorter } from './messages/message-sorter.js';
import type { GatewayMetrics } from './metrics.js';
import type { ObjectTopics } from './object-topics.js';

export type PublishOutcome = { position: Position; duplicate: boolean } | { error: HeddleError };

/** The window in which the same (source, id) is appended once; it knows what any instance has appended lately. */
const DEDUPE_WINDOW = { events: 100_000, rawMessages: 50_000, ms: 10 * 60_000 } as const;

/** Bytes of data of one event, as of any message; what the log takes at most is a little more. */
const MAX_DATA_BYTES = MAX_MESSAGE_BYTES;

/** The data of an event, as bytes and in its JSON form. */
interface Encoded {
  value: Uint8Array;
  data: unknown;
}

/** What became of an event, or will. */
type Pending = Promise<AppendOutcome> | AppendOutcome;

/** Neck one: everything that is published comes through here, whatever door it used and whoever comes. */
export class Publisher {
  /** Of schemas other than the newest of their type: nothing, or why they are refused. What an id means never changes. */
  #versions = new Map<string, HeddleError | undefined>();
  #windows = new DedupeWindows<Pending>(DEDUPE_WINDOW.events, DEDUPE_WINDOW.ms);
  /** Apart, for most of those have an id that was made for them: they would drive out what may really come again. */
  #rawWindows = new DedupeWindows<Pending>(DEDUPE_WINDOW.rawMessages, DEDUPE_WINDOW.ms);

  constructor(
    private readonly catalogue: Catalogue,
    private readonly registry: SchemaRegistry,
    private readonly codec: AvroCodec,
    private readonly eventLog: EventLog,
    private readonly topics: Pick<ObjectTopics, 'ensure'>,
    private readonly metrics: GatewayMetrics,
    private readonly addresses: MessageSorter,
  ) {}

  /**
   * Checks events and appends them to the topics of the caller's tenant; each has its own outcome, in their order, one
   * that the caller may not publish (`publish:type:…`) too. An accepted one is on all in-sync replicas.
   * After an event whose append failed, no later one of its key in the same call is appended.
   */
  publish(caller: Caller, events: readonly IncomingEvent[]): Promise<PublishOutcome[]> {
    let permitted: string | undefined;
    return this.#publishAll(caller.tenant, events.length, (index) => {
      const event = events[index]!;
      const { type } = event.attributes;
      // Before anything else: whoever may not publish a type learns nothing about it.
      if (type !== undefined && type !== permitted) requirePermission(caller, 'publish', 'type', type);
      permitted = type;
      const admit = (append: Append): Append => {
        this.addresses.admitEvent(caller.tenant, append.event);
        return append;
      };
      const checked = this.#checked(event, caller.tenant);
      return checked instanceof Promise ? checked.then(admit) : admit(checked);
    });
  }

  /**
   * Appends messages to what their addresses are: to the topic of an event type as that event, checked like any other
   * (`publish:type:…`), otherwise as they are (`publish:topic:…`, `publish:queue:…`); each has its own outcome, in their
   * order. Accepted and repeated as in {@link publish}; of raw messages the address is part of what tells one from another.
   */
  async publishMessages(caller: Caller, messages: readonly IncomingMessage[]): Promise<MessageOutcome[]> {
    const ids: string[] = [];
    const outcomes = await this.#publishAll(caller.tenant, messages.length, (index) => {
      const note = (append: Append): Append => {
        ids[index] = append.event.attributes.id;
        return append;
      };
      const sorted = this.addresses.sort(caller, messages[index]!);
      const checked =
        sorted instanceof Promise
          ? sorted.then((done) => this.#appendFor(done, caller.tenant))
          : this.#appendFor(sorted, caller.tenant);
      return checked instanceof Promise ? checked.then(note) : note(checked);
    });
    return outcomes.map((outcome, index) => ('error' in outcome ? outcome : { id: ids[index]!, ...outcome }));
  }

  /** `prepare` is called for one after the other, so that appends stand in the order of what was handed over. */
  async #publishAll(
    tenant: string,
    count: number,
    prepare: (index: number) => Append | Promise<Append>,
  ): Promise<PublishOutcome[]> {
    const outcomes = Array.from<PublishOutcome | Pending>({ length: count });
    const duplicates = new Set<number>();
    const appends: Append[] = [];
    const settle: ((outcome: AppendOutcome) => void)[] = [];
    const now = Date.now();
    const ofEvents = this.#windows.of(tenant, now);
    for (let index = 0; index < count; index += 1) {
      let append: Append;
      try {
        const prepared = prepare(index);
        // No turn of the event loop where nothing has to be waited for.
        append = prepared instanceof Promise ? await prepared : prepared;
        const making = this.topics.ensure(append.topic);
        if (making !== undefined) await making;
      } catch (error) {
        outcomes[index] = { error: asRefusal(error) };
        continue;
      }
      const { id } = append.event.attributes;
      const source = originOf(append.topic, append.event.attributes);
      const window = isRawTopic(append.topic) ? this.#rawWindows.of(tenant, now) : ofEvents;
      const known = window.get(source, id, now);
      if (known !== undefined) {
        duplicates.add(index);
        outcomes[index] = known;
        continue;
      }
      const pending = new Promise<AppendOutcome>((resolve) => settle.push(resolve));
      window.set(source, id, pending, now);
      outcomes[index] = pending;
      appends.push(append);
    }
    if (appends.length > 0) void this.#append(appends, settle, tenant);
    const results: PublishOutcome[] = [];
    for (let index = 0; index < outcomes.length; index += 1) {
      const outcome = await outcomes[index]!;
      const duplicate = duplicates.has(index);
      results.push('position' in outcome ? { position: outcome.position, duplicate } : outcome);
      this.metrics.published.inc({
        outcome: 'error' in outcome ? outcome.error.code : duplicate ? 'duplicate' : 'accepted',
      });
    }
    return results;
  }

  /**
   * Takes note of events that were read from the log, so that what another instance appended, or this one before it
   * was started anew, is not appended again. What a service numbered cannot be published, and need not be known.
   */
  remember(events: readonly { stored: StoredEvent }[]): void {
    const now = Date.now();
    let last = '';
    let window: DedupeWindow<Pending> | undefined;
    for (const { stored } of events) {
      const { topic, partition, offset } = stored;
      if (window === undefined || topic !== last) window = this.#windowOf((last = topic), tenantOf(topic), now);
      const { id, sequence } = stored.attributes;
      const source = originOf(topic, stored.attributes);
      if (sequence !== undefined || window.get(source, id, now) !== undefined) continue;
      window.set(source, id, { position: { topic, partition, offset } }, now);
    }
  }

  async #append(
    appends: readonly Append[],
    settle: readonly ((outcome: AppendOutcome) => void)[],
    tenant: string,
  ): Promise<void> {
    let outcomes: AppendOutcome[];
    try {
      outcomes = await this.eventLog.append(appends);
    } catch (error) {
      const failure =
        error instanceof HeddleError
          ? error
          : new HeddleError('log-unavailable', 'The event log failed.', { cause: error });
      outcomes = appends.map(() => ({ error: failure }));
    }
    for (let index = 0; index < appends.length; index += 1) {
      const outcome = outcomes[index] ?? { error: new HeddleError('internal', 'No outcome.') };
      const { topic, event } = appends[index]!;
      // What failed may be published again; only what stands in the log counts as had.
      if ('error' in outcome) {
        this.#windowOf(topic, tenant, Date.now()).delete(originOf(topic, event.attributes), event.attributes.id);
      }
      settle[index]?.(outcome);
    }
  }

  #windowOf(topic: string, tenant: string, now: number): DedupeWindow<Pending> {
    return (isRawTopic(topic) ? this.#rawWindows : this.#windows).of(tenant, now);
  }

  /**
   * Holds the schema that data was encoded with to those registered for its type: another one is let in when it is a
   * version of it, or could be.
   *
   * @throws HeddleError `schema-unknown`, `schema-incompatible`, `registry-unavailable`
   */
  async #requireVersion(schemaId: number, type: EventType): Promise<void> {
    const key = `${schemaId} ${type.subject}`;
    if (!this.#versions.has(key)) {
      const schema = await this.registry.byId(schemaId);
      this.#versions.set(key, await this.#refusalOf(schemaId, schema, type));
    }
    const refusal = this.#versions.get(key);
    if (refusal !== undefined) throw refusal;
  }

  async #refusalOf(schemaId: number, schema: AvroSchema, type: EventType): Promise<HeddleError | undefined> {
    const detail = `Schema ${schemaId} is not a version of ${type.subject}`;
    if (fullNameOf(schema) !== fullNameOf(type.schema))
      return new HeddleError('schema-unknown', `${detail}.`, { field: 'data' });
    // A subject may be held to less than what a stranger is held to.
    if ((await this.registry.versions(type.subject)).some(({ id }) => id === schemaId)) return undefined;
    const { compatible, messages } = await this.registry.check(type.subject, schema);
    if (compatible) return undefined;
    const why = messages.length === 0 ? 'the registry refuses it' : messages.slice(0, 5).join('; ');
    return new HeddleError('schema-incompatible', `${detail}, and cannot be: ${why}.`, { field: 'data' });
  }

  #appendFor(sorted: Append | IncomingEvent, tenant: string): Append | Promise<Append> {
    return 'topic' in sorted ? sorted : this.#checked(sorted, tenant);
  }

  /** Without a turn of the event loop where all that is needed is at hand, as it nearly always is. */
  #checked(event: IncomingEvent, tenant: string): Append | Promise<Append> {
    const type = this.catalogue.get(event.attributes.type ?? '');
    if (type === undefined) return this.#checkedSlowly(event, tenant);
    try {
      return this.#checkNow(event, type, tenant) ?? this.#checkedSlowly(event, tenant);
    } catch (error) {
      return this.#checkAgain(event, type, tenant, error);
    }
  }

  async #checkedSlowly(event: IncomingEvent, tenant: string): Promise<Append> {
    const type = await this.catalogue.find(event.attributes.type ?? '');
    try {
      return await this.#check(event, type, tenant);
    } catch (error) {
      return this.#checkAgain(event, type, tenant, error);
    }
  }

  /** Data that does not fit may be that of a version registered a moment ago. */
  async #checkAgain(event: IncomingEvent, type: EventType, tenant: string, error: unknown): Promise<Append> {
    if (!(error instanceof HeddleError) || error.code !== 'data-invalid' || !('json' in event.data)) throw error;
    const newer = await this.catalogue.renewed(type);
    if (newer === undefined) throw error;
    return this.#check(event, newer, tenant);
  }

  async #check(event: IncomingEvent, type: EventType, tenant: string): Promise<Append> {
    checkEnvelope(event, type);
    return appendOf(event, type, tenant, await this.#encode(event, type));
  }

  /** The same without a turn of the event loop, where it needs none: JSON data of a schema that is at hand. */
  #checkNow(event: IncomingEvent, type: EventType, tenant: string): Append | undefined {
    if (!('json' in event.data) || !this.codec.isLoaded(type.schemaId)) return undefined;
    checkEnvelope(event, type);
    const { json } = event.data;
    return appendOf(event, type, tenant, { value: this.codec.encode(type.schemaId, json), data: json });
  }

  async #encode(event: IncomingEvent, type: EventType): Promise<Encoded> {
    if ('json' in event.data) {
      const { json } = event.data;
      if (!this.codec.isLoaded(type.schemaId)) await this.codec.load(type.schemaId);
      return { value: this.codec.encode(type.schemaId, json), data: json };
    }
    const { avro } = event.data;
    const schemaId = schemaIdOf(avro);
    if (!this.codec.isLoaded(schemaId)) await this.codec.load(schemaId);
    if (schemaId !== type.schemaId) await this.#requireVersion(schemaId, type);
    const { data } = this.codec.decode(avro);
    // Bytes that somebody else encoded say nothing of the lengths that fields may have.
    this.codec.check(schemaId, data);
    return { value: avro, data };
  }
}

function checkEnvelope(event: IncomingEvent, type: EventType): void {
  const problem = attributeProblem(event.attributes);
  if (problem !== undefined) throw attributeError(problem.attribute, problem.rule);
  if (!isOpenToPublish(type)) {
    throw new HeddleError('type-owned', `${type.type} is raised by ${type.owner} alone.`, {
      field: 'attributes.type',
    });
  }
  if (event.attributes.sequence !== undefined) {
    throw attributeError('sequence', 'is numbered by the service that owns the object, and cannot be published');
  }
}

function appendOf(event: IncomingEvent, type: EventType, tenant: string, { value, data }: Encoded): Append {
  const bytes = value.length + longAttributeBytes(event.attributes);
  if (bytes > MAX_DATA_BYTES) {
    const rule = `The data has ${bytes} bytes as Avro; at most ${MAX_DATA_BYTES} are allowed.`;
    throw new HeddleError('too-large', rule, { field: 'data' });
  }
  const key = keyOf(data, type);
  // The schema is named by the id in the value; a URL of the publisher's would be one nobody checked.
  const { dataschema: _unchecked, ...given } = event.attributes as EventAttributes;
  const attributes: EventAttributes = {
    ...given,
    id: given.id,
    source: given.source,
    type: given.type,
    subject: subjectFor(event, key, type),
    time: given.time ?? new Date().toISOString(),
    datacontenttype: AVRO_CONTENT_TYPE,
    partitionkey: key,
  };
  return { topic: topicOf(type.topic, tenant), key, event: { attributes, value } };
}

function keyOf(data: unknown, type: EventType): string {
  const key = (data as Record<string, unknown> | null)?.[type.key];
  if (typeof key !== 'string') {
    throw new HeddleError('data-invalid', `${type.key} must be the business key, as a string.`, {
      field: `data.${type.key}`,
    });
  }
  return canonicalKey(key);
}

/** The subject is the business key: what a publisher says must agree with its data. */
function subjectFor(event: IncomingEvent, key: string, type: EventType): string {
  const { subject } = event.attributes;
  if (subject !== undefined && canonicalKey(subject) !== key) {
    throw attributeError('subject', `must be the business key, which data.${type.key} says is ${key}`);
  }
  return key;
}

function attributeError(attribute: string, rule: string): HeddleError {
  return new HeddleError('attribute-invalid', `The attribute ${attribute} ${rule}.`, {
    field: `attributes.${attribute}`,
  });
}

/** What tells an event from others of its id: its source, and of a raw message the address it was published to. */
function originOf(topic: string, { source, address }: EventAttributes): string {
  return isRawTopic(topic) ? `${source} ${address}` : source;
}

function asRefusal(error: unknown): HeddleError {
  return error instanceof HeddleError
    ? error
    : new HeddleError('internal', 'The event could not be checked.', { cause: error });
}
