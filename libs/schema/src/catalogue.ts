import type { AvroCodec } from './avro-codec.js';
import { subjectOf } from './avro-schema.js';
import { eventTypeOf, typeUnknown, type EventType } from './event-type.js';
import type { SchemaRegistry } from './schema-registry.js';

const REFRESH_MS = 30_000;
const MISS_MS = 1_000;
/** Subjects asked for side by side. */
const WIDTH = 8;

/**
 * The event types there are: every subject whose latest record carries the `heddle` property and is named after that
 * record and its topic. What it once knew it keeps while the registry is away.
 */
export class Catalogue {
  readonly #registry: SchemaRegistry;
  readonly #codec: AvroCodec;
  readonly #timer: NodeJS.Timeout;
  #types = new Map<string, EventType>();
  #skipped: { subject: string; reason: string }[] = [];
  #refreshing: Promise<void> | undefined;
  #last: { at: number; error?: unknown } | undefined;
  /** When each type was last looked at by itself. */
  readonly #looked = new Map<string, number>();

  constructor(registry: SchemaRegistry, codec: AvroCodec) {
    this.#registry = registry;
    this.#codec = codec;
    this.#timer = setInterval(() => void this.refresh().catch(() => undefined), REFRESH_MS).unref();
  }

  /**
   * Reads all subjects anew; calls at the same time share one reading. The schemas of all listed types are then loaded
   * in the codec. @throws HeddleError `registry-unavailable`; the list stays as it was.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** All event types, in order of their name. */
  list(): readonly EventType[] {
    return [...this.#types.values()];
  }

  /** Subjects that describe an event type, but not as they should. */
  skipped(): readonly { subject: string; reason: string }[] {
    return this.#skipped;
  }

  get(type: string): EventType | undefined {
    return this.#types.get(type);
  }

  /**
   * As `get`, but a type it does not know makes it look again, once a second at most.
   *
   * @throws HeddleError `type-unknown`, naming the nearest known type; `registry-unavailable`.
   */
  async find(type: string): Promise<EventType> {
    const known = this.#types.get(type);
    if (known !== undefined) return known;
    // What is being read now may have begun before the type was registered: the last answer counts from its end.
    if (this.#refreshing !== undefined || this.#last === undefined || Date.now() - this.#last.at >= MISS_MS)
      await this.refresh();
    else if (this.#last.error !== undefined) throw this.#last.error;
    const found = this.#types.get(type);
    if (found === undefined) throw typeUnknown(type, this.#types.keys());
    return found;
  }

  /**
   * A newer version of a type than the one given, as it is registered now; looked at once a second at most. Undefined
   * where there is none, or the registry does not answer: what is known goes on.
   */
  async renewed({ type, subject, schemaId }: EventType): Promise<EventType | undefined> {
    const current = this.#types.get(type);
    if (current !== undefined && current.schemaId !== schemaId) return current;
    const now = Date.now();
    if (now - (this.#looked.get(type) ?? 0) < MISS_MS) return undefined;
    this.#looked.set(type, now);
    try {
      const newest = await this.#readSubject(subject, []);
      if (newest === undefined || newest.type !== type || newest.schemaId === schemaId) return undefined;
      this.#types.set(type, newest);
      return newest;
    } catch {
      return undefined;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    try {
      const subjects = (await this.#registry.subjects()).toSorted();
      const types = new Map<string, EventType>();
      const skipped: { subject: string; reason: string }[] = [];
      for (let i = 0; i < subjects.length; i += WIDTH) {
        const part = subjects.slice(i, i + WIDTH);
        const read = await Promise.all(part.map((subject) => this.#readSubject(subject, skipped)));
        for (const type of read) if (type !== undefined && !types.has(type.type)) types.set(type.type, type);
      }
      this.#types = new Map([...types].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      this.#skipped = skipped;
      this.#last = { at: Date.now() };
    } catch (error) {
      this.#last = { at: Date.now(), error };
      throw error;
    }
  }

  /** One bad schema costs its own type alone; only a registry that is away ends the reading. */
  async #readSubject(subject: string, skipped: { subject: string; reason: string }[]): Promise<EventType | undefined> {
    const registered = await this.#registry.latest(subject);
    if (registered === undefined) return undefined;
    try {
      const type = eventTypeOf(subject, registered);
      if (type === undefined) return undefined;
      if (subject !== subjectOf(type.topic, type.schema))
        throw new Error(`it would have to be ${subjectOf(type.topic, type.schema)}`);
      await this.#codec.load(type.schemaId);
      return type;
    } catch (error) {
      if (isRetryable(error)) throw error;
      skipped.push({ subject, reason: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }
}

function isRetryable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'retryable' in error && error.retryable === true;
}
