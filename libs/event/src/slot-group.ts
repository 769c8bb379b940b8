/** What a member of the slot group is told. A slot is revoked before it is assigned to anybody else, as far as is known. */
export interface SlotHandlers {
  /** These slots are ours from now on; called with those that were not ours before. */
  onAssigned(slots: readonly number[]): void;
  /** These are not ours any more: nothing new may be begun for them. */
  onRevoked(slots: readonly number[]): void;
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
  /** Becomes a member; resolves when the first assignment was made. */
  join(handlers: SlotHandlers): Promise<SlotMember>;
}
