import type { Chance } from '../support/chance.js';
import type { HistoryLine, ObjectLine, Outcome, RecordLine } from './history.js';

export const ORDERS = 'order.*';
export const CONTRACTS = 'contract.*';

/** Moments at which an owner of queues ends, in order. */
export type Moments = readonly number[];

export interface Appended {
  record: RecordLine;
  /** When it was appended. */
  at: number;
}

/** Choices by chance. */
export class Draw {
  constructor(private readonly chance: Pick<Chance, 'next' | 'between'>) {}

  below(count: number): number {
    return this.chance.between(0, count - 1);
  }

  share(share: number): boolean {
    return this.chance.next() < share;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
    }
    return shuffled;
  }
}

const PARTITIONS = 3;

export function takeovers(draw: Draw, size: number): Moments {
  return Array.from({ length: draw.below(5) }, () => 10 + draw.below(size * 6)).toSorted((one, other) => one - other);
}

/** What publishers and services did, what the database holds of it, and the log that came of it. */
export function appendAll(
  draw: Draw,
  size: number,
  faults: Moments,
): { lines: HistoryLine[]; records: Appended[]; objects: ObjectLine[] } {
  const log = new CleanLog(draw, faults);
  const keys = Math.max(2, Math.floor(size / 8));
  for (let key = 0; key < keys; key += 1) {
    log.publish(`C-${key}`, 2 + draw.below(8), draw.below(20));
    log.change(`47${key}`, 1 + draw.below(7), draw.below(20));
  }
  return { lines: log.lines, records: log.arranged(), objects: log.objects };
}

class CleanLog {
  readonly lines: HistoryLine[] = [];
  readonly objects: ObjectLine[] = [];
  #appended: { topic: string; key: string; id: string; sequence?: number; at: number }[] = [];

  constructor(
    private readonly draw: Draw,
    private readonly faults: Moments,
  ) {}

  /** A publisher that publishes events of a key one after another; what got no answer it may publish again. */
  publish(key: string, count: number, begin: number): void {
    const topic = 'contract';
    let now = begin;
    for (let number = 1; number <= count; number += 1) {
      const id = `${key}-${number}`;
      for (;;) {
        const outcome = this.#outcome();
        const call = { line: 'publish', topic, key, id, content: `data of ${id}`, begin: now, end: now + 3 } as const;
        const isDone = outcome === 'acknowledged' || (outcome === 'unknown' && this.draw.share(0.5));
        // Without an answer it may be appended long after the publisher went on.
        const late = outcome === 'unknown' ? this.draw.below(12) : 1;
        if (isDone) this.#appended.push({ topic, key, id, at: now + late });
        this.lines.push({ ...call, outcome, ...(outcome === 'refused' ? { status: 422 } : {}) });
        now += 4 + this.draw.below(5);
        if (outcome !== 'unknown' || this.draw.share(0.4)) break;
      }
    }
  }

  /** The life of an order: the first change raises two events, the others one; a call without an answer is the last. */
  change(key: string, count: number, begin: number): void {
    const topic = 'sales-order';
    let now = begin;
    let [version, events] = [0, 0];
    while (version < count) {
      if (this.draw.share(0.2)) {
        this.lines.push({ line: 'change', topic, key, begin: now, end: now + 1, outcome: 'refused', status: 412 });
      }
      const outcome = this.#outcome();
      const isDone = outcome === 'acknowledged' || (outcome === 'unknown' && this.draw.share(0.5));
      this.lines.push({ line: 'change', topic, key, version: version + 1, begin: now, end: now + 2, outcome });
      if (isDone) {
        const raised = version === 0 ? 2 : 1;
        for (let at = 0; at < raised; at += 1) {
          events += 1;
          this.#appended.push({ topic, key, id: `${key}#${events}`, sequence: events, at: now + 3 });
        }
        version += 1;
      }
      now += 5 + this.draw.below(5);
      if (outcome !== 'acknowledged') break;
    }
    if (version === 0) return;
    const stored: ObjectLine = { line: 'object', topic, key, version, events };
    this.objects.push(stored);
    this.lines.push(stored);
  }

  /** The log as its readers have it; relays that were stopped have appended some again, in order, late. */
  arranged(): Appended[] {
    const all = [...this.#appended];
    for (const fault of this.faults) {
      const key = `47${this.draw.below(4)}`;
      const late = this.#appended.filter((one) => one.key === key && one.at < fault && one.at > fault - 15);
      all.push(...late.map((one) => ({ ...one, at: fault + 4 })));
    }
    all.sort((one, other) => one.at - other.at);
    const ends = new Map<string, number>();
    return all.map(({ topic, key, id, sequence, at }) => {
      const partition = key.charCodeAt(key.length - 1) % PARTITIONS;
      const offset = ends.get(`${topic}/${partition}`) ?? this.draw.below(3);
      ends.set(`${topic}/${partition}`, offset + 1);
      const type = topic === 'contract' ? 'contract.Signed' : sequence === 1 ? 'order.Created' : 'order.Changed';
      const number = sequence === undefined ? {} : { sequence };
      const digests = { bytes: `bytes of ${id}`, content: `data of ${id}` };
      return { record: { line: 'record', topic, partition, offset, key, id, type, ...number, ...digests }, at };
    });
  }

  #outcome(): Outcome {
    return this.draw.share(0.85) ? 'acknowledged' : this.draw.one(['refused', 'unknown']);
  }
}
