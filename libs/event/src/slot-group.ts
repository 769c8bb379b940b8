import { SLOT_COUNT } from './topic.js';

/** What a member of the slot group is told. A slot is revoked before it is assigned to anybody else, as far as is known. */
export interface SlotHandlers {
  /** These slots are ours from now on; called with those that were not ours before. */
  onAssigned(slots: readonly number[]): void;
  /** These are not ours any more: nothing new may be begun for them. */
  onRevoked(slots: readonly number[]): void;
  /** The membership is current again after a time in which it was not: what was not begun then may be begun now. */
  onRenewed(): void;
}

/** Membership in the slot group. */
export interface SlotMember {
  /**
   * Whether the slots are surely still ours: false once the last sign of the group is so old that it may have given
   * them to somebody else (the session time less a second). What is false may become true again.
   */
  isCurrent(): boolean;
  /** Gives all slots back, so that others take over at once. */
  leave(): Promise<void>;
}

/**
 * Divides the slots among the processes of the mesh: each slot has one owner at a time, and an owner that is gone is
 * replaced. Assignment is sticky: members keep what they have as far as an even division allows.
 */
export interface SlotGroup {
  /**
   * Becomes a member; resolves when the first assignment was made, which is still empty while others have to give up
   * what is to be ours. Waits for the group as long as that takes.
   */
  join(handlers: SlotHandlers): Promise<SlotMember>;
}

/**
 * The rule of division: what each member should have, given what each has. Every slot goes to exactly one, nobody has
 * two more than another, and no slot moves that need not. A slot that several have is taken for the first one's.
 */
export function divideSlots(owned: readonly (readonly number[])[], count: number = SLOT_COUNT): number[][] {
  const free = new Set(Array.from({ length: count }, (_, slot) => slot));
  const kept = owned.map((slots) => slots.filter((slot) => free.delete(slot)));
  const least = Math.floor(count / kept.length);
  // Who has most may keep one more than the others: anything else would move slots for nothing.
  const byCount = kept.toSorted((one, other) => other.length - one.length);
  for (const [rank, slots] of byCount.entries()) {
    for (const slot of slots.splice(least + (rank < count % kept.length ? 1 : 0))) free.add(slot);
  }
  const rest = [...free].toSorted((one, other) => one - other);
  for (const [rank, slots] of byCount.entries()) {
    slots.push(...rest.splice(0, least + (rank < count % kept.length ? 1 : 0) - slots.length));
  }
  return kept;
}
