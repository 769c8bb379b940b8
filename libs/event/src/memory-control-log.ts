import type { ControlLog, ControlPut, ControlRecord, Follower } from './control-log.js';
import { HeddleError } from './errors.js';
import type { TopicSpec } from './topic.js';

interface Following {
  topic: string;
  apply(record: ControlRecord): void;
}

/** The control log of one process, for tests: compacted at once, offsets counted as in the real one. */
export class MemoryControlLog implements ControlLog {
  /** Lets puts fail: the error that the log is to answer with. */
  failPut: ((topic: string, puts: readonly ControlPut[]) => HeddleError | undefined) | undefined;
  private readonly followers = new Set<Following>();
  private readonly topics = new Map<string, { end: number; records: Map<string, ControlRecord> }[]>();

  put(topic: string, puts: readonly ControlPut[]): Promise<number[]> {
    const partitions = this.topics.get(topic);
    if (partitions === undefined) return Promise.reject(noSuchTopic(topic));
    const error = this.failPut?.(topic, puts);
    if (error !== undefined) return Promise.reject(error);
    const offsets: number[] = [];
    for (const { partition, key, value } of puts) {
      const own = partitions[partition];
      if (own === undefined) return Promise.reject(noSuchTopic(`${topic}/${partition}`));
      // Its place among the records is that of its last value.
      own.records.delete(key);
      if (value !== null) {
        own.records.set(key, { key, value: structuredClone(value), partition, offset: own.end });
      }
      for (const follower of this.followers) {
        if (follower.topic === topic)
          tell(follower, { key, value: structuredClone(value), partition, offset: own.end });
      }
      offsets.push(own.end);
      own.end += 1;
    }
    return Promise.resolve(offsets);
  }

  load(topic: string, partitions: readonly number[], apply: (record: ControlRecord) => void): Promise<void> {
    const all = this.topics.get(topic);
    if (all === undefined) return Promise.reject(noSuchTopic(topic));
    for (const partition of partitions) {
      for (const record of [...(all[partition]?.records.values() ?? [])]) apply(structuredClone(record));
    }
    return Promise.resolve();
  }

  async follow(topic: string, apply: (record: ControlRecord) => void): Promise<Follower> {
    const follower = { topic, apply };
    await this.load(topic, [...(this.topics.get(topic) ?? []).keys()], apply);
    this.followers.add(follower);
    // Followers are told within the put: whoever knows an offset can be sure that it has been applied.
    return {
      reached: () => Promise.resolve(),
      stop: () => {
        this.followers.delete(follower);
        return Promise.resolve();
      },
    };
  }

  ensureTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      if (this.topics.has(spec.name)) continue;
      this.topics.set(
        spec.name,
        Array.from({ length: spec.partitions }, () => ({ end: 0, records: new Map<string, ControlRecord>() })),
      );
    }
    return Promise.resolve();
  }
}

function tell(follower: Following, record: ControlRecord): void {
  try {
    follower.apply(record);
  } catch {
    // It is the follower's loss, not that of whoever put the record.
  }
}

function noSuchTopic(topic: string): HeddleError {
  return new HeddleError('log-unavailable', `The topic ${topic} does not exist.`, { retryAfterSeconds: 5 });
}
