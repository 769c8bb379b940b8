import type { ReplaySelection } from './replay.js';
import { type Gap, PartitionProgress, type ProgressRecord } from './progress.js';

/** Where a queue begins, and where it ends if it was made for a window of the log: an offset per topic and partition. */
interface Window {
  start: Readonly<Record<string, readonly number[]>>;
  end?: Readonly<Record<string, readonly number[]>>;
}

/** How far a queue is through all partitions; one it never heard of begins where its window does. */
export class QueueProgress {
  readonly #topics = new Map<string, (PartitionProgress | undefined)[]>();

  constructor(
    private readonly window: () => Window,
    private readonly selection: ReplaySelection | undefined,
  ) {}

  /** The first offset whose event is still to be read; Infinity where the window ends before. */
  wantedFrom(topic: string, partition: number): number {
    const progress = this.at(topic, partition);
    const end = this.endOf(topic, partition);
    const next = progress.nextWanted;
    if (next >= end) return Infinity;
    const wanted = this.selection?.next(topic, partition, next) ?? next;
    if (wanted > next) progress.advance(Math.min(wanted, end));
    return wanted >= end ? Infinity : wanted;
  }

  endOf(topic: string, partition: number): number {
    const { end } = this.window();
    return end === undefined ? Infinity : (end[topic]?.[partition] ?? 0);
  }

  /** Whether all of the window was looked at; without an end, never. */
  get isThrough(): boolean {
    const { end } = this.window();
    if (end === undefined) return false;
    return Object.entries(end).every(([topic, ends]) =>
      ends.every((_, partition) => this.wantedFrom(topic, partition) === Infinity),
    );
  }

  at(topic: string, partition: number): PartitionProgress {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    return (partitions[partition] ??= new PartitionProgress(this.window().start[topic]?.[partition] ?? 0));
  }

  /** Takes up what an earlier owner left. */
  resume(topic: string, partition: number, record: ProgressRecord): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) this.#topics.set(topic, (partitions = []));
    partitions[partition] = PartitionProgress.resume(record);
  }

  /** What stands at this place is parked. */
  parked({ topic, partition, offset }: { topic: string; partition: number; offset: number }): void {
    this.at(topic, partition).settledElsewhere(offset);
  }

  /** What has ended though no progress says so: each as `topic/partition/offset`. */
  ended(places: ReadonlySet<string>): void {
    for (const place of places) {
      const [topic = '', partition, offset] = place.split('/');
      this.at(topic, Number(partition)).settledElsewhere(Number(offset));
    }
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
