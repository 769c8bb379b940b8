import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PartitionProgress, type ProgressRecord, uniteProgress } from './progress.js';

describe('progress of a queue in a partition', () => {
  it('never passes an unsettled offset, in whatever order settlements come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.array(fc.nat(60), { maxLength: 80 }), (count, settlements) => {
        const progress = new PartitionProgress(0);
        for (let offset = 0; offset < count; offset += 1) progress.take(offset, 0);
        progress.advance(count);
        const open = new Set(Array.from({ length: count }, (_, offset) => offset));
        let last = 0;
        for (const offset of settlements) {
          progress.settle(offset);
          open.delete(offset);
          expect(progress.contiguous).toBe(Math.min(count, ...open));
          expect(progress.contiguous).toBeGreaterThanOrEqual(last);
          last = progress.contiguous;
        }
      }),
    );
  });

  it('keeps what is settled beyond the contiguous offset over a takeover', () => {
    const before = new PartitionProgress(10);
    for (const offset of [10, 11, 12, 13]) before.take(offset, 0);
    before.advance(20);
    before.settle(12);
    before.retry(11, 3, 5000);
    const after = PartitionProgress.resume(before.record(7));
    expect([10, 11, 12, 13, 20].filter((offset) => after.wants(offset))).toEqual([10, 11, 13, 20]);
    expect(after.nextWanted).toBe(10);
    expect(after.take(11, 0)).toMatchObject({ attempts: 3, dueAt: 5000 });
  });

  it('does not ask again for an event it has read already', () => {
    const progress = PartitionProgress.resume(record({ through: 5, unsettled: [[3, 1, 0]] }));
    progress.take(3, 0);
    expect(progress.wants(3)).toBe(false);
    expect(progress.nextWanted).toBe(5);
  });

  it('settles and counts unsettled offsets that the log no longer has', () => {
    const progress = PartitionProgress.resume(
      record({
        through: 5,
        unsettled: [
          [1, 0, 0],
          [3, 0, 0],
        ],
      }),
    );
    progress.take(3, 0);
    progress.advance(5);
    expect(progress.gap).toMatchObject({ count: 1 });
    expect(progress.contiguous).toBe(3);
  });

  it('names no more of a backlog than what was touched, and a new owner reads the rest again', () => {
    const before = new PartitionProgress(10);
    for (let offset = 10; offset < 1000; offset += 1) before.take(offset, 0);
    before.advance(1000);
    expect(before.record(7)).toMatchObject({ contiguous: 10, through: 10, unsettled: [] });
    before.settle(11);
    before.retry(13, 1, 5000);
    const record = before.record(7);
    expect(record).toMatchObject({
      contiguous: 10,
      through: 14,
      unsettled: [
        [10, 0, 0],
        [12, 0, 0],
        [13, 1, 5000],
      ],
    });
    const after = PartitionProgress.resume(record);
    expect([10, 11, 12, 13, 14, 999].filter((offset) => after.wants(offset))).toEqual([10, 12, 13, 14, 999]);
    // What was named once stays so, whatever is read anew.
    expect(after.record(8)).toMatchObject({ contiguous: 10, through: 14 });
  });

  it('stays right when an event comes after later ones, having waited for its schema', () => {
    const progress = new PartitionProgress(10);
    progress.take(11, 0);
    progress.advance(10);
    progress.take(10, 0);
    progress.advance(12);
    expect(progress.contiguous).toBe(10);
    progress.settle(10);
    expect(progress.contiguous).toBe(11);
  });
});

describe('progress of several epochs', () => {
  it('counts an offset as settled when any epoch says so, and never one that none settled', () => {
    const anyRecord = fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.uniqueArray(fc.nat(29), { maxLength: 10 }), fc.nat(100))
      .map(([through, offsets, epoch]) =>
        record({
          epoch,
          through,
          unsettled: offsets.filter((offset) => offset < through).map((offset) => [offset, 1, 0]),
        }),
      );
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 4 }), (records) => {
        const united = uniteProgress(records)!;
        for (let offset = 0; offset < 31; offset += 1) {
          expect(isSettled(united, offset)).toBe(records.some((one) => isSettled(one, offset)));
        }
      }),
    );
  });

  it('takes the record of the higher position epoch whole, for it was purged', () => {
    const purged = record({ epoch: 1, positionEpoch: 1, through: 2, unsettled: [] });
    const late = record({ epoch: 9, positionEpoch: 0, through: 50, unsettled: [] });
    expect(uniteProgress([late, purged])?.through).toBe(2);
  });

  it('keeps the higher count of attempts', () => {
    const united = uniteProgress([
      record({ through: 5, unsettled: [[2, 4, 900]] }),
      record({ through: 6, unsettled: [[2, 1, 100]] }),
    ]);
    expect(united?.unsettled).toEqual([[2, 4, 900]]);
  });
});

function record(parts: Partial<ProgressRecord>): ProgressRecord {
  const through = parts.through ?? 0;
  const unsettled = parts.unsettled ?? [];
  const contiguous = Math.min(through, ...unsettled.map(([offset]) => offset));
  return { format: 1, epoch: 1, positionEpoch: 0, contiguous, through, unsettled, ...parts };
}

function isSettled({ through, unsettled }: ProgressRecord, offset: number): boolean {
  return offset < through && !unsettled.some(([open]) => open === offset);
}
