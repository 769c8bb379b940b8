import { type Gap, PartitionProgress, type ProgressRecord } from './progress.js';

/** For each topic, an offset per partition. */
type Offsets = Readonly<Record<string, readonly number[]>>;

/** How far a queue is through all partitions; one it never heard of begins where its definition says. */
export class QueueProgress {
  readonly #topics = new Map<string, (PartitionProgress | undefined)[]>();

  constructor(private readonly start: () => Offsets) {}

  at(topic: string, partition: number): PartitionProgress {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    return (partitions[partition] ??= new PartitionProgress(this.start()[topic]?.[partition] ?? 0));
  }

  /** Takes up what an earlier owner left. */
  resume(topic: string, partition: number, record: ProgressRecord): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    partitions[partition] = PartitionProgress.resume(record);
  }

  /** When the log took the oldest event that is not settled, of those in memory. */
  get oldestAppendedAt(): number | undefined {
    let oldest: number | undefined;
    for (const { progress } of this.#all()) {
      const { oldestAppendedAt } = progress;
      if (oldestAppendedAt !== undefined) oldest = Math.min(oldest ?? Infinity, oldestAppendedAt);
    }
    return oldest;
  }

  get gaps(): (Gap & { topic: string; partition: number })[] {
    const gaps: (Gap & { topic: string; partition: number })[] = [];
    for (const { topic, partition, progress } of this.#all()) {
      if (progress.gap !== undefined) gaps.push({ topic, partition, ...progress.gap });
    }
    return gaps;
  }

  *#all(): Generator<{ topic: string; partition: number; progress: PartitionProgress }> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, progress] of partitions.entries()) {
        if (progress !== undefined) yield { topic, partition, progress };
      }
    }
  }
}
