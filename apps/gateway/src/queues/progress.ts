/** What a record of `heddle.progress` says about one partition of a queue, within one epoch of ownership. */
export interface ProgressRecord {
  format: 1;
  epoch: number;
  /** Raised by a purge; the record with the higher one wins whole. */
  positionEpoch: number;
  /** Every offset below is settled. */
  contiguous: number;
  /** Every offset below was looked at; those from `contiguous` on are settled unless they are named below. */
  through: number;
  /** Offset, attempts so far, and when the next one is due (milliseconds since the epoch; 0 for at once). */
  unsettled: [offset: number, attempts: number, dueAt: number][];
}

interface Unsettled {
  attempts: number;
  dueAt: number;
}

/**
 * How far a queue is through one partition. Offsets are taken in rising order and settled in any: the contiguous
 * offset never passes an unsettled one, and what is settled beyond it is not forgotten.
 */
export class PartitionProgress {
  #through: number;
  /** In order of being taken. */
  #unsettled = new Map<number, Unsettled>();
  /** Unsettled offsets of an earlier owner whose events have not been read again yet. */
  #missing = new Set<number>();
  #highestTaken = -1;
  #takenInOrder = true;

  constructor(
    from: number,
    readonly positionEpoch = 0,
  ) {
    this.#through = from;
  }

  /** Takes up what an earlier owner left; the events of its unsettled offsets are to be read again. */
  static resume(record: ProgressRecord): PartitionProgress {
    const progress = new PartitionProgress(record.through, record.positionEpoch);
    for (const [offset, attempts, dueAt] of record.unsettled) {
      progress.#unsettled.set(offset, { attempts, dueAt });
      progress.#missing.add(offset);
    }
    progress.#takenInOrder = false;
    return progress;
  }

  get through(): number {
    return this.#through;
  }

  /** The first offset whose event is still to be read. */
  get nextWanted(): number {
    return this.#missing.size === 0 ? this.#through : Math.min(this.#through, ...this.#missing);
  }

  get contiguous(): number {
    if (this.#unsettled.size === 0) return this.#through;
    if (!this.#takenInOrder) {
      let least = this.#through;
      for (const offset of this.#unsettled.keys()) if (offset < least) least = offset;
      return least;
    }
    const [first] = this.#unsettled.keys();
    return first ?? this.#through;
  }

  /** Whether the event at this offset is to be worked on; one that was read before is not. */
  wants(offset: number): boolean {
    return offset >= this.#through ? !this.#unsettled.has(offset) : this.#missing.has(offset);
  }

  /** The event at this offset is being worked on from now on; returns what earlier attempts left. */
  take(offset: number): Readonly<Unsettled> {
    this.#missing.delete(offset);
    const known = this.#unsettled.get(offset);
    if (known !== undefined) return known;
    if (offset < this.#highestTaken) this.#takenInOrder = false;
    else this.#highestTaken = offset;
    const fresh = { attempts: 0, dueAt: 0 };
    this.#unsettled.set(offset, fresh);
    return fresh;
  }

  /**
   * Everything below was looked at; what was not taken is not wanted, and so settled. Returns how many unsettled
   * offsets of an earlier owner the log no longer has: they are settled now, as lost to retention.
   */
  advance(through: number): number {
    if (through > this.#through) this.#through = through;
    let gone = 0;
    for (const offset of this.#missing) {
      if (offset >= through) continue;
      this.#missing.delete(offset);
      this.settle(offset);
      gone += 1;
    }
    return gone;
  }

  /** An attempt did not end the matter; the next one is due then. */
  retry(offset: number, attempts: number, dueAt: number): void {
    if (this.#unsettled.has(offset)) this.#unsettled.set(offset, { attempts, dueAt });
  }

  settle(offset: number): void {
    this.#unsettled.delete(offset);
    if (this.#unsettled.size === 0) this.#takenInOrder = true;
  }

  record(epoch: number): ProgressRecord {
    return {
      format: 1,
      epoch,
      positionEpoch: this.positionEpoch,
      contiguous: this.contiguous,
      through: this.#through,
      unsettled: [...this.#unsettled].map(([offset, { attempts, dueAt }]) => [offset, attempts, dueAt]),
    };
  }
}

/**
 * One record out of those of several epochs: an offset is settled if any of them says so. An owner that wrote late,
 * after it was superseded, can thereby cause a repeat, never a loss. Unsettled offsets keep their highest attempts.
 */
export function uniteProgress(records: readonly ProgressRecord[]): ProgressRecord | undefined {
  const positionEpoch = Math.max(...records.map((record) => record.positionEpoch));
  const current = records.filter((record) => record.positionEpoch === positionEpoch);
  const [first, ...others] = current;
  if (first === undefined) return undefined;
  return others.reduce(uniteTwo, first);
}

function uniteTwo(a: ProgressRecord, b: ProgressRecord): ProgressRecord {
  const [low, high] = a.through <= b.through ? [a, b] : [b, a];
  const lowUnsettled = new Map(low.unsettled.map((entry) => [entry[0], entry]));
  const unsettled: ProgressRecord['unsettled'] = [];
  for (const entry of high.unsettled) {
    const [offset, attempts, dueAt] = entry;
    const other = lowUnsettled.get(offset);
    const settledByLow = offset < low.through && other === undefined;
    if (settledByLow) continue;
    unsettled.push(other !== undefined && other[1] > attempts ? other : [offset, attempts, dueAt]);
  }
  const through = high.through;
  return {
    format: 1,
    epoch: Math.max(a.epoch, b.epoch),
    positionEpoch: a.positionEpoch,
    contiguous: unsettled.reduce((least, [offset]) => Math.min(least, offset), through),
    through,
    unsettled,
  };
}
