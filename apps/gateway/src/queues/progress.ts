/** What a record of `heddle.progress` says about one partition of a queue, within one epoch of ownership. */
export interface ProgressRecord {
  format: 1;
  epoch: number;
  /** Raised by a purge; the record with the higher one wins whole. */
  positionEpoch: number;
  /** Every offset below is settled. */
  contiguous: number;
  /**
   * Every offset below was looked at; those from `contiguous` on are settled unless they are named below. What was read
   * beyond and has not been touched yet is as good as not looked at: naming it would make the record of a backlog long.
   */
  through: number;
  /** Offset, attempts so far, and when the next one is due (milliseconds since the epoch; 0 for at once). */
  unsettled: [offset: number, attempts: number, dueAt: number][];
  /** What could not be delivered, for the log no longer had it. */
  gap?: Gap;
}

/** Events of a partition that retention or compaction took before a queue could deliver them. */
export interface Gap {
  /** Offsets lost in all. */
  count: number;
  /** The range they lie in; `to` is exclusive. */
  from: number;
  to: number;
  /** When the last of them was missed, in milliseconds since the epoch. */
  at: number;
}

interface Unsettled {
  attempts: number;
  dueAt: number;
  appendedAt: number;
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
  /** Offsets beyond `through` that are parked or have ended: an owner died between that and saying so here. */
  #elsewhere = new Set<number>();
  #gap: Gap | undefined;
  /** The highest offset of which anything but its being taken is to be remembered. */
  #highestTouched = -1;
  #highestTaken = -1;
  #takenInOrder = true;

  constructor(
    from: number,
    public positionEpoch = 0,
  ) {
    this.#through = from;
  }

  /** Takes up what an earlier owner left; the events of its unsettled offsets are to be read again. */
  static resume(record: ProgressRecord): PartitionProgress {
    const progress = new PartitionProgress(record.through, record.positionEpoch);
    for (const [offset, attempts, dueAt] of record.unsettled) {
      progress.#unsettled.set(offset, { attempts, dueAt, appendedAt: Infinity });
      progress.#missing.add(offset);
    }
    progress.#gap = record.gap;
    progress.#highestTouched = record.through - 1;
    progress.#takenInOrder = false;
    return progress;
  }

  get through(): number {
    return this.#through;
  }

  get gap(): Gap | undefined {
    return this.#gap;
  }

  /** Offsets that are not settled. */
  get open(): number {
    return this.#unsettled.size;
  }

  /** When the log took the oldest event that is being worked on; as far as it was read by this owner. */
  get oldestAppendedAt(): number | undefined {
    for (const { appendedAt } of this.#unsettled.values()) if (appendedAt !== Infinity) return appendedAt;
    return undefined;
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
    if (offset < this.#through) return this.#missing.has(offset);
    return !this.#unsettled.has(offset) && !this.#elsewhere.has(offset);
  }

  /** The event at this offset is being worked on from now on; returns what earlier attempts left. */
  take(offset: number, appendedAt: number): Readonly<Unsettled> {
    const known = this.#unsettled.get(offset);
    if (known !== undefined) {
      this.#missing.delete(offset);
      known.appendedAt = appendedAt;
      return known;
    }
    if (offset < this.#highestTaken) this.#takenInOrder = false;
    else this.#highestTaken = offset;
    const fresh = { attempts: 0, dueAt: 0, appendedAt };
    this.#unsettled.set(offset, fresh);
    return fresh;
  }

  /**
   * Everything below was looked at; what was not taken is not wanted, and so settled. Unsettled offsets of an earlier
   * owner that the log no longer has are settled now, as a gap.
   */
  advance(through: number): void {
    if (through > this.#through) this.#through = through;
    for (const offset of this.#missing) {
      if (offset >= through) continue;
      this.settle(offset);
      this.#lose(1, offset, offset + 1);
    }
    if (this.#elsewhere.size > 0) {
      for (const offset of this.#elsewhere) if (offset < this.#through) this.#elsewhere.delete(offset);
    }
  }

  /** The log begins at `to` only: what was still wanted below is lost. */
  lose(to: number): void {
    const from = this.#through;
    if (to > from) {
      this.#through = to;
      this.#touch(to - 1);
      this.#lose(to - from, from, to);
    }
    for (const offset of this.#missing) {
      if (offset >= to) continue;
      this.settle(offset);
      this.#lose(1, offset, offset + 1);
    }
  }

  /** The event at this offset was parked, and is gone from the log now. */
  gone(offset: number): void {
    this.#lose(1, offset, offset + 1);
  }

  /** This offset is parked, or has ended, whatever is said here: it is settled as far as the offset goes. */
  settledElsewhere(offset: number): void {
    if (offset >= this.#through) this.#elsewhere.add(offset);
    else this.settle(offset);
  }

  /** Everything below is settled, whatever became of it; no record of before counts any more. */
  purge(below: number): void {
    this.positionEpoch += 1;
    if (below > this.#through) this.#through = below;
    this.#touch(below - 1);
    for (const offset of [...this.#unsettled.keys()]) if (offset < below) this.settle(offset);
  }

  /** An attempt did not end the matter; the next one is due then. */
  retry(offset: number, attempts: number, dueAt: number): void {
    const known = this.#unsettled.get(offset);
    if (known === undefined) return;
    known.attempts = attempts;
    known.dueAt = dueAt;
    this.#touch(offset);
  }

  settle(offset: number): void {
    this.#touch(offset);
    this.#unsettled.delete(offset);
    this.#missing.delete(offset);
    if (this.#unsettled.size === 0) this.#takenInOrder = true;
  }

  record(epoch: number): ProgressRecord {
    const unsettled: ProgressRecord['unsettled'] = [];
    let through = this.#through;
    for (const [offset, { attempts, dueAt }] of this.#unsettled) {
      if (offset <= this.#highestTouched) unsettled.push([offset, attempts, dueAt]);
      else if (offset < through) through = offset;
      // All that follow are later still.
      if (offset > this.#highestTouched && this.#takenInOrder) break;
    }
    return {
      format: 1,
      epoch,
      positionEpoch: this.positionEpoch,
      contiguous: Math.min(this.contiguous, through),
      through,
      unsettled,
      ...(this.#gap === undefined ? {} : { gap: this.#gap }),
    };
  }

  #touch(offset: number): void {
    if (offset > this.#highestTouched) this.#highestTouched = offset;
  }

  #lose(count: number, from: number, to: number): void {
    const gap = this.#gap;
    this.#gap = {
      count: (gap?.count ?? 0) + count,
      from: Math.min(gap?.from ?? from, from),
      to: Math.max(gap?.to ?? to, to),
      at: Date.now(),
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
  const gap = high.gap ?? low.gap;
  return {
    format: 1,
    epoch: Math.max(a.epoch, b.epoch),
    positionEpoch: a.positionEpoch,
    contiguous: unsettled.reduce((least, [offset]) => Math.min(least, offset), through),
    through,
    unsettled,
    ...(gap === undefined ? {} : { gap }),
  };
}
