import {
  type EventLog,
  fieldInvalid,
  type PartitionBounds,
  isRawTopic,
  objectOf,
  tenantOf,
  topicOf,
} from '@heddle/event';
import type { QueueEnd, QueueStart } from './queue.shape.js';

/** For each topic, an offset per partition. */
export type Offsets = Record<string, number[]>;

/** Business objects of a tenant by their names; all it has when left out. */
export interface ObjectsOf {
  tenant: string;
  objects: readonly string[] | undefined;
}

/**
 * Turns what was asked for in words or times into offsets, once: they are stored with the queue before it is answered,
 * so that an event published after the answer to `start: now` is surely in, and nothing depends on when a new owner
 * asks again. Asked for are business objects of a tenant, as everybody outside names them; answered are topics.
 */
export class QueueOffsets {
  constructor(
    private readonly eventLog: Pick<EventLog, 'bounds' | 'offsetsAt'>,
    /** All there are, of every tenant. */
    private readonly topics: () => readonly string[],
  ) {}

  /** @throws HeddleError `data-invalid` for a topic or an offset that is not there; `log-unavailable` */
  async ofStart(start: QueueStart, objects: ObjectsOf, field = 'start'): Promise<Offsets> {
    const wanted = this.#known(objects, 'topics');
    if (start === 'now') return this.#perTopic(wanted, ({ end }) => end);
    if (start === 'earliest') return this.#perTopic(wanted, ({ earliest }) => earliest);
    if ('time' in start) return this.#at(Date.parse(start.time), wanted);
    return this.#given(start.offsets, { tenant: objects.tenant, wanted }, `${field}.offsets`);
  }

  /** Where a window ends; a topic that is not named has nothing in it. */
  async ofEnd(end: QueueEnd, objects: ObjectsOf, field = 'end'): Promise<Offsets> {
    const wanted = this.#known(objects, 'topics');
    if (end === 'now') return this.#perTopic(wanted, (bounds) => bounds.end);
    if ('offsets' in end) return this.#given(end.offsets, { tenant: objects.tenant, wanted }, `${field}.offsets`);
    const time = Date.parse(end.time);
    if (time > Date.now()) {
      throw fieldInvalid(`${field}.time`, 'must not be in the future, for the offsets of that time are not known yet');
    }
    return this.#at(time, wanted);
  }

  /** The end of every partition of the topics a queue reads. */
  async ends({ tenant, objects }: ObjectsOf): Promise<Offsets> {
    return this.#perTopic(this.#present(tenant, objects), ({ end }) => end);
  }

  /** For each partition, the first event appended at or after a time. */
  async at(time: number, { tenant, objects }: ObjectsOf): Promise<Offsets> {
    return this.#at(time, this.#present(tenant, objects));
  }

  /** The kinds of object are those of all tenants; a tenant has the topic of one from its first event on. */
  #known({ tenant, objects }: ObjectsOf, field: string): readonly string[] {
    const all = new Set(
      this.topics()
        .filter((topic) => !isRawTopic(topic))
        .map(objectOf),
    );
    const unknown = objects?.findIndex((object) => !all.has(object)) ?? -1;
    if (unknown < 0) return this.#present(tenant, objects);
    throw fieldInvalid(`${field}.${unknown}`, `names a topic that is not there; there are ${[...all].join(', ')}`);
  }

  /** What is published to a queue by its name comes to it whatever topics it reads: raw messages are always among them. */
  #present(tenant: string, objects: readonly string[] | undefined): readonly string[] {
    const wanted = topicsOf(tenant, objects);
    return this.topics().filter(
      (topic) => tenantOf(topic) === tenant && (wanted === undefined || wanted.includes(topic) || isRawTopic(topic)),
    );
  }

  async #given(
    given: Offsets,
    { tenant, wanted }: { tenant: string; wanted: readonly string[] },
    field: string,
  ): Promise<Offsets> {
    const result: Offsets = {};
    for (const [object, offsets] of Object.entries(given)) {
      const topic = topicOf(object, tenant);
      if (!wanted.includes(topic)) {
        const read = wanted.map(objectOf).join(', ');
        throw fieldInvalid(`${field}.${object}`, `is not a topic this queue reads; it reads ${read || 'nothing yet'}`);
      }
      const bounds = await this.eventLog.bounds(topic);
      if (bounds.length !== offsets.length) {
        throw fieldInvalid(`${field}.${object}`, `must have an offset for each of its ${bounds.length} partitions`);
      }
      bounds.forEach(({ partition, end }) => {
        const offset = offsets[partition] ?? 0;
        if (offset > end) {
          throw fieldInvalid(`${field}.${object}.${partition}`, `must be at most ${end}, where the partition ends now`);
        }
      });
      result[topic] = offsets;
    }
    return result;
  }

  async #perTopic(topics: readonly string[], offset: (bounds: PartitionBounds) => number): Promise<Offsets> {
    const entries = topics.map(async (topic) => [topic, (await this.eventLog.bounds(topic)).map(offset)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  async #at(time: number, topics: readonly string[]): Promise<Offsets> {
    const entries = topics.map(async (topic) => [topic, await this.eventLog.offsetsAt(topic, time)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }
}

/** The topics of business objects of a tenant; of none named, nothing. */
export function topicsOf(tenant: string, objects: readonly string[] | undefined): string[] | undefined {
  return objects?.map((object) => topicOf(object, tenant));
}

/** Offsets as they are shown: by business object. */
export function shownOffsets(offsets: Offsets): Offsets {
  return Object.fromEntries(Object.entries(offsets).map(([topic, partitions]) => [objectOf(topic), partitions]));
}
