import type { SlotGroup, SlotHandlers, SlotMember } from './slot-group.js';
import { SLOT_COUNT } from './topic.js';

interface Member {
  handlers: SlotHandlers;
  slots: Set<number>;
}

/** The slot group of one process, for tests: members divide the slots evenly as they come and go. */
export class MemorySlotGroup implements SlotGroup {
  private readonly members: Member[] = [];

  join(handlers: SlotHandlers): Promise<SlotMember> {
    const member: Member = { handlers, slots: new Set() };
    this.members.push(member);
    this.divide();
    return Promise.resolve({
      isCurrent: () => this.members.includes(member),
      leave: () => {
        this.remove(member);
        return Promise.resolve();
      },
    });
  }

  private remove(member: Member): void {
    const index = this.members.indexOf(member);
    if (index < 0) return;
    this.members.splice(index, 1);
    const slots = [...member.slots];
    member.slots.clear();
    member.handlers.onRevoked(slots);
    this.divide();
  }

  private divide(): void {
    if (this.members.length === 0) return;
    const most = Math.ceil(SLOT_COUNT / this.members.length);
    const owned = new Set<number>();
    for (const { slots, handlers } of this.members) {
      const over = [...slots].slice(most);
      for (const slot of over) slots.delete(slot);
      if (over.length > 0) handlers.onRevoked(over);
      for (const slot of slots) owned.add(slot);
    }
    const free = Array.from({ length: SLOT_COUNT }, (_, slot) => slot).filter((slot) => !owned.has(slot));
    for (const { slots, handlers } of this.members) {
      const got = free.splice(0, most - slots.size);
      for (const slot of got) slots.add(slot);
      if (got.length > 0) handlers.onAssigned(got);
    }
  }
}
