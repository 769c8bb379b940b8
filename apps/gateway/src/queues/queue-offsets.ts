import { type EventLog, HeddleError, type PartitionBounds } from '@heddle/event';
import type { QueueEnd, QueueStart } from './queue.shape.js';

/** For each topic, an offset per partition. */
export type Offsets = Record<string, number[]>;

/**
 * Turns what was asked for in words or times into offsets, once: they are stored with the queue before it is answered,
 * so that an event published after the answer to `start: now` is surely in, and nothing depends on when a new owner
 * asks again.
 */
export class QueueOffsets {
  constructor(
    private readonly eventLog: Pick<EventLog, 'bounds' | 'offsetsAt'>,
    private readonly topics: () => readonly string[],
  ) {}

  /** @throws HeddleError `data-invalid` for a topic or an offset that is not there; `log-unavailable` */
  async ofStart(start: QueueStart, topics: readonly string[] | undefined, field = 'start'): Promise<Offsets> {
    const wanted = this.#known(topics, 'topics');
    if (start === 'now') return this.#perTopic(wanted, ({ end }) => end);
    if (start === 'earliest') return this.#perTopic(wanted, ({ earliest }) => earliest);
    if ('time' in start) return this.#at(Date.parse(start.time), wanted);
    return this.#given(start.offsets, wanted, `${field}.offsets`);
  }

  /** Where a window ends; a topic that is not named has nothing in it. */
  async ofEnd(end: QueueEnd, topics: readonly string[] | undefined, field = 'end'): Promise<Offsets> {
    const wanted = this.#known(topics, 'topics');
    if (end === 'now') return this.#perTopic(wanted, (bounds) => bounds.end);
    if ('offsets' in end) return this.#given(end.offsets, wanted, `${field}.offsets`);
    const time = Date.parse(end.time);
    if (time > Date.now()) {
      throw wrong(`${field}.time`, 'must not be in the future, for the offsets of that time are not known yet');
    }
    return this.#at(time, wanted);
  }

  /** The end of every partition of the topics a queue reads. */
  async ends(topics: readonly string[] | undefined): Promise<Offsets> {
    return this.#perTopic(topics ?? this.topics(), ({ end }) => end);
  }

  /** For each partition, the first event appended at or after a time. */
  async at(time: number, topics: readonly string[] | undefined): Promise<Offsets> {
    return this.#at(time, topics ?? this.topics());
  }

  #known(topics: readonly string[] | undefined, field: string): readonly string[] {
    const all = this.topics();
    const unknown = topics?.findIndex((topic) => !all.includes(topic)) ?? -1;
    if (unknown < 0) return topics ?? all;
    throw wrong(`${field}.${unknown}`, `names a topic that is not there; there are ${all.join(', ')}`);
  }

  async #given(given: Offsets, wanted: readonly string[], field: string): Promise<Offsets> {
    for (const [topic, offsets] of Object.entries(given)) {
      if (!wanted.includes(topic)) {
        throw wrong(`${field}.${topic}`, `is not a topic this queue reads; it reads ${wanted.join(', ')}`);
      }
      const bounds = await this.eventLog.bounds(topic);
      if (bounds.length !== offsets.length) {
        throw wrong(`${field}.${topic}`, `must have an offset for each of its ${bounds.length} partitions`);
      }
      bounds.forEach(({ partition, end }) => {
        const offset = offsets[partition] ?? 0;
        if (offset > end) {
          throw wrong(`${field}.${topic}.${partition}`, `must be at most ${end}, where the partition ends now`);
        }
      });
    }
    return given;
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

function wrong(field: string, rule: string): HeddleError {
  return new HeddleError('data-invalid', `${field} ${rule}.`, { field, fields: [{ field, rule }] });
}
