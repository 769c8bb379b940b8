import type { Draw } from '../clean-log.js';
import type { DeliveryLine, FinalLine, HistoryLine, RecordLine } from '../history.js';

/** One way of breaking a promise, put into a history in which all are kept. */
export interface Defect {
  name: string;
  /** The kind of finding that must come of it. */
  kind: string;
  /** Changes the history; false when it has no place for this defect. */
  plant(history: Planting, draw: Draw): boolean;
}

type Kind = HistoryLine['line'];
type LineOf<K extends Kind> = Extract<HistoryLine, { line: K }>;

/** A history that may be changed. */
export class Planting {
  readonly lines: HistoryLine[];

  constructor(clean: readonly HistoryLine[]) {
    this.lines = structuredClone([...clean]);
  }

  all<K extends Kind>(kind: K, holds: (line: LineOf<K>) => boolean = () => true): LineOf<K>[] {
    return this.lines.filter((line): line is LineOf<K> => line.line === kind && holds(line as LineOf<K>));
  }

  add(...lines: HistoryLine[]): true {
    this.lines.push(...lines);
    return true;
  }

  remove(gone: (line: HistoryLine) => boolean): true {
    const kept = this.lines.filter((line) => !gone(line));
    this.lines.splice(0, Infinity, ...kept);
    return true;
  }

  /** Records that are the only ones of their id. */
  single(topic: string): RecordLine[] {
    const counts = new Map<string, number>();
    for (const { id } of this.all('record')) counts.set(id, (counts.get(id) ?? 0) + 1);
    return this.all('record', (record) => record.topic === topic && counts.get(record.id) === 1);
  }

  /** Without the faults, for which much is excused. */
  undisturbed(): true {
    return this.remove((line) => line.line === 'fault');
  }

  /** Deliveries of the first passage of an event through a queue, as they began. */
  passage({ queue, id }: { queue: string; id: string }): DeliveryLine[] {
    const found = this.all('delivery', (line) => line.queue === queue && line.id === id && line.cycle === undefined);
    return found.toSorted((one, other) => one.begin - other.begin);
  }
}

/** Changes one of these lines, if there is one. */
export function change<L>(draw: Draw, lines: readonly L[], how: (line: L) => unknown): boolean {
  if (lines.length === 0) return false;
  how(draw.one(lines));
  return true;
}

export const isOf =
  (id: string) =>
  (line: HistoryLine): boolean =>
    (line.line === 'record' || line.line === 'delivery' || line.line === 'final') && line.id === id;
export const isFirstPassage = ({ cycle }: DeliveryLine | FinalLine): boolean => cycle === undefined;
export const fresh = { id: 'nobody-1', bytes: 'bytes of nobody-1', content: 'data of nobody-1' };

/** Accepted at the first attempt by a receiver that is asked once. */
export const plain = (history: Planting, queue?: string): DeliveryLine[] => {
  const single = new Set([...history.single('contract'), ...history.single('sales-order')].map(({ id }) => id));
  const counts = new Map<string, number>();
  const candidates = history.all('delivery', isFirstPassage);
  for (const line of candidates) {
    counts.set(line.queue + line.id, (counts.get(line.queue + line.id) ?? 0) + 1);
  }
  return candidates.filter(
    (line) =>
      single.has(line.id) &&
      counts.get(line.queue + line.id) === 1 &&
      line.answer === 'accept' &&
      line.redelivery === 'no' &&
      (queue === undefined || line.queue === queue),
  );
};
