import { SLOT_COUNT, divideSlots } from '@heddle/event';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignSlots,
  decodeAssignment,
  decodeClaim,
  encodeAssignment,
  encodeClaim,
  type SlotClaim,
} from './slot-assigner.js';

const ALL = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);

/** Members that own slots each of which has one owner at most. */
const owned = fc
  .integer({ min: 1, max: 40 })
  .chain((members) =>
    fc
      .array(fc.option(fc.nat(members - 1)), { minLength: SLOT_COUNT, maxLength: SLOT_COUNT })
      .map((owners) => Array.from({ length: members }, (_, member) => ALL.filter((slot) => owners[slot] === member))),
  );

/** Members as they stand after enough divisions. */
function settled(members: readonly string[]): SlotClaim[] {
  let claims: SlotClaim[] = members.map((memberId) => ({ memberId, slots: [], generation: 0 }));
  for (let generation = 1; generation < 4; generation += 1) claims = next(claims, generation);
  return claims;
}

function next(claims: readonly SlotClaim[], generation: number): SlotClaim[] {
  return Array.from(assignSlots(claims), ([memberId, slots]) => ({ memberId, slots, generation }));
}

function sizes(claims: readonly SlotClaim[]): number[] {
  return claims.map(({ slots }) => slots.length).toSorted((one, other) => one - other);
}

describe('the division of slots', () => {
  it('gives every slot to exactly one member, evenly to within one', () => {
    fc.assert(
      fc.property(owned, (before) => {
        const after = divideSlots(before);
        expect(after.flat().toSorted((one, other) => one - other)).toEqual(ALL);
        const counts = after.map((slots) => slots.length);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('moves as few slots as an even division allows', () => {
    fc.assert(
      fc.property(owned, (before) => {
        const kept = divideSlots(before).map((slots, member) => slots.filter((slot) => before[member]?.includes(slot)));
        // Nobody can keep more than his share, and only so many shares are the larger ones.
        const least = Math.floor(SLOT_COUNT / before.length);
        const larger = before.filter((slots) => slots.length > least).length;
        const most =
          before.reduce((sum, slots) => sum + Math.min(slots.length, least), 0) +
          Math.min(larger, SLOT_COUNT % before.length);
        expect(kept.flat()).toHaveLength(most);
      }),
    );
  });

  it('takes a slot that several have for the first one’s', () => {
    const [first, second] = divideSlots(
      [
        [0, 1],
        [1, 0],
      ],
      2,
    ) as [number[], number[]];
    expect([first, second]).toEqual([[0], [1]]);
  });
});

describe('an assignment', () => {
  it('never gives anybody a slot that another claims', () => {
    fc.assert(
      fc.property(owned, (before) => {
        const claims = before.map((slots, member) => ({ memberId: `m${member}`, slots, generation: 3 }));
        const after = assignSlots(claims);
        for (const { memberId, slots } of claims) {
          const others = [...after].filter(([other]) => other !== memberId).flatMap(([, got]) => got);
          expect(others.filter((slot) => slots.includes(slot))).toEqual([]);
        }
      }),
    );
  });

  it('is even, with every slot owned, once those that had to give have joined again', () => {
    fc.assert(
      fc.property(owned, (before) => {
        const claims = before.map((slots, member) => ({ memberId: `m${member}`, slots, generation: 3 }));
        const after = next(next(claims, 4), 5);
        expect(after.flatMap(({ slots }) => slots).toSorted((one, other) => one - other)).toEqual(ALL);
        const counts = sizes(after);
        expect((counts.at(-1) ?? 0) - (counts[0] ?? 0)).toBeLessThanOrEqual(1);
        expect(next(after, 6).map(({ slots }) => slots)).toEqual(after.map(({ slots }) => slots));
      }),
    );
  });

  it('moves only the share of a member that comes, and only what one leaves behind', () => {
    for (let count = 1; count < 12; count += 1) {
      const before = settled(Array.from({ length: count }, (_, n) => `m${n}`));
      const more = next(next([...before, { memberId: 'new', slots: [], generation: 0 }], 10), 11);
      expect(sizes(more)).toEqual(sizes(settled(Array.from({ length: count + 1 }, (_, n) => `m${n}`))));
      expect(movedBetween(before, more)).toBe(Math.floor(SLOT_COUNT / (count + 1)));
      const fewer = next(
        more.filter(({ memberId }) => memberId !== 'm0'),
        12,
      );
      const left = more.find(({ memberId }) => memberId === 'm0')?.slots.length;
      expect(movedBetween(more, fewer)).toBe(left);
    }
  });

  it('believes of two members that claim one slot the one of the later generation', () => {
    const old = { memberId: 'a', slots: ALL, generation: 4 };
    const current = { memberId: 'b', slots: ALL.slice(0, 16), generation: 7 };
    const after = assignSlots([old, current]);
    expect(after.get('b')).toEqual(ALL.slice(0, 16));
    expect(after.get('a')).toEqual(ALL.slice(16));
  });

  it('does not depend on the order of the members', () => {
    const claims = settled(['a', 'b', 'c']);
    const more = [...claims, { memberId: 'd', slots: [], generation: 0 }];
    expect(assignSlots(more.toReversed())).toEqual(assignSlots(more));
  });
});

describe('what members say to each other', () => {
  it('is read as it was written', () => {
    const claim = { slots: [0, 5, 31], generation: 12 };
    expect(decodeClaim('a', encodeClaim('heddle.queues', claim))).toEqual({ memberId: 'a', ...claim });
    expect(decodeAssignment('heddle.queues', encodeAssignment('heddle.queues', [1, 2]))).toEqual([1, 2]);
    expect(decodeAssignment('heddle.queues', encodeAssignment('heddle.queues', []))).toEqual([]);
  });

  it('claims nothing where it cannot be read', () => {
    expect(decodeClaim('a', Buffer.from('nonsense'))).toEqual({ memberId: 'a', slots: [], generation: -1 });
  });
});

function movedBetween(before: readonly SlotClaim[], after: readonly SlotClaim[]): number {
  return ALL.filter((slot) => ownerOf(before, slot) !== ownerOf(after, slot)).length;
}

function ownerOf(claims: readonly SlotClaim[], slot: number): string | undefined {
  return claims.find(({ slots }) => slots.includes(slot))?.memberId;
}
